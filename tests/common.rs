//! What the end-to-end tests share: the real binary, real weights, real photographs.

mod backbones;
#[cfg(unix)]
pub mod board;
pub mod made_of_float;
pub mod networks;
pub mod npz;
pub mod plants;
pub mod process;
pub mod published;
pub mod python;
pub mod quantized;
pub mod torch;
pub mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::assets::{self, Cache};
use edgefit::engine::onnxruntime;
use serde_json::Value;
use tempfile::TempDir;

pub use backbones::{SMALL, backbone, resize, resized_backbone, small_backbone};

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The one JSON document on stdout, of the given schema.
    pub fn json(&self, schema: &str) -> Value {
        let document: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(document["schema"], schema, "{self:?}");
        document
    }
}

/// The binary, not yet run. It computes on one thread: tests run beside one another, and networks as small as theirs
/// gain nothing from more.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgefit"));
    command.env("RAYON_NUM_THREADS", "1");
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the binary on `arguments`.
pub fn edgefit<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ran {
    run(command().args(arguments))
}

/// Holds that the run was refused: exit 2, nothing on stdout, one `error:` line with all of `words`.
pub fn assert_refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.stdout, "", "{ran:?}");
    let errors: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| !line.starts_with("warning: ") && !line.starts_with("progress: "))
        .collect();
    let [error] = errors.as_slice() else {
        panic!("not one line: {ran:?}");
    };
    assert!(error.starts_with("error: "), "{ran:?}");
    for word in words {
        assert!(error.contains(word), "«{word}» is not in {error}");
    }
}

pub fn cache() -> Cache {
    Cache::of_user().unwrap()
}

/// The EfficientNet-Lite0 checkpoint.
pub fn weights() -> PathBuf {
    assets::efficientnet_lite0(&cache()).unwrap()
}

/// The Tux Paint photographs, in six class folders.
pub fn photographs() -> PathBuf {
    assets::tux_paint_photographs(&cache()).unwrap()
}

/// Fetches ONNX Runtime and loads it into this process; the binary finds it in the cache.
pub fn onnxruntime() {
    assets::onnxruntime(&cache()).unwrap();
    onnxruntime::discover(None, &cache().onnxruntime_folder()).unwrap();
}

/// Fetches LiteRT; the binary finds it in the cache.
pub fn litert() {
    assets::litert(&cache()).unwrap();
}

/// The first `count` photographs of each of `classes`, as a dataset of its own.
pub fn some_photographs(classes: &[&str], count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for class in classes {
        let to = folder.path().join(class);
        fs::create_dir(&to).unwrap();
        let mut files: Vec<PathBuf> = fs::read_dir(photographs().join(class))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in &files[..count] {
            fs::copy(file, to.join(file.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// `edgefit train DATA --backbone MODEL` for a Raspberry Pi 4, without the folder of the run.
pub fn train(data: &Path, model: &Path) -> Command {
    let mut train = command();
    train.arg("train").arg(data).arg("--backbone").arg(model);
    train.args(["--device", "raspberry-pi-4b"]);
    train
}

/// Holds that `document` has every one of `fields`, given as paths with dots.
pub fn assert_fields(document: &Value, fields: &[&str]) {
    for field in fields {
        let mut at = document;
        for part in field.split('.') {
            at = match part.parse::<usize>() {
                Ok(index) => &at[index],
                Err(_) => at
                    .get(part)
                    .unwrap_or_else(|| panic!("{field} is missing: {document}")),
            };
        }
    }
}

/// What tflite-micro takes itself of RAM, as the `budget` of a check says.
pub fn own_ram_of_tflite_micro(budget: &Value) -> u64 {
    let words = budget["explanation"].as_str().unwrap();
    let (before, _) = words.split_once(" B of tflite-micro itself").unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}
