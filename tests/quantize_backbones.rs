//! Networks of torchvision and timm, quantised: they load in ONNX Runtime, whose kernels agree with burn's
//! simulation, and no layer is left on floats that the scheme quantises.

use std::path::Path;

use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::Graph;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::torch::{networks, noise, noise_file};
use crate::common::{command, onnxruntime, run};

/// Samples of which half are calibrated on, and half compared.
const SAMPLES: usize = 16;

/// The same but for what a 32-bit sum errs.
fn moved(array: &Array) -> Array {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let values = array.values.iter();
    let moved = values.map(|value| value * (1.0 + random.random_range(-1e-6..1e-6)));
    Array {
        dims: array.dims.clone(),
        values: moved.collect(),
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// What is wrong with the int8 model of `path`, if anything is.
fn problem(path: &Path, scheme: &str) -> Option<String> {
    let graph = Graph::load(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (inputs, made) = (folder.path().join("x.npz"), folder.path().join("q.onnx"));
    noise_file(&graph, SAMPLES, &inputs);
    let mut quantize = command();
    quantize
        .arg("quantize")
        .arg(path)
        .arg("--inputs")
        .arg(inputs);
    quantize.arg("-o").arg(&made);
    quantize.args(["--calibration", "8", "--all-int8", "--scheme", scheme]);
    let ran = run(&mut quantize);
    // Of random weights nobody knows how much noise they bear.
    if ran.code > 1 || !made.exists() {
        return Some(format!("{ran:?}"));
    }
    let quantized = Graph::load(&made).unwrap();
    let (_, array) = noise(&quantized, 4, 1);
    let run = |engine: EngineName, input: &Array| {
        let mut session = load(engine, &quantized, 2).unwrap();
        let mut outputs = session.run(std::slice::from_ref(input)).unwrap();
        outputs.remove(0).values
    };
    let onnxruntime = run(EngineName::OnnxRuntime, &array);
    let differ = |other: Vec<f32>| 1.0 - cosine(&onnxruntime, &other);
    let differs = differ(run(EngineName::Burn, &array));
    // Random weights may amplify a single value that is rounded the other way until an engine does not agree with
    // itself; two engines then differ by what both err.
    let own = differ(run(EngineName::OnnxRuntime, &moved(&array)));
    (differs > f64::max(0.001, 2.0 * own)).then(|| format!("1 - cosine {differs}, alone {own}"))
}

#[test]
#[ignore = "takes up to an hour: exports 50 networks with PyTorch, which it fetches, and quantises each"]
fn networks_quantise_and_burn_computes_what_onnxruntime_does() {
    onnxruntime();
    let mut problems = Vec::new();
    for (index, path) in networks().iter().enumerate() {
        let mut schemes = vec!["onnxruntime-x86"];
        if index % 5 == 0 {
            schemes.extend(["tflite", "esp-dl"]);
        }
        for scheme in schemes {
            if let Some(problem) = problem(path, scheme) {
                problems.push(format!("{} in {scheme}: {problem}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
