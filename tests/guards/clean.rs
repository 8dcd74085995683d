//! Runs in which there is no mistake.

use std::fs;
use std::path::PathBuf;

use edgefit::assets;
use flate2::read::GzDecoder;
use tempfile::TempDir;

use crate::common::npz::{Values, save};
use crate::common::{cache, command, onnxruntime, photographs, run};
use crate::{Planted, guards, raised};

#[test]
fn clean_runs_raise_nothing() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let imported = |size: usize| {
        let path = folder.path().join(format!("lite{size}.onnx"));
        let weights = assets::efficientnet_lite(&cache(), size).unwrap();
        let arch = format!("efficientnet-lite{size}");
        let mut import = command();
        import
            .arg("import")
            .arg(weights)
            .args(["--arch", &arch, "-o"]);
        assert_eq!(run(import.arg(&path)).code, 0);
        path
    };
    let fashion = some_fashion();
    let digits = some_digits();
    let models = [imported(0), imported(1), imported(2)];
    for (data, seeds, flags) in [
        (photographs(), 0..3, &[][..]),
        (fashion.path().to_path_buf(), 0..2, &[]),
        (
            digits.path().join("digits.npz"),
            0..2,
            &["--input-shape", "1x3x84x84"],
        ),
    ] {
        for model in &models {
            for seed in seeds.clone() {
                let run_folder = tempfile::tempdir().unwrap();
                let clean = Planted {
                    code: "",
                    variant: "",
                    data: data.clone(),
                    backbone: model.clone(),
                    recipe: &format!("seed = {seed}\n").leak()[..],
                    flags,
                };
                let found = guards(&clean, run_folder.path());
                let raised: Vec<_> = found.iter().filter(|found| raised(&found.1)).collect();
                assert!(
                    raised.is_empty(),
                    "{} {} {seed}: {raised:#?}",
                    data.display(),
                    model.display()
                );
            }
        }
    }
}

/// Some of Fashion-MNIST, in the parts that it comes in.
fn some_fashion() -> TempDir {
    let from = assets::fashion_mnist(&cache()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 40), ("val", 20), ("test", 10)] {
        for class in fs::read_dir(from.join(part)).unwrap() {
            let class = class.unwrap().path();
            let to = folder.path().join(part).join(class.file_name().unwrap());
            fs::create_dir_all(&to).unwrap();
            let mut files: Vec<PathBuf> = fs::read_dir(&class)
                .unwrap()
                .map(|e| e.unwrap().path())
                .collect();
            files.sort();
            for file in &files[..count] {
                fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
            }
        }
    }
    folder
}

/// Some digits of MNIST as arrays, three times as large and grey in three channels, in the parts that
/// [`some_fashion`] has.
fn some_digits() -> TempDir {
    let file = fs::File::open(assets::mnist(&cache()).unwrap()).unwrap();
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(GzDecoder::new(file));
    let mut seen = [0; 10];
    let mut parts: [(Vec<f32>, Vec<i64>); 3] = Default::default();
    for row in table.records() {
        let row: Vec<f32> = row
            .unwrap()
            .iter()
            .map(|field| field.parse().unwrap())
            .collect();
        let (pixels, digit) = row.split_at(28 * 28);
        let digit = digit[0] as usize;
        let part = match seen[digit] {
            0..40 => 0,
            40..60 => 1,
            60..70 => 2,
            _ => continue,
        };
        seen[digit] += 1;
        let large = (0..84 * 84).map(|at| pixels[at / 84 / 3 * 28 + at % 84 / 3]);
        let large: Vec<f32> = large.collect();
        parts[part].0.extend(large.repeat(3));
        parts[part].1.push(digit as i64);
    }
    let folder = tempfile::tempdir().unwrap();
    let [train, val, test] = parts.map(|(x, y)| (y.len(), Values::Floats(x), Values::Integers(y)));
    save(
        &folder.path().join("digits.npz"),
        &[
            ("x_train", &[train.0, 3, 84, 84], train.1),
            ("y_train", &[train.0], train.2),
            ("x_val", &[val.0, 3, 84, 84], val.1),
            ("y_val", &[val.0], val.2),
            ("x_test", &[test.0, 3, 84, 84], test.1),
            ("y_test", &[test.0], test.2),
        ],
    );
    folder
}
