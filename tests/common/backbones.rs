//! Backbones: EfficientNet-Lite0 with its own weights, whole and in smaller forms.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use edgefit::graph::{Dim, Graph, Preprocessing, ValueInfo};
use tempfile::TempDir;

use super::networks::first_blocks;
use super::{command, run, weights};

/// EfficientNet-Lite0 as ONNX, imported by the binary once.
pub fn backbone() -> &'static Path {
    static BACKBONE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BACKBONE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backbone.onnx");
        let mut import = command();
        import
            .arg("import")
            .arg(weights())
            .args(["--arch", "efficientnet-lite0", "-o"])
            .arg(&path);
        let ran = run(&mut import);
        assert_eq!(ran.code, 0, "{ran:?}");
        (folder, path)
    });
    path
}

/// Side of the images of [`small_backbone`].
pub const SMALL: usize = 64;

/// The first six blocks of EfficientNet-Lite0 with a head for 20 classes, for images of 64 × 64: what
/// it knows is enough for the photographs, and training takes a second.
pub fn small_backbone() -> &'static Path {
    static BACKBONE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BACKBONE.get_or_init(|| {
        let mut graph = first_blocks(&whole(), "_blocks.5._bn2.out", 20);
        resize(&mut graph, SMALL);
        saved(&graph)
    });
    path
}

/// The whole of EfficientNet-Lite0, for images of 64 × 64.
pub fn resized_backbone() -> &'static Path {
    static BACKBONE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BACKBONE.get_or_init(|| {
        let mut graph = whole();
        resize(&mut graph, SMALL);
        saved(&graph)
    });
    path
}

fn whole() -> Graph {
    Graph::load(backbone()).unwrap()
}

/// A graph in a file of its own.
fn saved(graph: &Graph) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    graph.save(&path).unwrap();
    (folder, path)
}

/// Declares the only input of a network for images to be of the given side.
pub fn resize(graph: &mut Graph, side: usize) {
    graph.value_info.clear();
    let dims = vec![
        Dim::Symbol("batch".into()),
        Dim::Known(3),
        Dim::Known(side),
        Dim::Known(side),
    ];
    let name = graph.inputs[0].name.clone();
    graph.inputs[0] = ValueInfo::f32(&name, dims);
    if let Some(mut preprocessing) = Preprocessing::of(graph).unwrap() {
        let side = u32::try_from(side).unwrap();
        (preprocessing.width, preprocessing.height) = (side, side);
        preprocessing.store(graph);
    }
}
