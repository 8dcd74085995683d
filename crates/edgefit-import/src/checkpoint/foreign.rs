//! Files of other formats that are given in the place of a checkpoint.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use edgefit_graph::Graph;

/// Where a format has its mark, the mark, and what is to be said of such a file.
const FORMATS: [(usize, &[u8], &str); 8] = [
    (
        0,
        b"\x89HDF\r\n\x1a\n",
        "is HDF5, as Keras saves models; convert the model to ONNX with tf2onnx, and give that to the other \
         commands",
    ),
    (
        4,
        b"TFL3",
        "is a LiteRT (TFLite) model; convert the float model to ONNX with tf2onnx, and give that to the other \
         commands",
    ),
    (0, b"\x1f\x8b", "is compressed with gzip; unpack it"),
    (0, b"BZh", "is compressed with bzip2; unpack it"),
    (0, b"\xfd7zXZ\0", "is compressed with xz; unpack it"),
    (0, b"\x28\xb5\x2f\xfd", "is compressed with zstd; unpack it"),
    (
        0,
        b"GGUF",
        "is GGUF, a format of language models; give a .pth or .safetensors file",
    ),
    (
        0,
        b"\x93NUMPY",
        "is an array of NumPy; give the .pth or .safetensors file of a whole network",
    ),
];

/// What is to be said of a file that no reader of checkpoints takes, if its format is known.
pub(super) fn format(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut start))
        .ok()?;
    let known = FORMATS.iter().find(|(at, mark, _)| {
        let found = start.get(*at..);
        found.is_some_and(|found| found.starts_with(mark))
    });
    if let Some((_, _, words)) = known {
        return Some((*words).to_owned());
    }
    Graph::load(path)
        .is_ok()
        .then(|| "is an ONNX model already; give it to the other commands as it is".into())
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Node, ValueInfo};

    use super::*;

    #[test]
    fn other_formats_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            format(&path)
        };
        assert!(said(b"\x89HDF\r\n\x1a\n\0\0").unwrap().contains("tf2onnx"));
        assert!(said(b"\x1c\0\0\0TFL3\0").unwrap().contains("LiteRT"));
        assert!(said(b"\x1f\x8b\x08\0").unwrap().contains("gzip"));
        let mut onnx = Graph::new("g", 17);
        onnx.inputs.push(ValueInfo::float("x"));
        onnx.outputs.push(ValueInfo::float("y"));
        onnx.nodes.push(Node::new("Relu", "relu", &["x"], &["y"]));
        let onnx = onnx.to_bytes();
        assert!(said(&onnx).unwrap().contains("is an ONNX model already"));
        assert_eq!(said(b"these are not weights"), None);
        assert_eq!(said(b""), None);
    }
}
