//! The tensors of what `torch.save` wrote, and what is to be done where it wrote something else.

use std::collections::BTreeMap;
use std::path::Path;

use pytorch_reader::{PickleError, PytorchError, PytorchReader};

use super::{Source, zip_directory};
use crate::error::{Error, Result};

/// Classes of the objects in a TorchScript file begin so.
const TORCH_SCRIPT: &str = "__torch__";

/// All tensors in the file, by their keys.
pub(super) fn tensors(path: &Path) -> Result<BTreeMap<String, Source>> {
    let reader = match zip_directory::repaired(path) {
        Ok(Some(copy)) => PytorchReader::new(copy.path()),
        Ok(None) => PytorchReader::new(path),
        Err(source) => {
            return Err(Error::Read {
                path: path.to_path_buf(),
                source,
            });
        }
    };
    let reader = reader.map_err(|error| explained(path, &error))?;
    if reader.is_empty() {
        return Err(Error::NotACheckpoint {
            path: path.to_path_buf(),
            detail: "it holds no tensors".into(),
        });
    }
    let tensors = reader.into_tensors().into_iter();
    Ok(tensors
        .map(|(key, tensor)| (key, Source::Torch(tensor)))
        .collect())
}

/// The reader's error with the line of Python that makes the file right, where there is one.
fn explained(path: &Path, error: &PytorchError) -> Error {
    let words = error.to_string();
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let problem = match error {
        PytorchError::Pickle(PickleError::UnsupportedType(name))
            if name.starts_with(TORCH_SCRIPT) =>
        {
            format!(
                "is a TorchScript program, not weights alone; save its weights, in Python: \
                 torch.save(torch.jit.load('{file}').state_dict(), 'weights.pth')"
            )
        }
        PytorchError::Pickle(PickleError::UnsupportedType(name)) if name.contains("qtensor") => {
            "holds the weights of a quantised network; start from the float model".into()
        }
        PytorchError::Pickle(PickleError::UnsupportedType(name)) => format!(
            "holds tensors inside of an object of the Python type '{name}', and nothing in a file is run to \
             get at them; save the weights alone, in Python: torch.save(model.state_dict(), 'weights.pth')"
        ),
        PytorchError::InvalidFormat(_) => match words.split_once("of the PyTorch file, found ") {
            Some((_, found @ ("tuple" | "list"))) => format!(
                "holds a {found} in the place of the weights, such as (weights, epoch); save the weights alone, \
                 in Python: torch.save(torch.load('{file}')[0], 'weights.pth')"
            ),
            Some((_, found)) => format!(
                "holds an object of the Python type '{found}' in the place of the weights; save them with \
                 torch.save(model.state_dict(), 'weights.pth')"
            ),
            None if words.contains("No data.pkl") => {
                "is a zip archive that torch.save did not write (it holds no data.pkl); give the file of \
                 torch.save(model.state_dict(), …) or a .safetensors file"
                    .into()
            }
            None => return unreadable(path, words),
        },
        PytorchError::Zip(_) if words.contains("EOCD") => {
            "is cut off: the end of its zip archive is missing; fetch or copy the whole file again".into()
        }
        _ => return unreadable(path, words),
    };
    Error::Unusable {
        path: path.to_path_buf(),
        problem,
    }
}

fn unreadable(path: &Path, detail: String) -> Error {
    Error::NotACheckpoint {
        path: path.to_path_buf(),
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a file of these bytes.
    fn said(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.pth");
        std::fs::write(&path, bytes).unwrap();
        tensors(&path).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_is_saved_in_the_place_of_a_dictionary_is_named() {
        // Protocol 2: ({}, 12), [{}], 12 and {}.
        let tuple = said(b"\x80\x02}K\x0c\x86.");
        assert!(tuple.contains("w.pth: holds a tuple"), "{tuple}");
        assert!(tuple.contains("torch.load('w.pth')[0]"), "{tuple}");
        assert!(said(b"\x80\x02]}a.").contains("holds a list"));
        assert!(said(b"\x80\x02K\x0c.").contains("Python type 'int'"));
        assert!(said(b"\x80\x02}.").contains("no tensors"));
    }

    #[test]
    fn a_file_that_was_cut_off_is_called_so() {
        let cut = said(b"PK\x03\x04and a half of what was to follow");
        assert!(cut.contains("cut off"), "{cut}");
    }
}
