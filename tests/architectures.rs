//! Every architecture that checkpoints are imported as: its size, and what it computes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::{command, run};
use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::{Graph, Tensor};
use edgefit::import::{ARCHITECTURES, Architecture, Checkpoint, Choices, Error};
use serde::Deserialize;

/// Trainable parameters with 1000 classes: those that torchvision prints for its models, and for
/// EfficientNet-Lite those of timm's `tf_efficientnet_lite*`.
const PUBLISHED: [(&str, u64); 12] = [
    ("efficientnet-lite0", 4_652_008),
    ("efficientnet-lite1", 5_416_680),
    ("efficientnet-lite2", 6_092_072),
    ("efficientnet-lite3", 8_197_096),
    ("efficientnet-lite4", 13_006_568),
    ("mobilenet-v2", 3_504_872),
    ("mobilenet-v3-small", 2_542_856),
    ("mobilenet-v3-large", 5_483_032),
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("squeezenet1-1", 1_235_496),
];

/// A file that `tests/references/make.py` wrote.
#[derive(Deserialize)]
struct Reference {
    architecture: String,
    /// Which of two networks with the same keys, where there are two.
    variant: Option<String>,
    side: usize,
    /// Shapes by key.
    keys: BTreeMap<String, Vec<usize>>,
    logits: Vec<f32>,
}

/// Numbers in −½ … ½ from a name, as in `make.py`.
fn noise(name: &str, count: usize) -> Vec<f64> {
    let fnv = |seed: u32, byte: u8| (seed ^ u32::from(byte)).wrapping_mul(16_777_619);
    let seed = name.bytes().fold(2_166_136_261, fnv);
    (0..count as u32)
        .map(|index| {
            let mixed = index.wrapping_mul(2_654_435_761).wrapping_add(seed);
            let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
            let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(3_266_489_917);
            f64::from(mixed) / 4_294_967_296.0 - 0.5
        })
        .collect()
}

/// The tensor `key` of a checkpoint, as in `make.py`.
fn values(key: &str, dims: &[usize]) -> Vec<f32> {
    let raw = noise(key, dims.iter().product()).into_iter();
    if let [_, rest @ ..] = dims
        && !rest.is_empty()
    {
        let scale = (24.0 / rest.iter().product::<usize>() as f64).sqrt();
        return raw.map(|value| (value * scale) as f32).collect();
    }
    let centre = if key.ends_with("running_var") || key.ends_with("weight") {
        1.0
    } else {
        0.0
    };
    raw.map(|value| (value * 0.4 + centre) as f32).collect()
}

/// A checkpoint of zeros.
fn write_zeros(path: &Path, keys: &BTreeMap<String, Vec<usize>>) {
    write_checkpoint(path, keys, |_, dims| vec![0.0; dims.iter().product()]);
}

fn write_checkpoint(
    path: &Path,
    keys: &BTreeMap<String, Vec<usize>>,
    values: impl Fn(&str, &[usize]) -> Vec<f32>,
) {
    let tensors: Vec<(&String, Tensor)> = keys
        .iter()
        .map(|(key, dims)| (key, Tensor::from_values(dims.clone(), &values(key, dims))))
        .collect();
    let views = tensors.iter().map(|(key, tensor)| {
        let dims = tensor.dims().to_vec();
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, dims, tensor.bytes());
        (key, view.unwrap())
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

#[test]
fn they_compute_what_pytorch_computes() {
    let references = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/references");
    let folder = tempfile::tempdir().unwrap();
    let (weights, model) = (
        folder.path().join("w.safetensors"),
        folder.path().join("m.onnx"),
    );
    let mut families = BTreeMap::new();
    for file in std::fs::read_dir(references).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let reference: Reference = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        write_checkpoint(&weights, &reference.keys, values);
        let arch = reference.architecture.as_str();
        let mut import = command();
        import
            .arg("import")
            .arg(&weights)
            .args(["--arch", arch, "--json", "-o"])
            .arg(&model);
        if let Some(variant) = &reference.variant {
            import.args(["--variant", variant]);
        }
        let imported = run(&mut import).json("edgefit.import/1");
        assert_eq!(imported["unused_keys"], serde_json::json!([]), "{path:?}");

        let side = reference.side;
        let pixels = noise("input", 3 * side * side).into_iter();
        let input = Array {
            dims: vec![1, 3, side, side],
            values: pixels.map(|value| 4.0 * value as f32).collect(),
        };
        let graph = Graph::load(&model).unwrap();
        let output = &load(EngineName::Tract, &graph, 2)
            .unwrap()
            .run(&[input])
            .unwrap()[0];
        let largest = reference
            .logits
            .iter()
            .fold(1f32, |max, value| max.max(value.abs()));
        assert_eq!(output.values.len(), reference.logits.len(), "{path:?}");
        for (got, expected) in output.values.iter().zip(&reference.logits) {
            let apart = (got - expected).abs();
            assert!(
                apart <= 1e-4 * largest + 1e-3 * expected.abs(),
                "{path:?}: {got}, {expected}"
            );
        }
        let family = arch.split(['-', '1', '5']).next().unwrap().to_owned();
        *families.entry(family).or_insert(0) += 1;
    }
    // A cross-check for every family.
    assert_eq!(families.len(), 4, "{families:?}");
}

/// The tensors of a checkpoint with 1000 classes that `arch` would take, asked of the importer by
/// showing it a checkpoint with nothing but `first` in it.
fn wanted(arch: &Architecture, first: &str) -> BTreeMap<String, Vec<usize>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    write_zeros(&path, &BTreeMap::from([(first.to_owned(), vec![1])]));
    let error = arch
        .import(&Checkpoint::open(&path).unwrap(), &Choices::default())
        .unwrap_err();
    let Error::WrongArchitecture { missing, .. } = error else {
        panic!("{error}");
    };
    missing
        .into_iter()
        .map(|missing| {
            let mut dims = missing.dims;
            // Without a checkpoint the classifier has one class.
            let hidden = missing.key.contains("classifier.0");
            let last = ["classifier", "fc", "_fc"]
                .iter()
                .any(|key| missing.key.starts_with(key));
            if last && !hidden {
                dims[0] = 1000;
            }
            (missing.key, dims)
        })
        .collect()
}

#[test]
fn they_have_their_published_sizes() {
    assert_eq!(ARCHITECTURES.len(), PUBLISHED.len());
    let folder = tempfile::tempdir().unwrap();
    let (weights, model) = (
        folder.path().join("w.safetensors"),
        folder.path().join("m.onnx"),
    );
    for (name, parameters) in PUBLISHED {
        let arch = Architecture::named(name).unwrap();
        // In timm's layout if there is one, and in the other.
        for first in ["conv_stem.weight", "nothing"] {
            write_zeros(&weights, &wanted(arch, first));
            let mut import = command();
            import
                .arg("import")
                .arg(&weights)
                .args(["--arch", name, "--json", "-o"])
                .arg(&model);
            let twins = ["efficientnet", "mobilenet-v3"]
                .iter()
                .any(|family| name.starts_with(family));
            if twins && first == "conv_stem.weight" {
                import.args(["--variant", "timm"]);
            }
            let imported = run(&mut import).json("edgefit.import/1");
            assert_eq!(imported["parameters"], parameters, "{name}");
        }
    }
}
