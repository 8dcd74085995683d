//! A model that was read and written is the same model.

use crate::common::{backbone, onnxruntime, photographs};
use edgefit::data::{decode, prepare};
use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::{Graph, Preprocessing};

/// The session of ONNX Runtime on the untouched bytes of a file, which edgefit's own loader would
/// have read and written.
fn outputs_of_file(path: &std::path::Path, input: &Array) -> Vec<f32> {
    let environment = edgefit::engine::onnxruntime::found().unwrap().environment();
    let mut session = ort::session::Session::builder(environment)
        .unwrap()
        .with_intra_threads(1)
        .unwrap()
        .commit_from_file(path)
        .unwrap();
    let tensor =
        ort::value::Tensor::from_array((input.dims.clone(), input.values.clone())).unwrap();
    let outputs = session.run(ort::inputs![tensor]).unwrap();
    outputs[0].try_extract_tensor::<f32>().unwrap().1.to_vec()
}

#[test]
fn outputs_in_onnx_runtime_are_bit_identical() {
    onnxruntime();
    let graph = Graph::load(backbone()).unwrap();
    let preprocessing = Preprocessing::of(&graph).unwrap().unwrap();
    let photograph = photographs().join("bird");
    let mut files: Vec<_> = std::fs::read_dir(photograph)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    let values: Vec<f32> = files[..4]
        .iter()
        .flat_map(|file| {
            let image = decode(&std::fs::read(file).unwrap()).unwrap();
            prepare(&image, &preprocessing).unwrap()
        })
        .collect();
    let input = Array {
        dims: vec![4, 3, 224, 224],
        values,
    };

    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.onnx");
    graph.save(&copy).unwrap();
    let original = outputs_of_file(backbone(), &input);
    let bits = |values: &[f32]| {
        values
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(&original), bits(&outputs_of_file(&copy, &input)));
    assert_eq!(Graph::load(&copy).unwrap(), graph);

    let through_engine = load(EngineName::OnnxRuntime, &graph, 1)
        .unwrap()
        .run(&[input])
        .unwrap();
    assert_eq!(bits(&original), bits(&through_engine[0].values));
}
