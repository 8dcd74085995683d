//! Features of the samples of a job as they are, and which of the samples they are made of.

use edgefit_data::{Dataset, Sample, Split};
use edgefit_graph::rewrite::{self, fold_batch_norm};
use edgefit_graph::{Graph, ValueInfo};

use crate::config::job::Job;
use crate::error::Result;
use crate::prepare::assignment::assign;
use crate::prepare::feature_cache::Entry;
use crate::prepare::features::{Extracted, Shown, Views, extract};
use crate::prepare::inference::Inference;
use crate::prepare::model::Model;
use crate::prepare::sample_features::SampleFeatures;

/// The backbone of a job in front of its samples.
pub(crate) struct CleanFeatures<'a> {
    job: &'a Job,
    model: &'a Model,
    dataset: &'a Dataset,
    backbone: Graph,
    /// Values of an entry that are features; the others are those at the freeze boundary.
    width: usize,
}

impl<'a> CleanFeatures<'a> {
    /// Makes features of the samples of `dataset`, and the values at a `boundary` on the way there.
    ///
    /// # Errors
    /// They are not values of the model's graph.
    pub fn new(
        job: &'a Job,
        model: &'a Model,
        dataset: &'a Dataset,
        boundary: Option<&ValueInfo>,
    ) -> Result<Self> {
        let Model { graph, head, .. } = model;
        let features = head.features();
        let wanted: Vec<ValueInfo> = features.iter().chain(boundary).cloned().collect();
        let mut backbone = rewrite::extract(graph, &graph.inputs, &wanted)?;
        // The frozen part never trains: folded, it runs faster in engines that do not fold by themselves.
        fold_batch_norm(&mut backbone)?;
        Ok(CleanFeatures {
            job,
            model,
            dataset,
            backbone,
            width: boundary.map_or(usize::MAX, |_| head.width()),
        })
    }

    /// Reads all samples, which says which of them can be read. Those of test do not go through the backbone: nothing
    /// is trained or chosen on them. Which these are is only known behind it, so that others may be among them; see
    /// [`complete`](Self::complete).
    ///
    /// # Errors
    /// The engine fails.
    pub fn extract(&self, inference: Inference) -> Result<Extracted<SampleFeatures>> {
        let samples: Vec<&Sample> = self.dataset.samples.iter().collect();
        // If all can be read and none is a copy. What cannot be split at all is refused later, in better words.
        let through = assign(self.job, self.dataset, &samples).ok();
        let through: Option<Vec<bool>> =
            through.map(|splits| splits.iter().map(|split| *split != Split::Test).collect());
        self.run(&samples, through.as_deref(), inference)
    }

    /// Adds the features of samples that are in train or val after all.
    ///
    /// # Errors
    /// The engine fails.
    pub fn complete(
        &self,
        extracted: &mut Extracted<SampleFeatures>,
        splits: &[Option<Split>],
        inference: Inference,
    ) -> Result<()> {
        let is_missing = |at: &usize| match &extracted.entries[*at] {
            Ok(entry) => entry.features.is_empty() && splits[*at] != Some(Split::Test),
            Err(_) => false,
        };
        let missing: Vec<usize> = (0..splits.len()).filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let samples = missing.iter().map(|&at| &self.dataset.samples[at]);
        let more = self.run(&samples.collect::<Vec<_>>(), None, inference)?;
        extracted.cached += more.cached;
        for (at, entry) in missing.into_iter().zip(more.entries) {
            extracted.entries[at] = entry;
        }
        Ok(())
    }

    fn run(
        &self,
        samples: &[&Sample],
        through: Option<&[bool]>,
        inference: Inference,
    ) -> Result<Extracted<SampleFeatures>> {
        let shown = Shown {
            samples,
            through,
            preparation: &self.model.preparation,
            views: Views::Clean,
        };
        let cache = self.job.feature_cache();
        let extracted = extract(&self.backbone, shown, &cache, inference)?;
        let parted = |entry: Entry| {
            let mut features = entry.features;
            let boundary = features.drain(self.width.min(features.len())..).collect();
            features.shrink_to_fit();
            SampleFeatures {
                features,
                boundary,
                pixels: entry.pixels,
            }
        };
        let entries = extracted.entries.into_iter();
        Ok(Extracted {
            entries: entries.map(|entry| entry.map(parted)).collect(),
            hashes: extracted.hashes,
            cached: extracted.cached,
        })
    }
}
