//! SHA-256, and hashes in lower-case hex.

use std::io::{Read, Result};

use sha2::{Digest, Sha256};

/// Bytes in lower-case hex, two letters each.
pub fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// The SHA-256 of `bytes`, in hex.
///
/// ```
/// let hash = edgefit_base::hash::sha256_hex(b"abc");
/// assert!(hash.starts_with("ba7816bf"));
/// assert_eq!(hash.len(), 64);
/// ```
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-256 in hex of all that a reader gives, and the number of its bytes. Memory does not grow
/// with the size.
///
/// # Errors
/// Whatever reading gives.
pub fn sha256_hex_of(reader: &mut impl Read) -> Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok((hex(&hasher.finalize()), size)),
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_and_its_bytes_have_one_hash() {
        let bytes = vec![7; 200_000];
        let (hash, size) = sha256_hex_of(&mut bytes.as_slice()).unwrap();
        assert_eq!((hash, size), (sha256_hex(&bytes), 200_000));
    }
}
