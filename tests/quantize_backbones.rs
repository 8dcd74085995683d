//! Networks of torchvision and timm, quantised: they load in ONNX Runtime, whose kernels agree with burn's
//! simulation, and no layer is left on floats that the scheme quantises.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::cases::python;
use crate::common::npz::{Values, save};
use crate::common::{cache, command, onnxruntime, run};

/// Samples of which half are calibrated on, and half compared.
const SAMPLES: usize = 16;

/// CNNs, nets with squeeze-and-excitation, hard-swish and Gelu, and transformers.
const NETWORKS: &str = "tv_densenet121 tv_efficientnet_b0 tv_googlenet tv_inception_v3 tv_mnasnet0_5 \
    tv_mobilenet_v2 tv_mobilenet_v3_small tv_mobilenet_v3_large tv_regnet_x_400mf tv_regnet_y_400mf \
    tv_resnet18 tv_resnet50 tv_resnext50_32x4d tv_shufflenet_v2_x0_5 tv_squeezenet1_1 tv_convnext_tiny tv_swin_t \
    timm_mobilenetv4_conv_small timm_efficientnet_lite0 timm_tf_efficientnet_b0 timm_ghostnet_100 \
    timm_mobileone_s0 timm_repvgg_a0 timm_fastvit_t8 timm_efficientformer_l1 timm_efficientvit_b0 \
    timm_efficientvit_m0 timm_edgenext_xx_small timm_mobilevit_xxs timm_mobilevitv2_050 \
    timm_deit_tiny_patch16_224 timm_vit_tiny_patch16_224 timm_levit_128s timm_pit_ti_224 \
    timm_poolformer_s12 timm_pvt_v2_b0 timm_resmlp_12_224 timm_coat_tiny timm_visformer_tiny \
    timm_lcnet_050 timm_hardcorenas_a timm_fbnetc_100 timm_semnasnet_075 timm_rexnet_100 timm_dla34 \
    timm_hgnetv2_b0 timm_starnet_s1 timm_vovnet39a timm_convnextv2_atto timm_repvit_m0_9";

/// A folder with the networks, exported by PyTorch.
fn exported() -> PathBuf {
    let folder = cache().root().join("backbones");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/references/backbones.py");
    let mut export = Command::new(python());
    export
        .arg(script)
        .arg(&folder)
        .args(NETWORKS.split_whitespace());
    assert!(export.status().unwrap().success());
    folder
}

fn samples(graph: &Graph, count: usize, seed: u64) -> (String, Array) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shapes = InputShapes::bind(graph, count, None).unwrap().0;
    let (name, dims) = shapes.into_iter().next().unwrap();
    let values = (0..dims.iter().product::<usize>())
        .map(|_| random.random_range(-2.0..2.0))
        .collect();
    (name, Array { dims, values })
}

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
    let (name, array) = samples(&graph, SAMPLES, 0);
    save(
        &inputs,
        &[(&name, &array.dims, Values::Floats(array.values))],
    );
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
    let (_, array) = samples(&quantized, 4, 1);
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
#[ignore = "takes 60 min: exports 50 networks with PyTorch, which it fetches, and quantises each"]
fn networks_quantise_and_burn_computes_what_onnxruntime_does() {
    onnxruntime();
    let folder = exported();
    let mut problems = Vec::new();
    for (index, network) in NETWORKS.split_whitespace().enumerate() {
        let path = folder.join(network).with_extension("onnx");
        let mut schemes = vec!["onnxruntime-x86"];
        if index % 5 == 0 {
            schemes.extend(["tflite", "esp-dl"]);
        }
        for scheme in schemes {
            if let Some(problem) = problem(&path, scheme) {
                problems.push(format!("{network} in {scheme}: {problem}"));
            }
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
