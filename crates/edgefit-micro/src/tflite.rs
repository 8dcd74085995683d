//! A [`Program`], or a graph of floats, as a LiteRT model: the `.tflite` file that TensorFlow Lite's converters write.
//!
//! Ops are the built-in ones in their int8 forms. Values lie as in the program, channels last, so that no
//! transposition is added. The tables are those of TensorFlow Lite's `schema.fbs`, by their numbers.

mod arena;
mod builder;
mod exported;
mod float;
mod from_program;
mod labels;
mod metadata;
mod model;
mod operator;
mod padding;
mod schema;
mod tensor;
mod verify;
mod weighted;
mod windowed;
mod words;
mod write;

use edgefit_graph::{Preprocessing, StandardScaler};
use serde::Serialize;

use crate::error::{Refusal, Result};
use crate::program::Program;
use arena::Arena;

pub use exported::Exported;
pub use float::{FloatFile, FloatPort, float_file};
pub use verify::{Invalid, verify};

/// A model as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes: the model, and behind it the labels as an archive, where there are some.
    pub bytes: Vec<u8>,
    /// Number of its operators.
    pub operators: usize,
    /// Number of its transpositions.
    pub transpositions: usize,
    /// Bytes that its values need at once, as they are planned.
    pub arena_bytes: u64,
    /// Who plans the arena of TensorFlow Lite for Microcontrollers.
    pub planning: Planning,
}

/// Who says where values lie in the arena of TensorFlow Lite for Microcontrollers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planning {
    /// The file: in as little as a C project takes.
    InFile,
    /// The interpreter. Compilers that change the graph and keep the plan, such as Vela 5.2, need it so.
    ByInterpreter,
}

/// The file of `program`.
///
/// # Errors
/// It has ops without a form in LiteRT, all of which the error lists, or more bytes than a file can have.
pub fn file(program: &Program, planning: Planning) -> Result<File> {
    let model = from_program::model(program)?;
    let arena = Arena::of(&model);
    Ok(File {
        bytes: packed(
            (&model, planned(&arena, planning)),
            (program.preprocessing.as_ref(), program.scaler.as_ref()),
            &program.labels,
        )?,
        arena_bytes: arena.bytes,
        planning,
        operators: model.operators.len(),
        transpositions: model.transpositions(),
    })
}

/// The plan that is written into the file.
fn planned(arena: &Arena, planning: Planning) -> Option<&Arena> {
    (planning == Planning::InFile).then_some(arena)
}

/// The bytes of a model, with where its values lie, and with what tools want to know of it.
fn packed(
    (model, arena): (&model::Model, Option<&Arena>),
    (preprocessing, scaler): (Option<&Preprocessing>, Option<&StandardScaler>),
    labels: &[String],
) -> Result<Vec<u8>> {
    let mut notes = Vec::new();
    notes.extend(arena.map(|arena| (arena::NAME, arena.note())));
    let metadata = metadata::metadata(preprocessing, scaler, labels);
    notes.extend(metadata.map(|metadata| (metadata::NAME, metadata)));
    let mut bytes = write::write(model, &notes)?;
    if !labels.is_empty() {
        labels::append(&mut bytes, labels);
    }
    Ok(bytes)
}

/// Why a step has no form in LiteRT.
type Refused<T> = std::result::Result<T, String>;

/// The refusal of a step.
fn refusal(node: &str, op: &str, reason: String) -> Refusal {
    Refusal {
        op: op.to_owned(),
        node: node.to_owned(),
        reason,
    }
}
