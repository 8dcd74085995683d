//! Formats of models that are given where ONNX is wanted, told by their first bytes.

use std::fmt;

/// A format of models that is not ONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFormat {
    /// A checkpoint of PyTorch, or TorchScript.
    Pytorch,
    /// A checkpoint of safetensors.
    Safetensors,
    /// A model of LiteRT, once TensorFlow Lite.
    Litert,
    /// A model of Keras.
    Keras,
}

impl OtherFormat {
    /// The format of a file that begins with `bytes`, if it is one of these.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.get(4..8) == Some(b"TFL3") {
            return Some(OtherFormat::Litert);
        }
        if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Some(OtherFormat::Keras);
        }
        // A pickle of protocol 2 or later: how torch.save wrote before PyTorch 1.6.
        if matches!(bytes, [0x80, 2..=5, ..]) {
            return Some(OtherFormat::Pytorch);
        }
        if let Some(name) = first_in_zip(bytes) {
            return if name.ends_with(b".pkl") || name.ends_with(b"/version") {
                Some(OtherFormat::Pytorch)
            } else if name == b"metadata.json" || name == b"config.json" {
                Some(OtherFormat::Keras)
            } else {
                None
            };
        }
        // The length of a head, and the head: an object of JSON.
        let length = bytes
            .first_chunk()
            .map(|length| u64::from_le_bytes(*length));
        let is_head = length.is_some_and(|length| (2..100_000_000).contains(&length));
        (is_head && bytes.get(8..10) == Some(b"{\"")).then_some(OtherFormat::Safetensors)
    }
}

/// Name of the first file in a ZIP archive (APPNOTE 4.3.7).
fn first_in_zip(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let length = u16::from_le_bytes(*bytes.get(26..)?.first_chunk()?);
    bytes.get(30..)?.get(..usize::from(length))
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            OtherFormat::Pytorch => {
                "a PyTorch file, not an ONNX model; `edgefit import FILE --arch ARCH -o MODEL.onnx` makes one of the \
                 weights of a known architecture, torch.onnx.export of any network"
            }
            OtherFormat::Safetensors => {
                "a safetensors checkpoint, not an ONNX model; `edgefit import FILE --arch ARCH -o MODEL.onnx` makes one"
            }
            OtherFormat::Litert => {
                "a LiteRT model (.tflite), not an ONNX model; give the ONNX model that it comes from: `edgefit export \
                 MODEL.onnx --to tflite` makes such files, and --engine litert runs them"
            }
            OtherFormat::Keras => {
                "a Keras model, not an ONNX model; make one with `model.export(\"MODEL.onnx\", format=\"onnx\")` of Keras 3 \
                 or with tf2onnx"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zip(name: &str) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(26, 0);
        bytes.extend([name.len() as u8, 0, 0, 0]);
        bytes.extend(name.as_bytes());
        bytes
    }

    #[test]
    fn a_format_is_told_by_its_first_bytes() {
        let head = b"{\"w\":{}}";
        let safetensors = [&(head.len() as u64).to_le_bytes()[..], head].concat();
        for (bytes, format) in [
            (zip("archive/data.pkl"), OtherFormat::Pytorch),
            (b"\x80\x02\x8a\nl\xfc\x9cF".to_vec(), OtherFormat::Pytorch),
            (safetensors, OtherFormat::Safetensors),
            (b"\x1c\0\0\0TFL3\x14".to_vec(), OtherFormat::Litert),
            (b"\x89HDF\r\n\x1a\n\0".to_vec(), OtherFormat::Keras),
            (zip("metadata.json"), OtherFormat::Keras),
        ] {
            assert_eq!(OtherFormat::of(&bytes), Some(format), "{bytes:?}");
        }
        for bytes in [&b""[..], b"hello", b"PK\x03\x04", &zip("a/b.txt")] {
            assert_eq!(OtherFormat::of(bytes), None, "{bytes:?}");
        }
    }
}
