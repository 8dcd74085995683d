//! Files of arrays in formats that are not read, told by their first bytes, and how they are converted.

/// Bytes that tell the formats.
pub(super) const START: usize = 16;

/// First bytes of a file, what it is then, and what loads it in Python.
const FORMATS: [(&[u8], &str, &str); 8] = [
    (
        b"\x89HDF\r\n\x1a\n",
        "HDF5 (Keras, PyTables, MATLAB 7.3)",
        "h5py.File(path)",
    ),
    (b"MATLAB 5.0 MAT", "MATLAB 5", "scipy.io.loadmat(path)"),
    (b"PAR1", "Parquet", "pandas.read_parquet(path)"),
    (b"ARROW1", "Arrow", "pandas.read_feather(path)"),
    (
        b"\x80",
        "a Python pickle, which could run code",
        "pickle.load, if you trust where it comes from",
    ),
    (b"\x1f\x8b", "gzip", "gzip.open(path)"),
    (b"CDF", "NetCDF", "xarray.open_dataset(path)"),
    (
        b"RIFF",
        "RIFF (sound, video)",
        "scipy.io.wavfile.read(path)",
    ),
];

/// What a file of arrays in none of NumPy's formats is, and the fix.
pub(super) fn told(start: &[u8]) -> String {
    let known = FORMATS.iter().find(|(magic, ..)| start.starts_with(magic));
    match known {
        Some((_, name, load)) => format!(
            "is {name}, no .npz archive; load it in Python ({load}) and save its arrays with \
             np.savez(\"data.npz\", x=x, y=y)"
        ),
        None => "is neither a folder of class folders nor an .npz archive of arrays; load it in \
                 Python and save its arrays with np.savez(\"data.npz\", x=x, y=y)"
            .into(),
    }
}
