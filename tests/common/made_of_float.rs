//! A float model with inputs and its own answers, for commands that make another model of it.

use std::fs;
use std::path::PathBuf;

use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::{Dim, Graph, ValueType};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::npz::{Values, save};
use super::{Ran, assert_refused, command, onnxruntime, run};

/// How many inputs there are.
const SAMPLES: usize = 200;

/// A float model in a folder of its own, `float.onnx`, and random inputs with its own answers as labels.
pub struct Files {
    pub folder: TempDir,
    pub model: PathBuf,
    pub inputs: PathBuf,
    command: &'static str,
}

impl Files {
    /// For `command`; inputs are (4, 6, 6), and there are three classes.
    pub fn of(command: &'static str, graph: &Graph) -> Self {
        onnxruntime();
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("float.onnx");
        graph.save(&model).unwrap();
        let inputs = folder.path().join("inputs.npz");
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let dims = [SAMPLES, 4, 6, 6];
        let values: Vec<f32> = (0..dims.iter().product())
            .map(|_| random.random_range(-1.0..1.0))
            .collect();
        let mut engine = load(EngineName::Tract, graph, 1).unwrap();
        let x = Array {
            dims: dims.to_vec(),
            values: values.clone(),
        };
        let made = engine.run(&[x]).unwrap().swap_remove(0);
        let answers = made.values.chunks(3).map(|row| {
            let largest = (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b]));
            largest.unwrap() as i64
        });
        let arrays = [
            ("x", &dims[..], Values::Floats(values)),
            ("y", &dims[..1], Values::Integers(answers.collect())),
        ];
        save(&inputs, &arrays);
        Files {
            folder,
            model,
            inputs,
            command,
        }
    }

    /// Where the model that is made is written.
    pub fn output(&self) -> PathBuf {
        self.folder.path().join("made.onnx")
    }

    /// Runs the command with `--json` and `more` arguments.
    pub fn run(&self, more: &[&str]) -> Ran {
        let mut made = command();
        made.arg(self.command).arg(&self.model);
        made.arg("--inputs").arg(&self.inputs);
        made.arg("-o").arg(self.output());
        run(made.arg("--json").args(more))
    }

    /// Holds that the command is refused with these words, and that no file is written.
    pub fn assert_refused(&self, more: &[&str], words: &[&str]) {
        assert_refused(&self.run(more), words);
        assert!(!self.output().exists(), "{more:?}");
    }

    /// Holds that the model is refused where its height and width are open, and that `--input-shape` gives them.
    pub fn assert_size_can_be_given(&self, more: &[&str]) {
        let mut graph = Graph::load(&self.model).unwrap();
        if let ValueType::Tensor {
            dims: Some(dims), ..
        } = &mut graph.inputs[0].ty
        {
            dims[2..].fill(Dim::Unknown);
        }
        graph.save(&self.model).unwrap();
        self.assert_refused(more, &["float.onnx", "--input-shape"]);
        let ran = self.run(&[more, &["--input-shape", "1x4x6x6"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let made = Graph::load(self.output()).unwrap();
        assert_eq!(made.inputs[0].dims().unwrap()[2..], [6, 6].map(Dim::Known));
    }

    /// Holds that a file that cannot be written is refused before the inputs are read, of which there are none.
    pub fn assert_place_comes_first(&self, more: &[&str]) {
        fs::create_dir(self.output()).unwrap();
        fs::remove_file(&self.inputs).unwrap();
        assert_refused(&self.run(more), &["made.onnx", "it is a folder"]);
    }
}
