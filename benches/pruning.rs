//! What pruning loses, by how channels are chosen and whether what reads them makes up for it.
//!
//! ```sh
//! cargo bench --profile release --bench pruning -- MODEL.onnx CALIBRATION TEST [--macs SHARE] [--samples N]
//! ```
//!
//! Prunes a classifier to a share of its multiply-accumulates (half, if not given), by uniform widths and by
//! widths that are chosen, from the images in the folder CALIBRATION, and prints the accuracy of each model on
//! N images of TEST, whose folders are called as the labels.

use std::path::{Path, PathBuf};

use edgefit::assets::{self, Cache};
use edgefit::engine::{InProcess, fastest, onnxruntime};
use edgefit::graph::Graph;
use edgefit::predict::{Chosen, Comparison, Outputs, SampleSet, outputs, shuffled};
use edgefit::prune::{Calibrated, Macs, Ranking, Selection, Structure, Widths};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (mut share, mut samples, mut paths) = (0.5, 2000, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--macs" => share = arguments.next().ok_or("--macs wants a share")?.parse()?,
            "--samples" => {
                samples = arguments
                    .next()
                    .ok_or("--samples wants a number")?
                    .parse()?
            }
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    let [model, calibration, test] = paths.as_slice() else {
        println!("give MODEL.onnx CALIBRATION TEST");
        return Ok(());
    };
    let cache = Cache::of_user()?;
    assets::onnxruntime(&cache)?;
    onnxruntime::discover(None, &cache.onnxruntime_folder())?;
    let graph = Graph::load(model)?;
    let open = |path: &Path| SampleSet::open(path, &graph, None, &mut |words| eprintln!("{words}"));
    let (calibration, test) = (open(calibration)?, open(test)?);
    let calibration = Chosen::new(&calibration, (0..calibration.samples().len()).collect());
    let mut drawn = shuffled(test.samples().len(), 0);
    drawn.truncate(samples);
    let test = Chosen::new(&test, drawn);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut engine = InProcess::new(fastest(), threads);
    let structure = Structure::of(&graph)?;
    let calibrated = Calibrated::new(&structure, &calibration, &mut engine)?;
    let before = outputs(&graph, &test, &mut engine)?;
    let mut judging = InProcess::new(fastest(), threads);
    let mut judge = |name: &str, made: &Graph, macs: u64| -> Result<(), Failure> {
        let after: Outputs = outputs(made, &test, &mut judging)?;
        let compared = Comparison::of(&before, &after, Some(&test.classes()));
        let accuracy = compared.accuracy.ok_or("no class is known")?;
        println!(
            "{name:50} {:>6.1} M MACs  accuracy {:.4} of {:.4}, {:>6.2} points lost ± {:.2}",
            macs as f64 / 1e6,
            accuracy.quantized,
            accuracy.float,
            accuracy.drop,
            accuracy.standard_error
        );
        Ok(())
    };
    for selection in [
        Selection::Magnitude,
        Selection::Random(0),
        Selection::Reconstruction,
    ] {
        let clock = std::time::Instant::now();
        let ranking = calibrated.rank(selection, 8)?;
        println!("ranked in {:.1} s", clock.elapsed().as_secs_f64());
        let macs = Macs::of(&structure, &ranking)?;
        let whole = macs.with(&Widths(vec![0; structure.groups().len()]));
        let budget = (share * whole as f64) as u64;
        let uniform = uniform(&structure, &ranking, &macs, budget)?;
        let mut all = vec![("uniform", uniform)];
        if selection == Selection::Reconstruction {
            let cost = |widths: &Widths| macs.with(widths);
            all.push(("chosen", ranking.within(&structure, &cost, budget, "MACs")?));
        }
        for (name, widths) in all {
            let kept = ranking.kept(&structure, &widths);
            let name = format!("{selection:?}, {name} widths");
            let spent = macs.with(&widths);
            judge(
                &format!("{name}, nothing made up"),
                &structure.without(&kept)?,
                spent,
            )?;
            let clock = std::time::Instant::now();
            let made = calibrated.prune(&kept)?;
            println!("made up in {:.1} s", clock.elapsed().as_secs_f64());
            judge(&format!("{name}, made up"), &made, spent)?;
            if selection == Selection::Reconstruction {
                let clock = std::time::Instant::now();
                let made = calibrated.prune_in_turn(&kept, &calibration, &mut engine)?;
                println!("made up in turn in {:.1} s", clock.elapsed().as_secs_f64());
                judge(&format!("{name}, made up in turn"), &made, spent)?;
            }
        }
    }
    Ok(())
}

/// The largest share of the channels of every group that keeps the budget.
fn uniform(
    structure: &Structure,
    ranking: &Ranking,
    macs: &Macs,
    budget: u64,
) -> Result<Widths, Failure> {
    for percent in (1..=100).rev() {
        let widths = ranking.uniform(structure, f64::from(percent) / 100.0)?;
        if macs.with(&widths) <= budget {
            return Ok(widths);
        }
    }
    Err("no share keeps the budget".into())
}
