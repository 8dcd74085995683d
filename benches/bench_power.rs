//! How often `edgefit bench` finds a difference where there is one, and where there is none.
//!
//! ```sh
//! cargo bench --profile release --bench bench_power -- [--calls 20] [--engine onnxruntime] MODEL.onnx [-- FLAG...]
//! ```
//!
//! Each call measures the model against a copy of itself, or against the same model with 5 % more
//! multiply-accumulates: 1×1 convolutions with the identity as weights, behind a value where they come
//! nearest to 5 %. FLAGs go to `edgefit bench`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use edgefit::cost::Costs;
use edgefit::graph::infer::{InputShapes, infer};
use edgefit::graph::rewrite::lift_constants;
use edgefit::graph::{Graph, Node, Tensor};
use serde_json::Value;

type Failure = Box<dyn std::error::Error>;

const MORE: f64 = 0.05;

/// Most convolutions that make up the difference.
const MOST: u64 = 8;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|one| one != "--bench");
    let (mut calls, mut engine, mut model) = (20, "onnxruntime".to_owned(), None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--calls" => calls = arguments.next().ok_or("--calls takes a number")?.parse()?,
            "--engine" => engine = arguments.next().ok_or("--engine takes a name")?,
            "--" => break,
            _ => model = Some(PathBuf::from(argument)),
        }
    }
    let flags: Vec<String> = arguments.collect();
    let Some(model) = model else {
        println!("give an ONNX model: cargo bench --profile release --bench bench_power -- M.onnx");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let (same, more) = (
        folder.path().join("same.onnx"),
        folder.path().join("more.onnx"),
    );
    std::fs::copy(&model, &same)?;
    let share = heavier(&model, &more)?;
    println!("A/B: {:.2} % more MACs", 100.0 * share);
    let mut found = [0, 0];
    for call in 1..=calls {
        for (index, other) in [&same, &more].into_iter().enumerate() {
            let mut command = Command::new(env!("CARGO_BIN_EXE_edgefit"));
            command.args(["--json", "bench", "--engine", &engine]);
            command.args(&flags).arg(&model).arg(other);
            let output = command.stderr(Stdio::null()).output()?;
            let report: Value = serde_json::from_slice(&output.stdout)?;
            let compared = &report["comparisons"][0];
            let verdict = compared["verdict"].as_str().ok_or("no comparison")?;
            found[index] += usize::from(verdict != "no_difference");
            let number = |field: &str| compared[field].as_f64().unwrap_or(f64::NAN);
            println!(
                "{call} {}: {:.4} ({:.4} to {:.4}) {verdict}",
                ["A/A", "A/B"][index],
                number("ratio"),
                number("low"),
                number("high")
            );
        }
    }
    let [of_same, of_more] = found;
    println!(
        "{engine}: a difference in {of_same} of {calls} A/A calls, in {of_more} of {calls} A/B calls"
    );
    Ok(())
}

/// Writes the model with more work into `to`; how much more, as a share of all its MACs.
fn heavier(model: &Path, to: &Path) -> Result<f64, Failure> {
    let mut graph = Graph::load(model)?;
    lift_constants(&mut graph);
    let inference = infer(&graph, &InputShapes::bind(&graph, 1, None)?)?;
    let whole = Costs::of(&graph, &inference).totals.macs as f64;
    let mut best: Option<(f64, usize, usize, u64)> = None;
    for (at, node) in graph.nodes.iter().enumerate() {
        let dims = node
            .present_outputs()
            .next()
            .and_then(|name| inference.get(name));
        let Some(&[1, channels, height, width]) = dims.map(|of| of.dims.as_slice()) else {
            continue;
        };
        let macs = (channels * channels * height * width) as f64;
        for count in 1..=MOST {
            let miss = (count as f64 * macs / whole - MORE).abs();
            if channels >= 32 && best.is_none_or(|(least, ..)| miss < least) {
                best = Some((miss, at, channels, count));
            }
        }
    }
    let (_, at, channels, count) = best.ok_or("no value of four dimensions")?;
    let identity: Vec<f32> = (0..channels * channels)
        .map(|place| f32::from(u8::from(place / channels == place % channels)))
        .collect();
    let weight = Tensor::from_values(vec![channels, channels, 1, 1], &identity);
    graph.initializers.insert("more.weight".into(), weight);
    let value = graph.nodes[at].outputs[0].clone();
    graph.nodes[at].outputs[0] = "more.0".into();
    for index in 0..count {
        let from = format!("more.{index}");
        let into = if index + 1 == count {
            value.clone()
        } else {
            format!("more.{}", index + 1)
        };
        let name = format!("more/{index}");
        let node = Node::new("Conv", &name, &[&from, "more.weight"], &[&into]);
        graph.nodes.insert(at + 1 + index as usize, node);
    }
    graph.save(to)?;
    let inference = infer(&graph, &InputShapes::bind(&graph, 1, None)?)?;
    Ok(Costs::of(&graph, &inference).totals.macs as f64 / whole - 1.0)
}
