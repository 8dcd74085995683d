//! What the end-to-end tests share: the real binary, real weights, real photographs.

pub mod board;
pub mod networks;
pub mod npz;
pub mod plants;
pub mod process;
pub mod published;
pub mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use edgefit::assets::{self, Cache};
use edgefit::engine::onnxruntime;
use edgefit::graph::{Dim, Graph, Preprocessing, ValueInfo};
use serde_json::Value;
use tempfile::TempDir;

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

/// The binary, not yet run.
pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_edgefit"))
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
        .filter(|line| !line.starts_with("warning: "))
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

/// EfficientNet-Lite0 as ONNX, imported by the binary once.
pub fn backbone() -> &'static Path {
    static BACKBONE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BACKBONE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backbone.onnx");
        let mut import = command();
        import
            .arg("import")
            .arg(weights())
            .args(["--arch", "efficientnet-lite0", "-o"])
            .arg(&path);
        let ran = run(&mut import);
        assert_eq!(ran.code, 0, "{ran:?}");
        (folder, path)
    });
    path
}

/// Side of the images of [`small_backbone`].
pub const SMALL: usize = 64;

/// The first six blocks of EfficientNet-Lite0 with a head for 20 classes, for images of 64 × 64: what
/// it knows is enough for the photographs, and training takes a second.
pub fn small_backbone() -> &'static Path {
    static BACKBONE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BACKBONE.get_or_init(|| {
        let mut graph = networks::first_blocks("_blocks.5._bn2.out", 20);
        resize(&mut graph, SMALL);
        saved(&graph)
    });
    path
}

/// The whole of EfficientNet-Lite0, for images of 64 × 64.
pub fn resized_backbone() -> &'static Path {
    static BACKBONE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BACKBONE.get_or_init(|| {
        let mut graph = Graph::load(backbone()).unwrap();
        resize(&mut graph, SMALL);
        saved(&graph)
    });
    path
}

/// A graph in a file of its own.
fn saved(graph: &Graph) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    graph.save(&path).unwrap();
    (folder, path)
}

/// Declares the only input of a network for images to be of the given side.
pub fn resize(graph: &mut Graph, side: usize) {
    graph.value_info.clear();
    let dims = vec![
        Dim::Symbol("batch".into()),
        Dim::Known(3),
        Dim::Known(side),
        Dim::Known(side),
    ];
    let name = graph.inputs[0].name.clone();
    graph.inputs[0] = ValueInfo::f32(&name, dims);
    if let Some(mut preprocessing) = Preprocessing::of(graph).unwrap() {
        let side = u32::try_from(side).unwrap();
        (preprocessing.width, preprocessing.height) = (side, side);
        preprocessing.store(graph);
    }
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
