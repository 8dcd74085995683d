//! What a sample consists of, as bytes and as a hash.

use edgefit_base::floats;
use edgefit_data::{Content, Sample, read_image};

/// SHA-256 of the contents of a sample.
pub(crate) type ContentHash = [u8; 32];

/// The bytes of a sample: its file, or the values of its array.
///
/// # Errors
/// Why the file cannot be read, as a sentence without its subject.
pub(crate) fn contents(sample: &Sample) -> Result<Vec<u8>, String> {
    match &sample.content {
        Content::Image(path) => read_image(path),
        Content::Values(values) => Ok(floats::as_bytes(values).to_vec()),
    }
}
