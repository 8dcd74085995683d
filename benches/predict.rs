//! Predicted against measured: latency and peak memory of models that the probe never saw.
//!
//! ```sh
//! cargo bench --profile release --bench predict -- [--profile FILE] MODEL.onnx...
//! ```
//!
//! Probes this machine (or takes the profile that `edgefit device probe -o FILE` wrote a moment ago)
//! and runs every model in tract and ONNX Runtime with one thread, in a process of its own, three
//! times with everything else in between; the least of the three p50 counts, as with the probe, for
//! what disturbs a machine only ever adds. Prints a row a model and engine, and the shares that lie
//! within ±20 % (latency) and ±10 % (peak of resident memory).

use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::cost::latency::calibrated;
use edgefit::cost::memory_plan::{ElementType as Stored, MemoryPlan};
use edgefit::device::rates::RunSetup;
use edgefit::device::{ElementType, EngineId, find};
use edgefit::engine::Measurement;
use edgefit::graph::Graph;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::lift_constants;

const ENGINES: [&str; 2] = ["onnxruntime", "tract"];

const PASSES: usize = 3;

type Failure = Box<dyn std::error::Error>;

/// One model in one engine.
struct Row {
    model: PathBuf,
    engine: &'static str,
    shapes: Vec<String>,
    predicted_ns: u64,
    predicted_bytes: u64,
    measured: Option<(u64, u64)>,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (mut profile, mut models) = (None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--profile" => profile = arguments.next(),
            _ => models.push(PathBuf::from(argument)),
        }
    }
    if models.is_empty() {
        println!(
            "give ONNX models: cargo bench --profile release --bench predict -- MODEL.onnx..."
        );
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let profile = match profile {
        Some(profile) => profile,
        None => {
            let path = folder.path().join("probed.toml");
            let probe = edgefit()
                .args(["device", "probe", "-o"])
                .arg(&path)
                .status()?;
            assert!(probe.success(), "the probe failed");
            path.display().to_string()
        }
    };
    let mut rows = Vec::new();
    for model in models {
        rows.extend(predict(&model, &profile)?);
    }
    for _ in 0..PASSES {
        for row in &mut rows {
            row.measure()?;
        }
    }
    println!(
        "{:40} {:12} {:>10} {:>10} {:>6} {:>9} {:>9} {:>6}",
        "model", "engine", "predicted", "measured", "ratio", "predicted", "peak RSS", "ratio"
    );
    for engine in ENGINES {
        let (mut times, mut peaks) = (Vec::new(), Vec::new());
        for row in rows.iter().filter(|row| row.engine == engine) {
            let Some((ns, bytes)) = row.measured else {
                println!("{:40} {engine:12} does not run", name(&row.model));
                continue;
            };
            let time = row.predicted_ns as f64 / ns as f64;
            let peak = row.predicted_bytes as f64 / bytes as f64;
            println!(
                "{:40} {engine:12} {:7.2} ms {:7.2} ms {time:6.2} {:5.1} MiB {:5.1} MiB {peak:6.2}",
                name(&row.model),
                row.predicted_ns as f64 / 1e6,
                ns as f64 / 1e6,
                row.predicted_bytes as f64 / 1048576.0,
                bytes as f64 / 1048576.0,
            );
            times.push(time);
            peaks.push(peak);
        }
        println!(
            "{engine}: {} models; latency within ±20 %: {:.1} %; peak RSS within ±10 %: {:.1} %",
            times.len(),
            share(&times, 0.2),
            share(&peaks, 0.1)
        );
    }
    Ok(())
}

/// What the profile makes of a model; nothing where an op is not supported.
fn predict(model: &Path, profile: &str) -> Result<Vec<Row>, Failure> {
    let profile = find(profile)?;
    let mut graph = Graph::load(model)?;
    lift_constants(&mut graph);
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let inference = infer(&graph, &shapes)?;
    if !inference.unsupported.is_empty() {
        println!(
            "{}: has ops that edgefit does not support, left out",
            name(model)
        );
        return Ok(Vec::new());
    }
    let plan = MemoryPlan::of(&graph, &inference, Stored::AsStored);
    let parts = edgefit::cost::model_parts(&graph, &inference);
    let row = |engine: &'static str| {
        let id = EngineId::from(engine.to_owned());
        let process = profile
            .process_memory
            .iter()
            .find(|found| found.engine == id)?;
        let setup = RunSetup {
            engine: &id,
            element_type: ElementType::F32,
            threads: 1,
        };
        let latency = calibrated(&graph, &inference, &profile.rates, setup)?;
        let shape = |(_, dims): &(String, Vec<usize>)| {
            let sizes: Vec<String> = dims.iter().map(ToString::to_string).collect();
            sizes.join("x")
        };
        Some(Row {
            model: model.to_path_buf(),
            engine,
            shapes: shapes.0.iter().map(shape).collect(),
            predicted_ns: latency.ns,
            predicted_bytes: process.peak_bytes(parts, plan.arena_bytes),
            measured: None,
        })
    };
    Ok(ENGINES.into_iter().filter_map(row).collect())
}

impl Row {
    fn measure(&mut self) -> Result<(), Failure> {
        let mut run = edgefit();
        run.args([
            "--json",
            "run-model",
            "--engine",
            self.engine,
            "--milliseconds",
            "300",
        ]);
        for shape in &self.shapes {
            run.args(["--input-shape", shape]);
        }
        let output = run.arg(&self.model).output()?;
        if !output.status.success() {
            return Ok(());
        }
        let ran: Measurement = serde_json::from_slice(&output.stdout)?;
        let (ns, peak) = (ran.p50_ns(), ran.peak_rss_bytes.unwrap_or_default());
        self.measured = Some(match self.measured {
            Some((least, most)) => (least.min(ns), most.max(peak)),
            None => (ns, peak),
        });
        Ok(())
    }
}

fn edgefit() -> Command {
    Command::new(env!("CARGO_BIN_EXE_edgefit"))
}

fn name(model: &Path) -> String {
    let stem = model.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn share(ratios: &[f64], error: f64) -> f64 {
    let within = ratios.iter().filter(|ratio| (*ratio - 1.0).abs() <= error);
    100.0 * within.count() as f64 / ratios.len().max(1) as f64
}
