//! What samples are called: their paths below the folder of the data, as text.

use std::path::{Path, PathBuf};

/// What a [`Dataset`](crate::Dataset) of the folder `root` calls the sample at `path`: the path below
/// it with `/` between names; names that are not UTF-8 are escaped.
pub fn sample_name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names = below.iter().map(|name| match name.to_str() {
        Some(name) => name.to_owned(),
        None => name.as_encoded_bytes().escape_ascii().to_string(),
    });
    names.collect::<Vec<_>>().join("/")
}

/// Where the sample lies that a [`Dataset`](crate::Dataset) of the folder `root` calls `name`.
pub fn sample_path(root: &Path, name: &str) -> PathBuf {
    let path = root.join(name);
    if !name.contains('\\') || path.exists() {
        return path;
    }
    let mut unescaped = root.to_path_buf();
    for name in name.split('/') {
        match bytes(name) {
            Some(bytes) => unescaped.push(from_bytes(bytes)),
            None => return path,
        }
    }
    unescaped
}

/// The bytes of a name that [`escape_ascii`](slice::escape_ascii) wrote; `None` where it did not.
fn bytes(name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b't' => b'\t',
            b'r' => b'\r',
            b'n' => b'\n',
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
            }
            quoted => quoted,
        });
    }
    Some(bytes)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> std::ffi::OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            &b"caf\xe9 '\\\n.png"[..],
            "\u{1f426}\\xe9.png".as_bytes(),
            b"a.png",
        ] {
            let path = root.join("class").join(from_bytes(name.to_vec()));
            std::fs::create_dir_all(root.join("class")).unwrap();
            std::fs::write(&path, "").unwrap();
            assert_eq!(sample_path(root, &sample_name(root, &path)), path);
        }
        assert_eq!(
            sample_name(root, &root.join("b").join(from_bytes(vec![0xff]))),
            r"b/\xff"
        );
        // What is not there, and was not escaped, is looked for where it would be.
        assert_eq!(sample_path(root, r"a\x"), root.join(r"a\x"));
    }
}
