//! 32-bit floats to bytes and back, little-endian as every file format here has them.

#[cfg(target_endian = "big")]
compile_error!(
    "edgefit reads and writes little-endian files by casting, on little-endian machines only"
);

/// The bytes of `values`, without a copy.
///
/// ```
/// assert_eq!(edgefit_base::floats::as_bytes(&[1.0]), [0, 0, 0x80, 0x3f]);
/// ```
pub fn as_bytes(values: &[f32]) -> &[u8] {
    bytemuck::cast_slice(values)
}

/// The floats of which `bytes` are made, wherever they lie in memory; bytes left over at the end are
/// ignored.
///
/// ```
/// assert_eq!(edgefit_base::floats::from_bytes(&[0, 0, 0x80, 0x3f]), [1.0]);
/// ```
pub fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(&bytes[..bytes.len() / 4 * 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_where_they_are_not_aligned() {
        let values = [1.5, -0.0, f32::INFINITY];
        let shifted = [&[0][..], as_bytes(&values), &[7]].concat();
        assert_eq!(from_bytes(&shifted[1..]), values);
    }
}
