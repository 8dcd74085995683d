//! What `edgefit bench` says against what is measured without it.
//!
//! ```sh
//! cargo bench --profile release --bench bench_accuracy -- [--python PYTHON] MODEL.onnx...
//! ```
//!
//! For each model, one thread, batch 1: the p50 of ONNX Runtime against that of a plain loop in
//! Python's `onnxruntime` (`onnxruntime_loop.py`; PYTHON needs that package in the version of the
//! library that edgefit loads), the p50 of tract against that of a bare loop here, and the peak of
//! memory against what `/usr/bin/time -v` says of the same process. Both of a pair run in a process of
//! their own, for half a second, one behind the other on the same core (`taskset`), who begins in turns; the
//! median of the pairs' ratios is printed, with its 95 % interval by ranks, because a core is slower by half
//! while another program has its other thread; the same of the shortest times.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use edgefit::bench::statistics::{median, quantile_interval};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use serde_json::Value;
use tract_onnx::prelude::*;

type Failure = Box<dyn std::error::Error>;

const PAIRS: usize = 40;

/// Time of one measurement.
const TIME: Duration = Duration::from_millis(500);

const WARM_UP: Duration = Duration::from_millis(300);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [this, model, shape] = arguments.as_slice()
        && this == "loop"
    {
        let (p50, min) = bare_loop(model, shape)?;
        println!("{p50} {min}");
        return Ok(());
    }
    let mut arguments = arguments.into_iter().filter(|one| one != "--bench");
    let (mut python, mut models) = ("python3".to_owned(), Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--python" => python = arguments.next().ok_or("--python takes a program")?,
            _ => models.push(argument),
        }
    }
    if models.is_empty() {
        println!(
            "give ONNX models: cargo bench --profile release --bench bench_accuracy -- M.onnx"
        );
    }
    for model in models {
        let shape = shape(&model)?;
        let loops = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../benches/onnxruntime_loop.py"
        );
        let milliseconds = TIME.as_millis().to_string();
        compare(&model, "onnxruntime", |core| {
            let mut command = on(core, &python);
            command.args([loops, &model, &shape, "1", &milliseconds]);
            times(&mut command)
        })?;
        let this = std::env::current_exe()?;
        compare(&model, "tract", |core| {
            times(on(core, &this).args(["loop", &model, &shape]))
        })?;
        for engine in ["onnxruntime", "tract"] {
            let (edgefit, system) = peaks(&model, &shape, engine)?;
            println!(
                "{model} {engine}: peak memory {edgefit} KiB, the system says {system} KiB, ratio {:.4}",
                edgefit as f64 / system as f64
            );
        }
    }
    Ok(())
}

/// `program`, which stays on `core`.
fn on(core: usize, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

fn shape(model: &str) -> Result<String, Failure> {
    let graph = Graph::load(Path::new(model))?;
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let [(_, dims)] = shapes.0.as_slice() else {
        return Err(format!("{model} has not one input").into());
    };
    let sizes: Vec<String> = dims.iter().map(ToString::to_string).collect();
    Ok(sizes.join("x"))
}

fn compare(
    model: &str,
    engine: &str,
    plain: impl Fn(usize) -> Result<Times, Failure>,
) -> Result<(), Failure> {
    let measured = |core: usize| -> Result<Times, Failure> {
        let mut command = on(core, env!("CARGO_BIN_EXE_edgefit"));
        command.args(["--json", "bench", "--launches", "1", "--engine", engine]);
        command.args(["--time", &format!("{}ms", TIME.as_millis()), model]);
        let output = command.stderr(Stdio::null()).output()?;
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let time = |field: &str| {
            let time = report["results"][0][field].as_u64();
            time.ok_or_else(|| format!("no {field} of {model} on {engine}"))
        };
        Ok((time("p50_ns")?, time("min_ns")?))
    };
    let cores = std::thread::available_parallelism()?.get();
    let mut pairs = Vec::new();
    for number in 0..PAIRS {
        let core = number / 2 % cores;
        let pair = if number % 2 == 0 {
            let plain = plain(core)?;
            (plain, measured(core)?)
        } else {
            let measured = measured(core)?;
            (plain(core)?, measured)
        };
        pairs.push(pair);
    }
    type Figure = fn(Times) -> u64;
    let figures: [(&str, Figure); 2] = [("p50", |of| of.0), ("min", |of| of.1)];
    for (name, of) in figures {
        let pairs: Vec<(u64, u64)> = pairs.iter().map(|pair| (of(pair.0), of(pair.1))).collect();
        // In millionths.
        let ratio = |pair: &(u64, u64)| pair.1 * 1_000_000 / pair.0.max(1);
        let ratios: Vec<u64> = pairs.iter().map(ratio).collect();
        let (low, high) = quantile_interval(&ratios, 0.5).ok_or("nothing was measured")?;
        let [ratio, low, high] = [median(&ratios), low, high].map(|ratio| ratio as f64 / 1e6);
        let middle = |times: Vec<u64>| median(&times) as f64 / 1e6;
        println!(
            "{model} {engine} {name}: bench {:.3} ms, plain loop {:.3} ms, ratio {ratio:.4} ({low:.4} to {high:.4})",
            middle(pairs.iter().map(|pair| pair.1).collect()),
            middle(pairs.iter().map(|pair| pair.0).collect()),
        );
    }
    Ok(())
}

/// The p50 and the shortest time, in nanoseconds.
type Times = (u64, u64);

/// The times that a program prints.
fn times(command: &mut Command) -> Result<Times, Failure> {
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [p50, min] => Ok((p50.parse()?, min.parse()?)),
        _ => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

/// tract as its documentation shows it.
fn bare_loop(model: &str, shape: &str) -> Result<Times, Failure> {
    let dims = shape.split('x').map(str::parse);
    let dims: Vec<usize> = dims.collect::<Result<_, _>>()?;
    let model = tract_onnx::onnx()
        .model_for_path(model)?
        .with_input_fact(0, f32::fact(&dims).into())?
        .into_optimized()?
        .into_runnable()?;
    let count: usize = dims.iter().product();
    let numbers = (0..count).map(|at| ((at * 7919) % 4001) as f32 / 1000.0 - 2.0);
    let input: TValue = Tensor::from_shape(&dims, &numbers.collect::<Vec<f32>>())?.into();
    let spend = |time: Duration| -> TractResult<Vec<u64>> {
        let begun = Instant::now();
        let mut times = Vec::new();
        while times.is_empty() || begun.elapsed() < time {
            let start = Instant::now();
            model.run(tvec!(input.clone()))?;
            times.push(start.elapsed().as_nanos() as u64);
        }
        Ok(times)
    };
    spend(WARM_UP)?;
    let times = spend(TIME)?;
    Ok((median(&times), times.into_iter().min().unwrap_or(0)))
}

/// The peak of one process in KiB, as edgefit says and as the system does.
fn peaks(model: &str, shape: &str, engine: &str) -> Result<(u64, u64), Failure> {
    let mut command = Command::new("/usr/bin/time");
    command.args(["-v", env!("CARGO_BIN_EXE_edgefit"), "bench-worker"]);
    command.args([
        "--engine",
        engine,
        "--threads",
        "1",
        "--input-shape",
        shape,
        "--",
        model,
    ]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.stderr(Stdio::piped()).spawn()?;
    if let Some(mut orders) = child.stdin.take() {
        orders.write_all(b"\"warm_up\"\n{\"round\":{\"ns\":500000000}}\n")?;
    }
    let output = child.wait_with_output()?;
    let answers = String::from_utf8(output.stdout)?;
    let answer: Value = serde_json::from_str(answers.lines().last().unwrap_or_default())?;
    let edgefit = answer["done"]["peak_rss_bytes"].as_u64().ok_or("no peak")? / 1024;
    let stderr = String::from_utf8(output.stderr)?;
    let system = stderr.lines().find_map(|line| {
        line.trim()
            .strip_prefix("Maximum resident set size (kbytes): ")
    });
    Ok((
        edgefit,
        system.ok_or("time -v says no peak")?.trim().parse()?,
    ))
}
