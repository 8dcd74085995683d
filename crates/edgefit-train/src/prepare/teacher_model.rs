//! [`TeacherModel`]: a trained model whose answers are part of the targets of another.

use std::path::Path;

use edgefit_base::hash;
use edgefit_base::names::listed;
use edgefit_data::Dataset;
use edgefit_engine::{Copies, EngineName};
use edgefit_graph::rewrite::{cut_softmax, fold_batch_norm};
use edgefit_graph::{Graph, Preprocessing, StandardScaler, Task, labels};

use crate::error::{Error, Result};
use crate::prepare::preparation::Preparation;
use crate::prepare::source::{Live, Source};

/// A model of the same classes that sees the same views of the samples, prepared as it wants them, and may
/// take them at another resolution.
pub(crate) struct TeacherModel {
    /// From the inputs to logits.
    pub graph: Graph,
    pub preparation: Preparation,
    /// SHA-256 of the model with its weights.
    pub sha256: String,
}

impl TeacherModel {
    /// The model in a file that tells what its outputs are.
    ///
    /// # Errors
    /// It cannot be read, does not say how its inputs are prepared, or tells other classes than the dataset has.
    pub fn load(path: &Path, dataset: &Dataset) -> Result<Self> {
        let problem = |problem: String| Error::Backbone {
            path: path.to_path_buf(),
            problem,
        };
        let mut graph = Graph::load(path)?;
        let sha256 = hash::sha256_hex(&graph.to_bytes());
        let named = labels::of(&graph).map_err(|error| problem(error.to_string()))?;
        if dataset.task != Task::Classes || named.as_ref() != Some(&dataset.classes) {
            return Err(problem(format!(
                "does not tell the classes of the data ({}); a teacher is a model that was trained on them",
                listed(&dataset.classes)
            )));
        }
        let images = Preprocessing::of(&graph).map_err(|error| problem(error.to_string()))?;
        let arrays = StandardScaler::of(&graph).map_err(|error| problem(error.to_string()))?;
        let preparation = images
            .map(Preparation::Images)
            .or(arrays.map(Preparation::Arrays))
            .ok_or_else(|| problem("does not say how its inputs are prepared".into()))?;
        cut_softmax(&mut graph);
        fold_batch_norm(&mut graph)?;
        Ok(TeacherModel {
            graph,
            preparation,
            sha256,
        })
    }

    /// Its answers to samples that are read, and augmented, whenever a step wants them.
    pub fn live<'a>(
        &'a self,
        samples: Live<'a>,
        engine: EngineName,
        threads: usize,
    ) -> LiveAnswers<'a> {
        LiveAnswers {
            inputs: Live {
                preparation: &self.preparation,
                ..samples
            },
            copies: Copies::new(engine, &self.graph, threads),
        }
    }
}

/// Answers that are computed when a step wants them.
pub(crate) struct LiveAnswers<'a> {
    inputs: Live<'a>,
    copies: Copies<'a>,
}

impl Source for LiveAnswers<'_> {
    fn len(&self) -> usize {
        self.inputs.len()
    }

    fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>> {
        let rows = self.inputs.rows(samples, epoch)?;
        let width = rows.len() / samples.len().max(1);
        let rows: Vec<Vec<f32>> = rows.chunks(width.max(1)).map(<[f32]>::to_vec).collect();
        let batches: Vec<&[Vec<f32>]> = rows.chunks(self.copies.batch()).collect();
        let answers = self.copies.map(&batches, |rows| -> Result<Vec<f32>> {
            let made = self.copies.run(&[self.inputs.preparation.batch(rows)])?;
            let first = made.into_iter().next();
            Ok(first.map_or_else(Vec::new, |output| output.values))
        });
        let answers: Vec<Vec<f32>> = answers.into_iter().collect::<Result<_>>()?;
        Ok(answers.concat())
    }
}
