//! Archives and folders of arrays: what is read, and what is refused with its place.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::npy::tests::npy;
use super::*;

mod inputs;
mod meanings;

fn floats(shape: &str, values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    npy("<f4", shape, &bytes)
}

fn integers(shape: &str, values: &[i64]) -> Vec<u8> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    npy("<i8", shape, &bytes)
}

fn words(words: &[&str]) -> Vec<u8> {
    let letters = words.iter().flat_map(|word| {
        let letters = word.chars().map(u32::from).chain([0; 8]);
        letters.take(8).flat_map(u32::to_le_bytes)
    });
    let bytes: Vec<u8> = letters.collect();
    npy("<U8", &format!("{},", words.len()), &bytes)
}

fn archive(arrays: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn load_bytes(bytes: &[u8]) -> Result<Arrays, String> {
    load_as(bytes, None)
}

fn load_as(bytes: &[u8], task: Option<Task>) -> Result<Arrays, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.npz");
    std::fs::write(&path, bytes).unwrap();
    Arrays::load(&path, task).map_err(|error| {
        let error = error.to_string();
        assert!(error.contains("data.npz: "), "{error}");
        error
    })
}

fn load(arrays: &[(&str, Vec<u8>)]) -> Result<Arrays, String> {
    load_bytes(&archive(arrays, CompressionMethod::Stored))
}

fn refused(arrays: &[(&str, Vec<u8>)], expected: &str) {
    let error = load(arrays).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

fn text(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn classes_come_from_integers() {
    let x = floats("3, 2, 1", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let arrays = load(&[("x", x.clone()), ("y", integers("3,", &[7, -1, 7]))]).unwrap();
    assert_eq!(arrays.dims, [2, 1]);
    assert_eq!(arrays.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(arrays.splits, [None; 3]);
    let expected = Targets::Classes {
        names: text(&["-1", "7"]),
        labels: vec![1, 0, 1],
    };
    assert_eq!(arrays.targets, expected);

    let named = load(&[
        ("x", x),
        ("y", integers("3, 1", &[2, 0, 2])),
        ("classes", words(&["walk", "sit", "überfall"])),
    ]);
    let expected = Targets::Classes {
        names: text(&["walk", "sit", "überfall"]),
        labels: vec![2, 0, 2],
    };
    assert_eq!(named.unwrap().targets, expected);
}

#[test]
fn several_labels_come_from_a_table_of_bits() {
    let x = || floats("2,", &[1.0, 2.0]);
    let labels = npy("|b1", "2, 3", &[1, 0, 1, 0, 0, 0]);
    let arrays = load(&[("x", x()), ("y", labels)]).unwrap();
    assert_eq!(arrays.dims, [1]);
    let expected = Targets::MultiLabel {
        names: text(&["0", "1", "2"]),
        labels: vec![true, false, true, false, false, false],
    };
    assert_eq!(arrays.targets, expected);
    let labels = integers("2, 2", &[0, 1, 2, 0]);
    refused(&[("x", x()), ("y", labels)], "array 'y' is 2 at y[1, 0]");
}

#[test]
fn regression_targets_come_from_floats() {
    let x = || floats("2, 1", &[1.0, 2.0]);
    let y = || floats("2, 2", &[0.5, 1.5, 2.5, 3.5]);
    let names = words(&["mass", "charge"]);
    let arrays = load(&[("x", x()), ("y", y()), ("classes", names)]).unwrap();
    let expected = Targets::Regression {
        names: text(&["mass", "charge"]),
        values: vec![0.5, 1.5, 2.5, 3.5],
    };
    assert_eq!(arrays.targets, expected);
    let names = words(&["mass"]);
    refused(
        &[("x", x()), ("y", y()), ("classes", names)],
        "1 names for the 2 columns",
    );
    let y = floats("2,", &[0.5, f32::NAN]);
    refused(&[("x", x()), ("y", y)], "array 'y' holds NaN in sample 1");
}

#[test]
fn the_users_own_split_is_kept() {
    let arrays = [
        ("x_test", floats("1, 2", &[5.0, 6.0])),
        ("x_train", floats("2, 2", &[1.0, 2.0, 3.0, 4.0])),
        ("y_test", integers("1,", &[1])),
        ("y_train", npy("|u1", "2,", &[1, 0])),
    ];
    let loaded = load(&arrays).unwrap();
    let train = Some(Split::Train);
    assert_eq!(loaded.splits, [train, train, Some(Split::Test)]);
    assert_eq!(loaded.values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(matches!(&loaded.targets, Targets::Classes { labels, .. } if labels == &[1, 0, 1]));

    for (name, array, expected) in [
        (
            "x_test",
            floats("1, 3", &[0.0; 3]),
            "'x_test' has samples of shape [3], and 'x_train' of [2]",
        ),
        (
            "y_test",
            floats("1,", &[0.0]),
            "array 'y_test' has another type",
        ),
        (
            "x_more",
            floats("1, 2", &[0.0; 2]),
            "'x_more' belongs to no split",
        ),
        (
            "x_val",
            floats("1, 2", &[0.0; 2]),
            "both 'x_val' and 'y_val'",
        ),
        ("x", floats("1, 2", &[0.0; 2]), "both x or y and splits"),
        (
            "classes",
            words(&["only"]),
            "y_train[0] is 1, and 'classes' has 1 names",
        ),
    ] {
        let others = arrays.iter().filter(|(other, _)| *other != name).cloned();
        let arrays: Vec<_> = others.chain([(name, array)]).collect();
        refused(&arrays, expected);
    }
}

#[test]
fn a_folder_of_arrays_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("x.npy", &floats("2, 2", &[1.0, 2.0, 3.0, 4.0]));
    write("notes.txt", b"hello");
    let error = Arrays::load(folder.path(), None).unwrap_err().to_string();
    assert!(
        error.contains("holds 'x'") && error.contains("np.savez"),
        "{error}"
    );
    write("y.npy", &integers("2,", &[0, 1]));
    let arrays = Arrays::load(folder.path(), None).unwrap();
    assert_eq!((arrays.dims, arrays.values.len()), (vec![2], 4));
    let error = Arrays::load(folder.path().join("x.npy"), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("give the folder"), "{error}");
    assert!(Arrays::load(folder.path().join("none.npz"), None).is_err());
}

#[test]
fn what_cannot_be_trained_on_is_refused_with_the_place() {
    let y = || integers("2,", &[0, 1]);
    let x = || floats("2, 2, 3", &[0.0; 12]);
    let mut gap = [0.0; 12];
    gap[10] = f32::NAN;
    let huge: Vec<u8> = [1.0, 1e300f64]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    for (x, y, expected) in [
        (
            floats("2, 2, 3", &gap),
            y(),
            "array 'x' holds NaN in sample 1 at [1, 1]",
        ),
        (
            npy("<f8", "2, 1", &huge),
            y(),
            "too large for 32 bits, in sample 1 at [0]",
        ),
        (
            x(),
            integers("3,", &[0, 1, 0]),
            "'x' has 2 samples and array 'y' 3",
        ),
        (x(), integers("2,", &[4, 4]), "one class only, 4"),
        (
            x(),
            floats("2,", &[0.5, 0.5]),
            "y is the same for all samples",
        ),
        (
            x(),
            npy("|b1", "2, 3", &[1, 1, 0, 1, 1, 0]),
            "y is the same for all samples",
        ),
        (
            floats("0, 3", &[]),
            y(),
            "array 'x' is empty (shape [0, 3])",
        ),
        (
            floats("2, 0", &[]),
            y(),
            "array 'x' is empty (shape [2, 0])",
        ),
        (floats("", &[1.0]), y(), "array 'x' is a single number"),
        (
            x(),
            integers("2, 1, 1", &[0, 1]),
            "array 'y' has the shape [2, 1, 1]",
        ),
        (words(&["a", "b"]), y(), "array 'x' holds text"),
        (
            npy("|O", "2, 1", b"\x80\x04."),
            y(),
            "array 'x' is a pickled array",
        ),
    ] {
        refused(&[("x", x), ("y", y)], expected);
    }
    for (classes, expected) in [
        (words(&["a", "a"]), "'a' that is empty or there twice"),
        (words(&["", "a"]), "'' that is empty or there twice"),
        (integers("2,", &[1, 2]), "is not a row of names"),
    ] {
        refused(&[("x", x()), ("y", y()), ("classes", classes)], expected);
    }
    refused(&[("arr_0", x()), ("arr_1", y())], "holds 'arr_0', 'arr_1'");
    refused(&[], "holds no array");
}

#[test]
fn compressed_archives_are_read_and_bombs_are_not() {
    // All zero, so that deflate shrinks them a thousandfold: under and over what is allowed.
    let of = |samples: usize| {
        let x = npy("|u1", &format!("{samples}, 1000"), &vec![0; samples * 1000]);
        let mut labels = vec![0; samples];
        labels[0] = 1;
        let y = npy("|u1", &format!("{samples},"), &labels);
        archive(&[("x", x), ("y", y)], CompressionMethod::Deflated)
    };
    assert_eq!(load_bytes(&of(2000)).unwrap().splits.len(), 2000);
    let error = load_bytes(&of(70_000)).unwrap_err();
    assert!(
        error.contains("save it uncompressed with np.savez"),
        "{error}"
    );
}

#[test]
fn a_damaged_archive_is_an_error_and_never_a_panic() {
    let x = floats("4, 2", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let y = integers("4,", &[0, 1, 0, 1]);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let good = archive(&[("x", x.clone()), ("y", y.clone())], method);
        let expected = load_bytes(&good).unwrap();
        for length in (0..good.len()).step_by(7) {
            assert!(load_bytes(&good[..length]).is_err(), "{length}");
        }
        for index in 0..good.len() {
            let mut bytes = good.clone();
            bytes[index] ^= 0x55;
            if let Ok(loaded) = load_bytes(&bytes) {
                assert_eq!(loaded.values, expected.values, "byte {index}");
            }
        }
    }
}
