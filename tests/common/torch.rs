//! Networks of torchvision and timm with random weights, exported by PyTorch.

use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::engine::Array;
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cache;
use super::npz::{Values, save};
use super::python::python;

/// CNNs, nets with squeeze-and-excitation, hard-swish and Gelu, and transformers.
const NAMES: &str = "tv_densenet121 tv_efficientnet_b0 tv_googlenet tv_inception_v3 tv_mnasnet0_5 \
    tv_mobilenet_v2 tv_mobilenet_v3_small tv_mobilenet_v3_large tv_regnet_x_400mf tv_regnet_y_400mf \
    tv_resnet18 tv_resnet50 tv_resnext50_32x4d tv_shufflenet_v2_x0_5 tv_squeezenet1_1 tv_convnext_tiny tv_swin_t \
    timm_mobilenetv4_conv_small timm_efficientnet_lite0 timm_tf_efficientnet_b0 timm_ghostnet_100 \
    timm_mobileone_s0 timm_repvgg_a0 timm_fastvit_t8 timm_efficientformer_l1 timm_efficientvit_b0 \
    timm_efficientvit_m0 timm_edgenext_xx_small timm_mobilevit_xxs timm_mobilevitv2_050 \
    timm_deit_tiny_patch16_224 timm_vit_tiny_patch16_224 timm_levit_128s timm_pit_ti_224 \
    timm_poolformer_s12 timm_pvt_v2_b0 timm_resmlp_12_224 timm_coat_tiny timm_visformer_tiny \
    timm_lcnet_050 timm_hardcorenas_a timm_fbnetc_100 timm_semnasnet_075 timm_rexnet_100 timm_dla34 \
    timm_hgnetv2_b0 timm_starnet_s1 timm_vovnet39a timm_convnextv2_atto timm_repvit_m0_9";

/// The files of the networks, in a folder of the cache; most of them are made for images of 64 × 64, which take little
/// time.
pub fn networks() -> Vec<PathBuf> {
    let folder = cache().root().join("backbones-64");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/references/backbones.py");
    let mut export = Command::new(python());
    export
        .arg(script)
        .arg(&folder)
        .args(["--side", "64"])
        .args(NAMES.split_whitespace());
    assert!(export.status().unwrap().success());
    let names = NAMES.split_whitespace();
    names
        .map(|name| folder.join(name).with_extension("onnx"))
        .collect()
}

/// An input of a network for so many samples, and its name.
pub fn noise(graph: &Graph, samples: usize, seed: u64) -> (String, Array) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shapes = InputShapes::bind(graph, samples, None).unwrap().0;
    let (name, dims) = shapes.into_iter().next().unwrap();
    let values = (0..dims.iter().product::<usize>())
        .map(|_| random.random_range(-2.0..2.0))
        .collect();
    (name, Array { dims, values })
}

/// A file of such inputs.
pub fn noise_file(graph: &Graph, samples: usize, path: &Path) {
    let (name, array) = noise(graph, samples, 0);
    save(path, &[(&name, &array.dims, Values::Floats(array.values))]);
}
