//! Runs in which there is no mistake.

use std::fs;
use std::path::PathBuf;

use edgefit::assets;
use flate2::read::GzDecoder;
use image::GrayImage;
use tempfile::TempDir;

use super::{Finding, Training, findings};
use crate::common::{cache, command, onnxruntime, photographs, run};

#[test]
#[ignore = "takes 30 min: 15 trainings at full size"]
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
    for (data, seeds) in [
        (photographs(), 0..2),
        (fashion.path().to_path_buf(), 1..2),
        (digits.path().to_path_buf(), 0..2),
    ] {
        for model in &models {
            for seed in seeds.clone() {
                let run_folder = tempfile::tempdir().unwrap();
                let clean = Training {
                    data: data.clone(),
                    backbone: model.clone(),
                    recipe: format!("seed = {seed}\n"),
                    flags: Vec::new(),
                    unwritable_events: false,
                };
                let found = findings(&clean, run_folder.path());
                let raised: Vec<_> = found.into_iter().filter(Finding::is_raised).collect();
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

/// Some digits of MNIST, as many as of [`some_fashion`].
fn some_digits() -> TempDir {
    let file = fs::File::open(assets::mnist(&cache()).unwrap()).unwrap();
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(GzDecoder::new(file));
    let folder = tempfile::tempdir().unwrap();
    let mut seen = [0; 10];
    for row in table.deserialize() {
        let mut row: Vec<u8> = row.unwrap();
        let digit = row.pop().unwrap();
        let number = &mut seen[usize::from(digit)];
        let part = match number {
            0..40 => "train",
            40..60 => "val",
            60..70 => "test",
            _ => continue,
        };
        let to = folder.path().join(part).join(digit.to_string());
        fs::create_dir_all(&to).unwrap();
        let image = GrayImage::from_raw(28, 28, row).unwrap();
        image.save(to.join(format!("{number}.png"))).unwrap();
        *number += 1;
    }
    folder
}
