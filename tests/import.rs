//! Checkpoints in, ONNX out.

use std::collections::HashMap;
use std::io::Write;

use crate::common::{
    assert_fields, assert_refused, backbone, command, edgefit, onnxruntime, run, some_photographs,
    weights,
};
use edgefit::graph::Graph;
use edgefit::import::Checkpoint;

#[test]
fn efficientnet_lite0_has_its_published_size() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.onnx");
    let mut import = command();
    import
        .arg("import")
        .arg(weights())
        .args(["--arch", "efficientnet-lite0", "--json", "-o"])
        .arg(&model);
    let imported = run(&mut import).json("edgefit.import/1");
    assert_fields(&imported, &["model", "arch", "missing_keys"]);
    assert_eq!(imported["parameters"], 4_652_008);
    assert_eq!(imported["unused_keys"], serde_json::json!([]));

    let inspected =
        run(command().arg("inspect").arg(&model).arg("--json")).json("edgefit.inspect/1");
    assert_eq!(inspected["totals"]["parameters"], 4_652_008);
    assert_eq!(inspected["totals"]["macs"], 385_187_552);
    // Peak of live activations, one byte each.
    assert_eq!(inspected["memory"]["lower_bound_bytes"], 4 * 1_505_280);
    assert_eq!(inspected["memory"]["arena_bytes"], 4 * 1_505_280);
    assert_fields(
        &inspected,
        &[
            "totals.weight_bytes",
            "memory.naive_bytes",
            "memory.in_place_bound_bytes",
            "nodes.0.name",
            "nodes.0.op",
            "nodes.0.output_shape",
            "nodes.0.parameters",
            "nodes.0.macs",
            "nodes.0.read_bytes",
            "nodes.0.write_bytes",
            "unsupported",
            "preprocessing.mean",
            "labels",
        ],
    );
}

#[test]
fn all_engines_agree_on_real_photographs_folded_or_not() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let folded = folder.path().join("folded.onnx");
    let mut import = command();
    import
        .arg("import")
        .arg(weights())
        .args(["--arch", "efficientnet-lite0", "--fold-bn", "-o"])
        .arg(&folded);
    assert_eq!(run(&mut import).code, 0);
    let graph = Graph::load(&folded).unwrap();
    assert!(
        graph
            .nodes
            .iter()
            .all(|node| node.op != "BatchNormalization")
    );

    let data = some_photographs(&["bird", "flower"], 2);
    for model in [backbone(), folded.as_path()] {
        let mut verify = command();
        verify
            .arg("verify")
            .arg(model)
            .arg("--data")
            .arg(data.path())
            .arg("--json");
        let ran = run(&mut verify);
        assert_eq!(ran.code, 0, "{ran:?}");
        let verified = ran.json("edgefit.verify/1");
        assert_eq!(verified["verdict"], "agree");
        assert_eq!(verified["pairs"].as_array().unwrap().len(), 3);
        assert_fields(
            &verified,
            &[
                "pairs.0.a",
                "pairs.0.b",
                "pairs.0.max_abs",
                "pairs.0.rel_l2",
                "pairs.0.cosine",
                "pairs.0.top1_agree",
                "pairs.0.within",
                "pairs.0.tolerance",
                "first_divergence",
            ],
        );
    }
}

#[test]
fn safetensors_give_the_same_model_as_the_pickle() {
    let checkpoint = Checkpoint::open(weights()).unwrap();
    let mut tensors = HashMap::new();
    for key in checkpoint
        .keys()
        .filter(|key| !key.ends_with("num_batches_tracked"))
    {
        tensors.insert(key.to_owned(), checkpoint.tensor(key).unwrap().unwrap());
    }
    let views = tensors.iter().map(|(key, tensor)| {
        let dims = tensor.dims().to_vec();
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, dims, tensor.bytes());
        (key, view.unwrap())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    safetensors::serialize_to_file(views, None, &file).unwrap();

    let model = folder.path().join("model.onnx");
    let mut import = command();
    import
        .arg("import")
        .arg(&file)
        .args(["--arch", "efficientnet-lite0", "-o"])
        .arg(&model);
    let ran = run(&mut import);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        std::fs::read(&model).unwrap(),
        std::fs::read(backbone()).unwrap()
    );
}

#[test]
fn zip_checkpoints_are_read_and_the_wrong_architecture_is_named() {
    // What torch.save writes for {"fc.weight": torch.tensor([1., 2.])}: a pickle of references and
    // the values beside it.
    let pickle = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01X\x09\x00\x00\x00fc.weightq\x02\
        ctorch._utils\n_rebuild_tensor_v2\nq\x03((X\x07\x00\x00\x00storageq\x04ctorch\nFloatStorage\n\
        q\x05X\x01\x00\x00\x000q\x06X\x03\x00\x00\x00cpuq\x07K\x02tq\x08QK\x00K\x02\x85q\tK\x01\x85q\n\
        \x89h\x00)Rq\x0btq\x0cRq\rs.";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.pth");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let values: Vec<u8> = [1.0f32, 2.0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    for (name, bytes) in [
        ("data.pkl", &pickle[..]),
        ("data/0", &values),
        ("version", b"3\n"),
    ] {
        archive
            .start_file(format!("archive/{name}"), stored)
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();

    let tensor = Checkpoint::open(&path)
        .unwrap()
        .tensor("fc.weight")
        .unwrap()
        .unwrap();
    assert_eq!(tensor.to_f32().unwrap(), [1.0, 2.0]);

    let out = folder.path().join("model.onnx");
    let mut import = command();
    import
        .arg("import")
        .arg(&path)
        .args(["--arch", "efficientnet-lite0", "-o"])
        .arg(&out);
    let words = [
        "other.pth",
        "missing '_conv_stem.weight'",
        "unexpected 'fc.weight'",
        "--arch",
    ];
    assert_refused(&run(&mut import), &words);
    assert!(!out.exists());
    let arguments = [
        "import",
        path.to_str().unwrap(),
        "--arch",
        "efficientnet",
        "-o",
        "x.onnx",
    ];
    assert_refused(
        &edgefit(&arguments),
        &["'efficientnet' is not known", "efficientnet-lite0"],
    );
}
