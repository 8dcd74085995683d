//! What a model made of samples.

use std::io::{self, Write};
use std::path::PathBuf;

use edgefit_data::{Prediction, Truth, write_predictions};
use edgefit_engine::{EngineName, Execution};
use edgefit_graph::Task;

use crate::samples::{LeftOut, Sample};

/// Samples with what a model made of each.
#[derive(Debug)]
pub struct Predicted {
    /// The model's file.
    pub model: PathBuf,
    /// What ran it.
    pub engine: EngineName,
    /// How that computed its nodes.
    pub execution: Execution,
    /// What its outputs mean.
    pub task: Task,
    /// Names of its outputs; their numbers, where it carries none.
    pub names: Vec<String>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// The outputs for each sample.
    pub outputs: Vec<Vec<f32>>,
    /// Images of folders that cannot be read.
    pub left_out: Vec<LeftOut>,
}

impl Predicted {
    /// Writes a line of comma-separated values for each sample, as [`write_predictions`] does.
    ///
    /// # Errors
    /// `file` cannot be written.
    pub fn write_csv(&self, file: &mut dyn Write) -> io::Result<()> {
        let predictions: Vec<Prediction> = self.predictions().collect();
        write_predictions(file, self.task, &self.names, &predictions)
    }

    pub(crate) fn predictions(&self) -> impl Iterator<Item = Prediction<'_>> {
        let pairs = self.samples.iter().zip(&self.outputs);
        pairs.map(|(sample, outputs)| Prediction {
            sample: &sample.name,
            truth: sample.class.map(Truth::Class),
            outputs,
        })
    }
}
