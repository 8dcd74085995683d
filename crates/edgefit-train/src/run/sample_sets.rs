//! [`SampleSets`]: the samples with which a model is changed, and those on which it is compared with what it was.

use std::collections::BTreeSet;
use std::path::Path;

use edgefit_graph::Graph;
use edgefit_predict::{SampleSet, draw, shuffled};

use super::job_file::data_of_run;
use crate::error::{Error, Result};

/// Samples of a model, and which of them are for what.
#[derive(Debug)]
pub struct SampleSets {
    /// All of them.
    pub set: SampleSet,
    /// The places of those that calibrate.
    pub calibration: Vec<usize>,
    /// The places of those that the result is compared on.
    pub validation: Vec<usize>,
}

impl SampleSets {
    /// Samples at `path`, of which as many as `calibration` are drawn by `seed`, and the others compared on.
    ///
    /// # Errors
    /// They cannot be read, or do not go with the model.
    pub fn open(
        path: &Path,
        graph: &Graph,
        (calibration, seed): (usize, u64),
        warn: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let set = SampleSet::open(path, graph, None, warn)?;
        let (calibration, validation) = draw(set.samples().len(), calibration, seed);
        Ok(SampleSets {
            set,
            calibration,
            validation,
        })
    }

    /// The samples of a run: of those that it trained on some calibrate, those of its validation split are compared
    /// on.
    ///
    /// # Errors
    /// The run cannot be read, or its samples are not there any more.
    pub fn of_run(
        run: &Path,
        graph: &Graph,
        (calibration, seed): (usize, u64),
        warn: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let (data, splits) = data_of_run(run)?;
        let train: BTreeSet<String> = splits.train.into_iter().collect();
        let val: BTreeSet<String> = splits.val.into_iter().collect();
        let wanted: BTreeSet<String> = train.union(&val).cloned().collect();
        let set = SampleSet::open(&data, graph, Some(&wanted), warn)?;
        let of = |split: &BTreeSet<String>| -> Vec<usize> {
            let samples = set.samples().iter().enumerate();
            let of_split = samples.filter(|(_, sample)| split.contains(&sample.name));
            of_split.map(|(index, _)| index).collect()
        };
        let (train, validation) = (of(&train), of(&val));
        if train.is_empty() || validation.is_empty() {
            return Err(Error::Choice(format!(
                "{} holds none of the samples of {}; give them with --data",
                data.display(),
                run.display()
            )));
        }
        let drawn = shuffled(train.len(), seed).into_iter().take(calibration);
        Ok(SampleSets {
            set,
            calibration: drawn.map(|at| train[at]).collect(),
            validation,
        })
    }
}
