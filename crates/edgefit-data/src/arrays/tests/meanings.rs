//! What targets are taken for, what is refused as it may be two things, and what `--task` changes.

use super::*;

/// `y` with samples for it.
fn with_x(samples: usize, y: Vec<u8>) -> Vec<u8> {
    let x = floats(&format!("{samples},"), &vec![0.5; samples]);
    archive(&[("x", x), ("y", y)], CompressionMethod::Stored)
}

/// Floats `0, 1, … , different - 1, 0, 1, …`.
fn counting(samples: usize, different: usize) -> Vec<f32> {
    (0..samples).map(|at| (at % different) as f32).collect()
}

fn task(arrays: &Arrays) -> Task {
    match arrays.targets {
        Targets::Classes { .. } => Task::Classes,
        Targets::MultiLabel { .. } => Task::MultiLabel,
        Targets::Regression { .. } => Task::Regression,
    }
}

#[test]
fn what_may_be_two_things_is_refused_until_the_user_says_which() {
    let one_hot: Vec<f32> = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]].concat();
    let bytes: Vec<u8> = one_hot.iter().map(|value| *value as u8).collect();
    let whole = counting(12, 4);
    for (samples, y, words, tasks) in [
        (
            12,
            floats("12,", &whole),
            "y.astype(int)",
            [Task::Classes, Task::Regression],
        ),
        (
            12,
            floats("12, 1", &whole),
            "4 different ones from 0 to 3",
            [Task::Classes, Task::Regression],
        ),
        (
            3,
            floats("3, 3", &one_hot),
            "y.argmax(1)",
            [Task::Classes, Task::MultiLabel],
        ),
        (
            3,
            npy("|b1", "3, 3", &bytes),
            "one-hot rows",
            [Task::Classes, Task::MultiLabel],
        ),
        (
            3,
            npy("|u1", "3, 3", &bytes),
            "--task multi-label",
            [Task::Classes, Task::Regression],
        ),
        (
            2,
            floats("2, 2", &[1.0, 1.0, 0.0, 1.0]),
            "rows of 0 and 1 as floats",
            [Task::MultiLabel, Task::Regression],
        ),
        (
            2,
            floats("2, 2", &[5.0, 1.0, 0.0, 1.0]),
            "(y > 0).astype(int)",
            [Task::Regression; 2],
        ),
        (
            2,
            floats("2, 2", &[0.9, 0.1, 0.25, 0.75]),
            "probabilities",
            [Task::Regression; 2],
        ),
        (
            40,
            integers("40,", &(0..40).collect::<Vec<_>>()),
            "40 different integers in 40 samples",
            [Task::Classes, Task::Regression],
        ),
    ] {
        let file = with_x(samples, y);
        let error = load_bytes(&file).unwrap_err();
        assert!(error.contains(words), "{error}");
        assert!(error.contains("array 'y' "), "{error}");
        for asked in tasks {
            let arrays = load_as(&file, Some(asked)).unwrap();
            assert_eq!(task(&arrays), asked, "{words}");
            assert_eq!(arrays.remarks, [""; 0]);
        }
    }
}

#[test]
fn a_task_that_cannot_be_is_refused() {
    for (samples, y, asked, words) in [
        (
            2,
            floats("2,", &[1.0, 2.5]),
            Task::Classes,
            "y[1] is 2.5, no whole number",
        ),
        (
            2,
            integers("2, 2", &[1, 1, 0, 1]),
            Task::Classes,
            "not one-hot",
        ),
        (
            2,
            floats("2, 2", &[1.0, 0.5, 0.0, 1.0]),
            Task::MultiLabel,
            "is 0.5 at y[0, 1]",
        ),
        (2, words(&["a", "b"]), Task::Regression, "holds text"),
        (2, words(&["a", "b"]), Task::MultiLabel, "is 'a' at y[0]"),
    ] {
        let error = load_as(&with_x(samples, y), Some(asked)).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn what_is_inferred_from_odd_arrays_is_said() {
    let said = |samples: usize, y: Vec<u8>| {
        let arrays = load_bytes(&with_x(samples, y)).unwrap();
        (task(&arrays), arrays.remarks.join("|"))
    };
    let (task, remark) = said(6, integers("6,", &[1, 2, 3, 1, 2, 3]));
    assert_eq!(task, Task::Classes);
    assert!(
        remark.contains("outputs 0 to 2 are the classes 1, 2, 3"),
        "{remark}"
    );
    let (_, remark) = said(4, npy("|b1", "4, 1", &[0, 1, 0, 1]));
    assert!(
        remark.contains("2 classes") && remark.contains("in one column"),
        "{remark}"
    );
    let (task, remark) = said(2, npy("|b1", "2, 2", &[1, 1, 0, 1]));
    assert_eq!(task, Task::MultiLabel);
    assert!(remark.contains("1 to 2 ones"), "{remark}");
    let (task, remark) = said(63, floats("63,", &counting(63, 62)));
    assert_eq!(task, Task::Regression);
    assert!(remark.contains("--task classes"), "{remark}");
    // Nothing odd, nothing said.
    let plain = [
        integers("4,", &[0, 1, 2, 1]),
        floats("4,", &[0.5, 1.0, 2.0, 1.0]),
        words(&["sit", "walk", "sit", "run"]),
    ];
    for y in plain {
        assert_eq!(said(4, y).1, "");
    }
}

#[test]
fn classes_come_from_texts() {
    let x = || floats("3,", &[1.0, 2.0, 3.0]);
    let letters = b"walk\0sit\0\0walk\0";
    for y in [words(&["walk", "sit", "walk"]), npy("|S5", "3,", letters)] {
        let arrays = load(&[("x", x()), ("y", y)]).unwrap();
        let expected = Targets::Classes {
            names: text(&["sit", "walk"]),
            labels: vec![1, 0, 1],
        };
        assert_eq!(arrays.targets, expected);
    }
    let y = || words(&["walk", "sit", "walk"]);
    let named = load(&[
        ("x", x()),
        ("y", y()),
        ("classes", words(&["walk", "sit", "lie"])),
    ]);
    assert!(
        matches!(named.unwrap().targets, Targets::Classes { labels, .. } if labels == [0, 1, 0])
    );
    refused(
        &[("x", x()), ("y", y()), ("classes", words(&["walk"]))],
        "y[1] is 'sit', which 'classes' does not hold",
    );
    refused(
        &[("x", x()), ("y", words(&["walk", "", "walk"]))],
        "y[1] is empty",
    );
}

#[test]
fn groups_are_read_and_torn_ones_told() {
    let x = || floats("3,", &[1.0, 2.0, 3.0]);
    let y = || integers("3,", &[0, 1, 0]);
    for groups in [integers("3, 1", &[7, 9, 7]), words(&["b", "a", "b"])] {
        let arrays = load(&[("x", x()), ("y", y()), ("groups", groups)]).unwrap();
        assert_eq!(arrays.groups, [Some(0), Some(1), Some(0)]);
        assert_eq!(arrays.remarks, [""; 0]);
    }
    for (groups, words) in [
        (integers("2,", &[7, 9]), "'groups' has the shape [2]"),
        (floats("3,", &[7.0, 9.0, 7.0]), "groups.astype(int)"),
    ] {
        refused(&[("x", x()), ("y", y()), ("groups", groups)], words);
    }
    let torn = load(&[
        ("x_train", x()),
        ("y_train", y()),
        ("groups_train", integers("3,", &[1, 2, 2])),
        ("x_test", x()),
        ("y_test", y()),
        ("groups_test", integers("3,", &[3, 2, 3])),
    ]);
    let remarks = torn.unwrap().remarks;
    assert!(
        remarks[0].contains("1 of 3 groups") && remarks[0].contains("'2'"),
        "{remarks:?}"
    );
}

#[test]
fn other_formats_and_shapes_are_named() {
    for (bytes, words) in [
        (&b"\x89HDF\r\n\x1a\n rest"[..], "HDF5"),
        (b"MATLAB 5.0 MAT-file, Platform", "scipy.io.loadmat"),
        (b"\x80\x04\x95", "pickle"),
        (
            b"a,b\n1,2\n",
            "neither a folder of class folders nor an .npz",
        ),
        (b"", "neither a folder"),
        (&floats("2, 3", &[0.0; 6]), "a single array of shape [2, 3]"),
        (b"PK\x03\x04 cut short", "damaged .npz"),
    ] {
        let error = load_bytes(bytes).unwrap_err();
        assert!(
            error.contains(words) && error.contains("np.savez"),
            "{error}"
        );
    }
    let row = integers("1, 3", &[0, 1, 0]);
    refused(
        &[("x", floats("3,", &[0.0; 3])), ("y", row)],
        "as of y.ravel()",
    );
    let mut gaps = [0.0; 6];
    gaps[1] = f32::NAN;
    gaps[4] = f32::NAN;
    refused(
        &[
            ("x", floats("3, 2", &gaps)),
            ("y", integers("3,", &[0, 1, 0])),
        ],
        "in sample 0 at [1], and 1 more samples",
    );
}
