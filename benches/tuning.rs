//! What `--tune` gains, and how long it takes.
//!
//! ```sh
//! cargo bench --profile release --bench tuning
//! ```
//!
//! Runs `edgefit train` with EfficientNet-Lite0 on the Tux Paint photographs and on the part of
//! Fashion-MNIST, with five seeds each, without and with `--tune 16`; a seed decides the split of the
//! photographs, the order of samples, the augmented views and the candidates. Prints the accuracy on the
//! validation and the test images, the mean over the seeds, what was chosen, and the time that the reports
//! state for the search and for the stage alone. Features come from the cache from the second run on.

use std::path::Path;
use std::process::Command;

use edgefit::assets::{self, Cache};
use serde_json::Value;

const SEEDS: usize = 5;

const CANDIDATES: &str = "16";

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let cache = Cache::of_user()?;
    let weights = assets::efficientnet_lite0(&cache)?;
    assets::onnxruntime(&cache)?;
    let folder = tempfile::tempdir()?;
    let backbone = folder.path().join("backbone.onnx");
    let mut import = Command::new(env!("CARGO_BIN_EXE_edgefit"));
    import
        .arg("import")
        .arg(weights)
        .args(["--arch", "efficientnet-lite0", "-o"])
        .arg(&backbone);
    import.output()?;
    for (name, data) in [
        ("Tux Paint", assets::tux_paint_photographs(&cache)?),
        ("Fashion-MNIST", assets::fashion_mnist(&cache)?),
    ] {
        println!("{name}\nseed   val         tuned       test        tuned       chosen");
        let mut sums = [0.0; 4];
        for seed in 0..SEEDS {
            let run = |more: &[&str]| train(&data, &backbone, folder.path(), seed, more);
            let plain = run(&[])?;
            // Leaves the views of all strengths in the cache.
            run(&["--tune", CANDIDATES])?;
            let tuned = run(&["--tune", CANDIDATES])?;
            let accuracy = |report: &Value, part: &str| {
                100.0 * report[part]["accuracy"].as_f64().unwrap_or(f64::NAN)
            };
            let figures = [
                accuracy(&plain, "val"),
                accuracy(&tuned, "val"),
                accuracy(&plain, "test"),
                accuracy(&tuned, "test"),
            ];
            for (sum, figure) in sums.iter_mut().zip(figures) {
                *sum += figure / SEEDS as f64;
            }
            let seconds = |report: &Value, part: &str| {
                report["timing"][part].as_f64().unwrap_or(f64::NAN) / 1e9
            };
            let at = tuned["tuning"]["chosen"].as_u64().unwrap_or(0);
            let chosen = &tuned["tuning"]["candidates"][at as usize];
            println!(
                "{seed:4}   {}learning rate {}, decay {}, smoothing {}, augmentation {}; search {:.1} s, stage {:.1} s",
                columns(figures),
                chosen["learning_rate"],
                chosen["weight_decay"],
                chosen["label_smoothing"],
                chosen["augmentation"],
                seconds(&tuned, "tuning_ns"),
                seconds(&plain, "stages_ns"),
            );
            let guards = tuned["guards"].as_array().into_iter().flatten();
            for guard in guards.filter(|guard| {
                ["warning", "failed"]
                    .map(Value::from)
                    .contains(&guard["status"])
            }) {
                println!(
                    "       {} {}: {}",
                    guard["code"], guard["status"], guard["message"]
                );
            }
        }
        println!("mean   {}", columns(sums));
    }
    Ok(())
}

fn columns(figures: [f64; 4]) -> String {
    let columns = figures.map(|figure| format!("{:<12}", format!("{figure:.1} %")));
    columns.concat()
}

fn train(
    data: &Path,
    backbone: &Path,
    folder: &Path,
    seed: usize,
    more: &[&str],
) -> Result<Value, Failure> {
    let mut train = Command::new(env!("CARGO_BIN_EXE_edgefit"));
    train.arg("train").arg(data).arg("--backbone").arg(backbone);
    train.args([
        "--device",
        "raspberry-pi-4b",
        "--json",
        "--force",
        "--seed",
        &seed.to_string(),
    ]);
    let output = train
        .args(more)
        .arg("-o")
        .arg(folder.join("run"))
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}
