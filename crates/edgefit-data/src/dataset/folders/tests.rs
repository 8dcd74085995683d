//! Layouts of image folders as people have them: read right, said, or refused.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::*;

/// Names of parts about which there is nothing to say.
const PLAIN: [&str; 3] = ["train", "val", "test"];

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A folder of these files; names that end with `/` are folders. Files called as images begin as one.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let is_image = file.ends_with(".png") || file.ends_with(".jpg");
            fs::write(path, if is_image { PNG } else { b"words" }).unwrap();
        }
    }
    root
}

/// For each of `parts` two images of each class.
fn parts(names: &[&str], classes: &[&str]) -> Vec<String> {
    let of_part = |part: &&str| {
        let part = (*part).to_owned();
        let classes = classes.iter();
        classes.flat_map(move |class| [1, 2].map(|nth| format!("{part}/{class}/{nth}.png")))
    };
    names.iter().flat_map(of_part).collect()
}

fn scanned(files: &[impl AsRef<str>]) -> Result<Dataset> {
    let files: Vec<&str> = files.iter().map(AsRef::as_ref).collect();
    Dataset::scan(folder(&files).path())
}

fn remarks(dataset: &Dataset) -> String {
    dataset.remarks.join("\n")
}

fn splits(dataset: &Dataset) -> Vec<Split> {
    let splits = dataset.samples.iter().map(|sample| sample.split);
    splits.map(Option::unwrap).collect()
}

#[test]
fn class_folders_are_listed_in_order() {
    let files = [
        "b/2.png",
        "a/deep/1.jpg",
        "a/notes.txt",
        ".git/x.png",
        "b/.h.png",
    ];
    let dataset = scanned(&files).unwrap();
    assert_eq!(dataset.classes, ["a", "b"]);
    let samples = dataset.samples.iter();
    let names: Vec<_> = samples.map(|sample| &sample.relative).collect();
    assert_eq!(names, ["a/deep/1.jpg", "b/2.png"]);
    let said = remarks(&dataset);
    assert!(said.contains("ignored: 2 files and folders"), "{said}");
    assert!(said.contains("ignored: 1 file, not"), "{said}");
}

#[test]
fn parts_are_known_by_their_usual_names_also_below_one_folder() {
    use Split::{Test, Train, Val};
    for (names, expected) in [
        (&["train", "val", "test"][..], &[Train, Val, Test][..]),
        (&["Training", "Testing"], &[Train, Test]),
        (&["Train", "Valid", "Test"], &[Train, Val, Test]),
        (
            &["seg_train/seg_train", "seg_test/seg_test"],
            &[Train, Test],
        ),
        (&["data/data/train", "data/data/validation"], &[Train, Val]),
        (&["train/images", "test/images"], &[Train, Test]),
        (&["flowers_train", "flowers_test"], &[Train, Test]),
        (&["train"], &[Train]),
    ] {
        let dataset = scanned(&parts(names, &["a", "b"])).unwrap();
        assert_eq!(dataset.classes, ["a", "b"], "{names:?}");
        let splits = splits(&dataset);
        for split in Split::ALL {
            let count = splits.iter().filter(|found| **found == split).count();
            assert_eq!(
                count,
                if expected.contains(&split) { 4 } else { 0 },
                "{names:?}"
            );
        }
        let missing = Split::ALL.iter().filter(|split| !expected.contains(split));
        for split in missing {
            let words = format!("no {split} folder");
            assert!(remarks(&dataset).contains(&words), "{names:?}");
        }
        let is_plain = |name: &&str| name.split('/').any(|name| PLAIN.contains(&name));
        let said = remarks(&dataset).contains("as parts of the data");
        assert_eq!(said, !names.iter().all(is_plain), "{names:?}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let mut with_docs = parts(&["train", "val"], &["a", "b"]);
    with_docs.push("docs/figure.png".into());
    let mut with_test = parts(&["."], &["cat", "dog"]);
    with_test.push("test/1.png".into());
    let mut apart = parts(&["train"], &["images"]);
    apart.push("train/labels/1.txt".into());
    for (files, expected) in [
        (with_docs, &["'train', 'val'", "'docs'", "move away"][..]),
        (with_test, &["'test'", "'cat', 'dog'"]),
        (parts(&["val", "Test"], &["a", "b"]), &["no train"]),
        (
            parts(&["train", "val", "valid"], &["a", "b"]),
            &["'val' and 'valid'"],
        ),
        (
            parts(&["site_1", "site_2"], &["a", "b"]),
            &["'site_1', 'site_2'", "'a', 'b'", "train, val and test"],
        ),
        (parts(&["cat", "dog"], &["train", "test"]), &["train/cat"]),
        (apart, &["detection"]),
    ] {
        let error = scanned(&files).unwrap_err().to_string();
        for words in expected {
            assert!(error.contains(words), "{error}");
        }
    }
}

#[test]
fn folders_below_classes_and_classes_called_as_parts_stay_classes() {
    let mut trained = parts(&["."], &["car", "plane", "train"]);
    let dataset = scanned(&trained).unwrap();
    assert_eq!(dataset.classes, ["car", "plane", "train"]);
    assert!(remarks(&dataset).contains("'train' is taken for a class"));
    trained = parts(&["cat", "dog"], &["images"]);
    assert_eq!(scanned(&trained).unwrap().classes, ["cat", "dog"]);
    trained = parts(&["."], &["valid", "invalid"]);
    assert_eq!(scanned(&trained).unwrap().classes, ["invalid", "valid"]);
    trained = parts(&["cat"], &["seen", "unseen"]);
    trained.extend(parts(&["dog"], &["near", "far"]));
    assert_eq!(scanned(&trained).unwrap().classes, ["cat", "dog"]);
}

#[test]
fn what_is_left_out_is_said() {
    let mut files = parts(&["train"], &["a", "b"]);
    files.extend(
        [
            "test/1.png",
            "test/2.png",
            "docs/read.me",
            "train/loose.png",
        ]
        .map(String::from),
    );
    let dataset = scanned(&files).unwrap();
    assert_eq!(dataset.samples.len(), 4);
    let said = remarks(&dataset);
    for words in [
        "test holds 2 images in no class folder",
        "no images: 'docs'",
        "1 image without a class in",
        "held out as val",
        "held out as test",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let clutter = [
        "__MACOSX/a/._1.png",
        "a/.ipynb_checkpoints/1.png",
        "b/@eaDir/1.png",
    ];
    let mut files = parts(&["."], &["a", "b"]);
    files.extend(clutter.map(String::from));
    files.extend(["a/Thumbs.db", "$RECYCLE.BIN/x/1.png"].map(String::from));
    let dataset = scanned(&files).unwrap();
    assert_eq!((dataset.classes.len(), dataset.samples.len()), (2, 4));
    assert_eq!(dataset.remarks.len(), 1, "{:?}", dataset.remarks);
    assert!(remarks(&dataset).contains("ignored: 5 files"));
}

#[test]
fn contents_decide_what_is_an_image() {
    let root = folder(&["a/1.png", "b/1.png", "b/notes"]);
    fs::write(root.path().join("a/noextension"), b"\xff\xd8\xff\xe0").unwrap();
    fs::write(root.path().join("b/photo.heic"), b"\0\0\0\x18ftypheic").unwrap();
    fs::write(root.path().join("b/page.jpg"), "<html>").unwrap();
    let dataset = Dataset::scan(root.path()).unwrap();
    let samples = dataset.samples.iter();
    let names: Vec<_> = samples.map(|sample| sample.relative.as_str()).collect();
    let expected = [
        "a/1.png",
        "a/noextension",
        "b/1.png",
        "b/page.jpg",
        "b/photo.heic",
    ];
    assert_eq!(names, expected);

    for name in ["1.tif", "2.tif"] {
        fs::create_dir_all(root.path().join("c")).unwrap();
        fs::write(root.path().join("c").join(name), "II*\0").unwrap();
    }
    let error = Dataset::scan(root.path()).unwrap_err().to_string();
    assert!(
        error.contains("2 that cannot") && error.contains("TIFF; convert"),
        "{error}"
    );
}

#[test]
fn links_to_nothing_are_one_image_and_links_back_are_not_followed() {
    let root = folder(&["a/1.png", "b/1.png"]);
    symlink("gone.png", root.path().join("a/2.png")).unwrap();
    symlink("itself", root.path().join("a/itself")).unwrap();
    symlink(root.path().join("b"), root.path().join("b/again")).unwrap();
    symlink("gone", root.path().join("c")).unwrap();
    let dataset = Dataset::scan(root.path()).unwrap();
    assert_eq!(dataset.classes, ["a", "b"]);
    assert_eq!(dataset.samples.len(), 4);
    let said = remarks(&dataset);
    assert!(said.contains("b/again is a link back"), "{said}");
    assert!(said.contains("c is a link to what is not there"), "{said}");
}

#[test]
fn a_name_that_is_no_label_is_refused() {
    let root = folder(&["a/1.png", "b/1.png"]);
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::create_dir(root.path().join(name)).unwrap();
    fs::write(root.path().join(name).join("1.png"), PNG).unwrap();
    let error = Dataset::scan(root.path()).unwrap_err().to_string();
    assert!(error.contains("'caf\\xe9', is not UTF-8"), "{error}");
    fs::rename(root.path().join(name), root.path().join("two\nlines")).unwrap();
    let error = Dataset::scan(root.path()).unwrap_err().to_string();
    assert!(error.contains("control character"), "{error}");
}

#[test]
fn files_whose_names_are_not_utf8_are_told_apart() {
    let root = folder(&["a/1.png", "b/1.png"]);
    for name in [&b"\xe9.png"[..], b"\xe8.png", b"\xe7/1.png"] {
        let path = root
            .path()
            .join("a")
            .join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, PNG).unwrap();
    }
    let dataset = Dataset::scan(root.path()).unwrap();
    let names: Vec<_> = dataset
        .samples
        .iter()
        .map(|sample| &sample.relative)
        .collect();
    assert_eq!(
        names,
        [
            "a/1.png",
            "a/\\xe7/1.png",
            "a/\\xe8.png",
            "a/\\xe9.png",
            "b/1.png"
        ]
    );
}

#[test]
fn the_same_name_composed_and_decomposed_is_one_class_in_two_parts() {
    let files = [
        "train/caf\u{e9}/1.png",
        "train/tea/1.png",
        "test/cafe\u{301}/1.png",
    ];
    let dataset = scanned(&files).unwrap();
    assert_eq!(dataset.classes, ["caf\u{e9}", "tea"]);
}

#[test]
fn folders_that_are_not_a_dataset_are_refused() {
    for (files, expected) in [
        (&["a/"][..], "this class folder holds no images"),
        (&["a/1.png", "b/"], "this class folder holds no images"),
        (&["a/1.png"], "one class only, 'a'"),
        (&["a/1.png", "b/notes.txt"], "holds no images"),
        (&["1.png"], "no class folders"),
        (&["train/1.png", "test/a/1.png"], "no class folders"),
        (
            &["train/a/1.png", "train/Bird/1.png", "val/bird/1.png"],
            "class 'bird' is not in the train folder; add images of it there, or rename the folder \
             if 'Bird' is meant",
        ),
    ] {
        let error = scanned(files).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(Dataset::scan("no/such/folder").is_err());
}
