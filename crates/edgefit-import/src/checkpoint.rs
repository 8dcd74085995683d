//! [`Checkpoint`]: the named tensors of a PyTorch or safetensors file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use edgefit_graph::{DataType, Tensor};
use memmap2::Mmap;
use safetensors::SafeTensors;

use crate::error::{Error, Result};

mod foreign;
mod torch;
mod zip_directory;

/// What PyTorch puts between the parts of a key where it wraps a part of a network.
const WRAPPERS: [&str; 4] = [
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "module",
];

/// Named tensors of a `.pth` (zip or legacy pickle) or `.safetensors` file, read when asked for.
pub struct Checkpoint {
    path: PathBuf,
    file_bytes: u64,
    tensors: BTreeMap<String, Source>,
}

#[derive(Clone)]
enum Source {
    Torch(pytorch_reader::Tensor),
    Safetensors {
        dtype: safetensors::Dtype,
        shape: Vec<usize>,
        bytes: Bytes,
    },
}

impl Checkpoint {
    /// Opens a checkpoint; the format is told from the file itself.
    ///
    /// The file is read when [`Checkpoint::tensor`] asks for a tensor (safetensors are mapped into
    /// memory), so it must not change while the checkpoint or one of its tensors lives.
    ///
    /// ```
    /// use edgefit_import::Checkpoint;
    ///
    /// // One tensor `bias` of two 32-bit floats: length of the header, header, bytes.
    /// let header = br#"{"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    /// let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    /// bytes.extend_from_slice(header);
    /// bytes.extend([1.5f32, -2.0].iter().flat_map(|value| value.to_le_bytes()));
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("weights.safetensors");
    /// std::fs::write(&path, bytes)?;
    ///
    /// let checkpoint = Checkpoint::open(&path)?;
    /// let bias = checkpoint.tensor("bias")?.expect("the file has it");
    /// assert_eq!(bias.to_f32()?, [1.5, -2.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The file cannot be read, is truncated, or is not a checkpoint.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = |source| Error::Read {
            path: path.to_path_buf(),
            source,
        };
        let file = edgefit_base::file::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        // A safetensors file starts with the length of its header, and the header is JSON. A file
        // that only has the extension goes to the same reader, for its error message.
        let mut start = [0; 9];
        let json = (&file).read_exact(&mut start).is_ok() && start[8] == b'{';
        let extension = path.extension().unwrap_or_default();
        let tensors = if json || extension.eq_ignore_ascii_case("safetensors") {
            safetensors(path, &file)
        } else {
            torch::tensors(path)
        };
        let tensors = tensors.map_err(|error| match foreign::format(path) {
            Some(problem) => Error::Unusable {
                path: path.to_path_buf(),
                problem,
            },
            None => error,
        })?;
        Ok(Checkpoint {
            path: path.to_path_buf(),
            file_bytes: metadata.len(),
            tensors,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keys of all tensors as the file has them, sorted; nested ones have dots between their names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The same tensors under keys without the names of wrappers, and those names; `None` if no key has one,
    /// or two would become the same.
    pub(crate) fn without_wrappers(&self) -> Option<(Self, Vec<String>)> {
        let plain = |key: &str| -> String {
            let parts = key.split('.').filter(|part| !WRAPPERS.contains(part));
            parts.collect::<Vec<_>>().join(".")
        };
        let tensors: BTreeMap<String, Source> = self
            .tensors
            .iter()
            .map(|(key, source)| (plain(key), source.clone()))
            .collect();
        let wrappers = WRAPPERS.iter().filter(|wrapper| {
            let mut parts = self.tensors.keys().flat_map(|key| key.split('.'));
            parts.any(|part| part == **wrapper)
        });
        let wrappers: Vec<String> = wrappers.map(|wrapper| (*wrapper).to_owned()).collect();
        if wrappers.is_empty() || tensors.len() < self.tensors.len() {
            return None;
        }
        let plain = Checkpoint {
            path: self.path.clone(),
            file_bytes: self.file_bytes,
            tensors,
        };
        Some((plain, wrappers))
    }

    /// Shape of the tensor `key`, if there is one.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.tensors.get(key).map(|source| match source {
            Source::Torch(tensor) => tensor.shape(),
            Source::Safetensors { shape, .. } => shape,
        })
    }

    /// The tensor `key` as 32-bit floats, if there is one.
    ///
    /// # Errors
    /// It is not of a float type, its bytes cannot be read, or a value in it is not finite.
    pub fn tensor(&self, key: &str) -> Result<Option<Tensor>> {
        let Some(source) = self.tensors.get(key) else {
            return Ok(None);
        };
        let fail = |problem: String| Error::Tensor {
            path: self.path.clone(),
            key: key.to_owned(),
            problem,
        };
        let (dtype, shape, bytes) = match source {
            Source::Torch(tensor) => {
                use pytorch_reader::DType;
                let dtype = match tensor.dtype() {
                    DType::F32 => DataType::F32,
                    DType::F64 => DataType::F64,
                    DType::F16 => DataType::F16,
                    DType::BF16 => DataType::BF16,
                    other => return Err(fail(format!("is {other:?}, not a float"))),
                };
                // A view with stride 0 may claim any number of elements.
                if tensor.byte_len() as u64 > self.file_bytes {
                    return Err(fail("is larger than the file that holds it".into()));
                }
                let bytes = tensor.read().map_err(|error| fail(error.to_string()))?;
                (dtype, tensor.shape(), Bytes::from(bytes))
            }
            Source::Safetensors {
                dtype,
                shape,
                bytes,
            } => {
                let dtype = match dtype {
                    safetensors::Dtype::F32 => DataType::F32,
                    safetensors::Dtype::F64 => DataType::F64,
                    safetensors::Dtype::F16 => DataType::F16,
                    safetensors::Dtype::BF16 => DataType::BF16,
                    other => return Err(fail(format!("is {other:?}, not a float"))),
                };
                (dtype, shape.as_slice(), bytes.clone())
            }
        };
        let tensor = Tensor::new(dtype, shape.to_vec(), bytes)
            .and_then(|tensor| match dtype {
                DataType::F32 => Ok(tensor),
                _ => Ok(Tensor::from_values(shape.to_vec(), &tensor.to_f32()?)),
            })
            .map_err(|error| fail(error.to_string()))?;
        let values = tensor.to_f32().map_err(|error| fail(error.to_string()))?;
        let broken = values.iter().filter(|value| !value.is_finite()).count();
        if broken > 0 {
            let all = values.len();
            return Err(fail(format!(
                "{broken} of its {all} values are NaN or infinite; take a checkpoint from before the training \
                 broke down"
            )));
        }
        Ok(Some(tensor))
    }
}

fn safetensors(path: &Path, file: &File) -> Result<BTreeMap<String, Source>> {
    let not_one = |detail: String| Error::NotACheckpoint {
        path: path.to_path_buf(),
        detail,
    };
    // SAFETY: the mapping is private and read-only; see `edgefit_graph::Graph::load`.
    let mapping = unsafe { Mmap::map(file) }.map_err(|error| not_one(error.to_string()))?;
    let whole = Bytes::from_owner(mapping);
    let parsed = SafeTensors::deserialize(&whole).map_err(|error| not_one(error.to_string()))?;
    Ok(parsed
        .iter()
        .map(|(key, view)| {
            let source = Source::Safetensors {
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                bytes: whole.slice_ref(view.data()),
            };
            (key.to_owned(), source)
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(name: &str, bytes: &[u8]) -> Result<Checkpoint> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Checkpoint::open(path)
    }

    fn refused(name: &str, bytes: &[u8]) -> String {
        match open(name, bytes) {
            Ok(_) => panic!("{name} was read"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_pickle_that_wants_to_run_code_is_refused_and_does_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let proof = folder.path().join("proof");
        // Protocol 0: import os.system, push its argument, call it.
        let pickle = format!("cos\nsystem\n(Vtouch {}\ntR.", proof.display());
        let error = refused("evil.pth", pickle.as_bytes());
        assert!(
            error.contains("evil.pth: holds an object of the Python type 'os.system'"),
            "{error}"
        );
        assert!(!proof.exists());
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for bytes in [&b""[..], b"hello", &[0x80, 2], &[0xff; 64]] {
            let error = refused("weights.pth", bytes);
            assert!(error.contains("not a checkpoint"), "{error}");
        }
        let lying = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        for bytes in [&b"hello"[..], &lying] {
            let error = refused("weights.safetensors", bytes);
            assert!(error.contains("not a checkpoint"), "{error}");
        }
    }

    #[test]
    fn safetensors_are_read() {
        let bytes: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &bytes);
        let file = safetensors::serialize([("model.fc.bias", view.unwrap())], None).unwrap();
        let checkpoint = open("weights.safetensors", &file).unwrap();
        assert_eq!(checkpoint.keys().collect::<Vec<_>>(), ["model.fc.bias"]);
        let tensor = checkpoint.tensor("model.fc.bias").unwrap().unwrap();
        assert_eq!(tensor.to_f32().unwrap(), [1.0, 2.0]);
        assert!(checkpoint.tensor("other").unwrap().is_none());
    }

    #[test]
    fn weights_that_are_not_finite_are_refused_by_name() {
        use safetensors::Dtype;
        let f16: Vec<u8> = [0x3c00u16, 0x7c00]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let f32: Vec<u8> = [f32::NAN, 2.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        for (dtype, bytes) in [(Dtype::F16, &f16), (Dtype::F32, &f32)] {
            let view = safetensors::tensor::TensorView::new(dtype, vec![2], bytes);
            let file = safetensors::serialize([("fc.bias", view.unwrap())], None).unwrap();
            let checkpoint = open("weights.safetensors", &file).unwrap();
            let error = checkpoint.tensor("fc.bias").unwrap_err().to_string();
            assert!(error.contains("'fc.bias': 1 of its 2 values"), "{error}");
        }
    }

    #[test]
    fn what_stands_in_the_place_of_a_checkpoint_is_named() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n";
        for name in ["w.pth", "w.safetensors"] {
            let error = refused(name, lfs);
            assert!(error.contains("git lfs pull"), "{error}");
            let error = refused(name, b"<!DOCTYPE html><html>");
            assert!(error.contains("a web page"), "{error}");
        }
    }
}
