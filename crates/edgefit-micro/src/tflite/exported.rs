//! [`Exported`]: what became of a model, the document `edgefit.export/1`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{File, FloatFile, Planning};
use crate::error::Refusal;
use crate::program::Program;

/// What became of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The model.
    pub model: PathBuf,
    /// The file.
    pub output: PathBuf,
    /// Its name, as of the only file.
    pub files: Vec<String>,
    /// Its size.
    pub file_bytes: u64,
    /// Bytes that the values need at once, as they are planned.
    pub arena_bytes: u64,
    /// Who says where they lie in the arena of TensorFlow Lite for Microcontrollers: `in-file` or `by-interpreter`.
    pub planning: Planning,
    /// Bytes of weights, biases and tables.
    pub weights_bytes: u64,
    /// Type of its input, output and weights: `int8` or `f32`.
    pub element_type: &'static str,
    /// Number of operators.
    pub operators: usize,
    /// Those of them that only bring dimensions into another order.
    pub transpositions: usize,
    /// Number of labels that are packed with it.
    pub labels: usize,
    /// Nodes without a form: none, of a model that was exported.
    pub unsupported: Vec<Refusal>,
}

impl Exported {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.export/1";

    /// Of `file` made of `program`, a model, and written to a place.
    pub fn of(program: &Program, file: &File, [model, output]: [&Path; 2]) -> Self {
        let name = output.file_name().unwrap_or_default();
        Exported {
            model: model.to_path_buf(),
            output: output.to_path_buf(),
            files: vec![name.to_string_lossy().into_owned()],
            file_bytes: file.bytes.len() as u64,
            arena_bytes: file.arena_bytes,
            planning: file.planning,
            weights_bytes: program.constant_bytes(),
            element_type: "int8",
            operators: file.operators,
            transpositions: file.transpositions,
            labels: program.labels.len(),
            unsupported: Vec::new(),
        }
    }

    /// Of `file` made of a model of floats, and written to a place.
    pub fn of_floats(file: &FloatFile, [model, output]: [&Path; 2]) -> Self {
        let name = output.file_name().unwrap_or_default();
        Exported {
            model: model.to_path_buf(),
            output: output.to_path_buf(),
            files: vec![name.to_string_lossy().into_owned()],
            file_bytes: file.bytes.len() as u64,
            arena_bytes: file.arena_bytes,
            planning: file.planning,
            weights_bytes: file.weights_bytes,
            element_type: "f32",
            operators: file.operators,
            transpositions: file.transpositions,
            labels: file.labels,
            unsupported: Vec::new(),
        }
    }
}
