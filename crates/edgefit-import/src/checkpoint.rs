//! [`Checkpoint`]: the named tensors of a PyTorch or safetensors file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use edgefit_graph::{DataType, Tensor};
use memmap2::Mmap;
use pytorch_reader::PytorchReader;
use safetensors::SafeTensors;

use crate::error::{Error, Result};

/// Prefixes under which training scripts store the weights.
const WRAPPERS: [&str; 5] = [
    "state_dict.",
    "model_state_dict.",
    "model.",
    "module.",
    "ema.",
];

/// Named tensors of a `.pth` (zip or legacy pickle) or `.safetensors` file, read when asked for.
pub struct Checkpoint {
    path: PathBuf,
    file_bytes: u64,
    tensors: BTreeMap<String, Source>,
}

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
        let file = File::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if !metadata.is_file() {
            return Err(read(std::io::Error::other("is not a regular file")));
        }
        // A safetensors file starts with the length of its header, and the header is JSON. A file
        // that only has the extension goes to the same reader, for its error message.
        let mut start = [0; 9];
        let json = (&file).read_exact(&mut start).is_ok() && start[8] == b'{';
        let extension = path.extension().unwrap_or_default();
        let tensors = if json || extension.eq_ignore_ascii_case("safetensors") {
            safetensors(path, &file)?
        } else {
            torch(path)?
        };
        Ok(Checkpoint {
            path: path.to_path_buf(),
            file_bytes: metadata.len(),
            tensors: unwrap(tensors),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keys of all tensors, sorted, without wrappers such as `state_dict.`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
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
    /// It is not of a float type, or its bytes cannot be read.
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
        Ok(Some(tensor))
    }
}

fn torch(path: &Path) -> Result<BTreeMap<String, Source>> {
    let not_one = |detail: String| Error::NotACheckpoint {
        path: path.to_path_buf(),
        detail,
    };
    let reader = PytorchReader::new(path).map_err(|error| not_one(error.to_string()))?;
    if reader.is_empty() {
        return Err(not_one("it holds no tensors".into()));
    }
    let tensors = reader.into_tensors().into_iter();
    Ok(tensors
        .map(|(key, tensor)| (key, Source::Torch(tensor)))
        .collect())
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

/// Removes the prefix that all weights have in common.
fn unwrap(mut tensors: BTreeMap<String, Source>) -> BTreeMap<String, Source> {
    while let Some(wrapper) = WRAPPERS
        .iter()
        .find(|wrapper| tensors.keys().any(|key| key.starts_with(**wrapper)))
    {
        // Keys without the prefix belong to the optimiser, not to the model.
        tensors = tensors
            .into_iter()
            .filter_map(|(key, source)| Some((key.strip_prefix(wrapper)?.to_owned(), source)))
            .collect();
    }
    tensors
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
        assert!(error.contains("evil.pth: not a checkpoint"), "{error}");
        assert!(!proof.exists());
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for bytes in [&b""[..], b"hello", b"PK\x03\x04", &[0x80, 2], &[0xff; 64]] {
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
    fn safetensors_are_read_and_unwrapped() {
        let bytes: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &bytes);
        let file = safetensors::serialize([("model.fc.bias", view.unwrap())], None).unwrap();
        let checkpoint = open("weights.safetensors", &file).unwrap();
        assert_eq!(checkpoint.keys().collect::<Vec<_>>(), ["fc.bias"]);
        let tensor = checkpoint.tensor("fc.bias").unwrap().unwrap();
        assert_eq!(tensor.to_f32().unwrap(), [1.0, 2.0]);
        assert!(checkpoint.tensor("other").unwrap().is_none());
    }
}
