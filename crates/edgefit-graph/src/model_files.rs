//! [`ModelFiles`]: the files that hold a model, by size and hash.

use std::io::{self, Read};
use std::path::Path;

use edgefit_base::file;
use edgefit_base::hash::sha256_hex_of;

use crate::error::{Error, Result};
use crate::read::files;

/// The files that hold a model: its own, and those of its external data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// Bytes of all of them.
    pub bytes: u64,
    /// SHA-256 of all of them behind each other: the model's own first, the others in the order of their paths.
    pub sha256: String,
}

impl ModelFiles {
    /// Those of the model at `path`, as they are now; `output` is a file that is yet to be written.
    ///
    /// # Errors
    /// They cannot be read, are no model, or `output` is one of them.
    pub fn of(path: &Path, output: &Path) -> Result<Self> {
        let fail = |path: &Path| {
            let path = path.to_path_buf();
            move |source| Error::Read { path, source }
        };
        let mut all: Box<dyn Read> = Box::new(io::empty());
        for path in files(path)? {
            if is_same(&path, output) {
                return Err(Error::invalid(
                    output.display().to_string(),
                    "is a file of the model that is read, which it would replace; write to another one",
                ));
            }
            let file = file::open(&path).map_err(fail(&path))?;
            all = Box::new(all.chain(file));
        }
        let (sha256, bytes) = sha256_hex_of(&mut all).map_err(fail(path))?;
        Ok(ModelFiles { bytes, sha256 })
    }
}

fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use edgefit_base::hash::sha256_hex;

    use super::*;
    use crate::graph::{Graph, Node, ValueInfo};
    use crate::tensor::Tensor;

    #[test]
    fn external_data_counts_and_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        let weight = Tensor::from_values(vec![2], &[1f32, 2.0]);
        graph.initializers.insert("w".into(), weight);
        let node = Node::new("Mul", "scale", &["x", "w"], &["y"]);
        graph.nodes.push(node);
        let (path, output) = (at("model.onnx"), at("int8.onnx"));
        let holds = |whole: &[u8]| {
            let files = ModelFiles::of(&path, &output).unwrap();
            files.bytes == whole.len() as u64 && files.sha256 == sha256_hex(whole)
        };
        graph.save(&path).unwrap();
        assert!(holds(&std::fs::read(&path).unwrap()));

        graph.save_with_limit(&path, 4).unwrap();
        let parts = ["model.onnx", "model.onnx.data"].map(|name| std::fs::read(at(name)).unwrap());
        assert!(holds(&parts.concat()));
        for name in ["model.onnx", "model.onnx.data"] {
            let error = ModelFiles::of(&path, &at(name)).unwrap_err().to_string();
            assert!(error.contains("write to another one"), "{error}");
        }
    }
}
