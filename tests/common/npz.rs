//! Arrays as NumPy writes them.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An array of 32-bit floats, or of 64-bit integers.
pub enum Values {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

/// Writes what `np.savez` writes.
pub fn save(path: &Path, arrays: &[(&str, &[usize], Values)]) {
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    for (name, shape, values) in arrays {
        archive
            .start_file(format!("{name}.npy"), SimpleFileOptions::default())
            .unwrap();
        archive.write_all(&npy(shape, values)).unwrap();
    }
    archive.finish().unwrap();
}

/// What `np.save` writes.
pub fn npy(shape: &[usize], values: &Values) -> Vec<u8> {
    let (kind, bytes): (&str, Vec<u8>) = match values {
        Values::Floats(values) => ("<f4", values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Values::Integers(values) => ("<i8", values.iter().flat_map(|v| v.to_le_bytes()).collect()),
    };
    let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // Magic, version and length take 10 bytes, and the data start at a multiple of 64.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap();
    let start = [&b"\x93NUMPY\x01\x00"[..], &length.to_le_bytes()].concat();
    [&start, header.as_bytes(), &bytes].concat()
}
