//! How long the feature pass and the head take, by engine.
//!
//! ```sh
//! cargo bench --profile release --bench linear_probe
//! ```
//!
//! Runs `edgefit train` on the 222 Tux Paint photographs and EfficientNet-Lite0, five times for each
//! engine, the engines in turn, with an empty feature cache each time; prints the median, and the
//! range, of the times that the reports state.

use std::path::Path;
use std::process::Command;

use edgefit::assets::{self, Cache};

const RUNS: usize = 5;

const ENGINES: [&str; 2] = ["onnxruntime", "tract"];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let cache = Cache::of_user()?;
    let data = assets::tux_paint_photographs(&cache)?;
    let weights = assets::efficientnet_lite0(&cache)?;
    let library = assets::onnxruntime(&cache)?;
    let folder = tempfile::tempdir()?;
    let backbone = folder.path().join("backbone.onnx");
    let edgefit = || Command::new(env!("CARGO_BIN_EXE_edgefit"));
    let mut import = edgefit();
    import
        .arg("import")
        .arg(weights)
        .args(["--arch", "efficientnet-lite0", "-o"])
        .arg(&backbone);
    import.output()?;

    let mut times: Vec<Vec<[f64; 2]>> = vec![Vec::new(); ENGINES.len()];
    for run in 0..RUNS {
        for (engine, times) in ENGINES.iter().zip(&mut times) {
            let empty = folder.path().join(format!("cache-{engine}-{run}"));
            let mut train = edgefit();
            train
                .env("EDGEFIT_CACHE", empty)
                .env("ORT_DYLIB_PATH", library_file(&library)?);
            train
                .arg("train")
                .arg(&data)
                .arg("--backbone")
                .arg(&backbone);
            train.args([
                "--device", "host", "--epochs", "20", "--json", "--engine", engine, "--force", "-o",
            ]);
            let output = train.arg(folder.path().join("run")).output()?;
            let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
            let seconds = |field: &str| report["timing"][field].as_f64().unwrap_or(f64::NAN) / 1e9;
            times.push([seconds("features_ns"), seconds("head_ns")]);
        }
    }
    for (engine, times) in ENGINES.iter().zip(&times) {
        for (part, name) in ["features", "head"].iter().enumerate() {
            let mut sorted: Vec<f64> = times.iter().map(|time| time[part]).collect();
            sorted.sort_by(f64::total_cmp);
            let (low, median, high) = (sorted[0], sorted[RUNS / 2], sorted[RUNS - 1]);
            println!("{engine:12} {name:9} {median:7.2} s  ({low:.2} – {high:.2})");
        }
    }
    Ok(())
}

fn library_file(folder: &Path) -> Result<std::path::PathBuf, Failure> {
    let found = edgefit::engine::onnxruntime::libraries(folder).pop();
    found.ok_or_else(|| "the cache holds no library".into())
}
