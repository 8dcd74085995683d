//! [`Architecture`]: a network that can be built from the weights of a checkpoint.

use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_graph::{Graph, Preprocessing};

use crate::builder::{Builder, Weights};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::head;
use crate::imported::Imported;
use crate::layout::{Layout, Wanted};
use crate::variant::Variant;
use crate::weight_set::{WeightSet, WeightsChoice, choose, is_of_an_optimiser, prefixes};

/// A network that edgefit can build from its weights.
pub struct Architecture {
    /// Name on the command line, such as `efficientnet-lite0`.
    pub name: &'static str,
    /// Side of the square input in pixels.
    pub resolution: u32,
    /// Preprocessing the published weights were trained with; see [`Preprocessing::named`].
    pub preprocessing: PreprocessingName,
    pub(crate) twins: Twins,
    pub(crate) build: fn(&mut Builder),
}

/// Whether timm has two networks under the keys of its own layout, each [`Variant`] one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twins {
    None,
    OfTimm,
}

/// What the keys of a checkpoint do not tell.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Which of two networks with the same keys it is.
    pub variant: Option<Variant>,
    /// Which of several sets of weights is taken: the raw ones, if nothing is said.
    pub weights: Option<WeightsChoice>,
}

impl Architecture {
    /// Builds the graph, in inference form, with the weights of `checkpoint`, whatever prefix they have and
    /// whatever PyTorch has wrapped around their parts.
    ///
    /// The input is (batch, 3, resolution, resolution), the output logits (batch, classes).
    ///
    /// # Errors
    /// The checkpoint lacks a tensor that the network needs, holds one of another shape or with values
    /// that are not finite, is of another network, or `choices` leave open which weights are meant.
    pub fn import(&self, checkpoint: &Checkpoint, choices: &Choices) -> Result<Imported> {
        let layouts = Layout::ALL.map(|layout| self.wanted(layout));
        let found = prefixes(checkpoint, &layouts);
        if found.is_empty() {
            return match checkpoint.without_wrappers() {
                Some((plain, wrappers)) => {
                    let imported = self.import(&plain, choices)?;
                    Ok(Imported {
                        wrappers,
                        ..imported
                    })
                }
                None => Err(self.mismatch(checkpoint)),
            };
        }
        let prefix = choose(checkpoint, &found, choices.weights.as_ref())?;
        let others: Vec<String> = found.into_iter().filter(|other| *other != prefix).collect();
        let mut set = WeightSet::new(checkpoint, prefix);
        let layout = set.layout();
        let wanted = self.wanted(layout);
        let variant = self.variant(layout, &set, choices.variant)?;
        set.renamed = head::renamed(&set, &wanted);
        if let Some(missing) = head::missing(&set, &wanted) {
            return Err(self.headless(checkpoint, &missing));
        }
        let weights = Weights::Checkpoint(&set);
        let mut builder = Builder::new(self.name, self.resolution, weights).with_variant(variant);
        (self.build)(&mut builder);
        let mut imported = builder.finish(&set, others).map_err(|error| match error {
            Error::WrongArchitecture { .. } => self.named_in(error, checkpoint),
            other => other,
        })?;
        if let Some(more) = of_the_network(&imported.unused_keys, &wanted) {
            return Err(self.larger(checkpoint, more));
        }
        let preprocessing = variant.map_or(self.preprocessing, Variant::preprocessing);
        Preprocessing::named(preprocessing, self.resolution, self.resolution)
            .store(&mut imported.graph);
        Ok(imported)
    }

    /// The same graph for `classes` classes with zeros for weights: to find out what the network
    /// costs, without a checkpoint.
    ///
    /// ```
    /// use edgefit_import::Architecture;
    ///
    /// let arch = Architecture::named("squeezenet1-1").unwrap();
    /// let graph = arch.blank(10);
    /// assert_eq!(graph.outputs[0].name, "logits");
    /// assert!(Architecture::named("squeezenet").is_none());
    /// ```
    pub fn blank(&self, classes: usize) -> Graph {
        let mut builder = Builder::new(self.name, self.resolution, Weights::Zeros { classes });
        (self.build)(&mut builder);
        builder.blank()
    }

    /// The keys of a checkpoint in that layout, in the order of the network; of one class.
    fn wanted(&self, layout: Layout) -> Vec<Wanted> {
        let mut builder = Builder::new(self.name, self.resolution, Weights::None(layout));
        (self.build)(&mut builder);
        builder.wanted()
    }

    /// Which twin it is.
    fn variant(
        &self,
        layout: Layout,
        set: &WeightSet,
        given: Option<Variant>,
    ) -> Result<Option<Variant>> {
        let open = self.twins == Twins::OfTimm && layout == Layout::Timm;
        let problem = match (open, given) {
            (true, Some(_)) | (false, None) => return Ok(given),
            (true, None) => format!(
                "has the keys of two networks of timm that compute different things; say which {} it is: \
                 --variant timm for what timm trained, or --variant tf for the weights from TensorFlow, \
                 which timm calls tf_…",
                self.name
            ),
            (false, Some(_)) => format!(
                "has keys that leave no choice of a variant; give --arch {} and leave --variant out",
                self.name
            ),
        };
        Err(unusable(set.checkpoint, problem))
    }

    /// The error for weights without those of the head.
    fn headless(&self, checkpoint: &Checkpoint, missing: &[&str]) -> Error {
        let missing: Vec<String> = missing.iter().map(|key| format!("'{key}'")).collect();
        unusable(
            checkpoint,
            format!(
                "holds {} without its head or with one of other layers ({} missing); save the network with its \
                 own head, in timm with num_classes above 0, or export it whole with torch.onnx.export and \
                 give that to the other commands",
                self.name,
                missing.join(", ")
            ),
        )
    }

    /// The error for a checkpoint in which this network is not found.
    fn mismatch(&self, checkpoint: &Checkpoint) -> Error {
        if checkpoint.keys().all(is_of_an_optimiser) {
            let problem = "holds the state of an optimiser and no weights; give the file that \
                           model.state_dict() was saved into";
            return unusable(checkpoint, problem.into());
        }
        let set = WeightSet::new(checkpoint, "");
        let weights = Weights::Checkpoint(&set);
        let mut builder = Builder::new(self.name, self.resolution, weights);
        (self.build)(&mut builder);
        match builder.finish(&set, Vec::new()) {
            Ok(_) => unusable(checkpoint, format!("is not of {}", self.name)),
            Err(error) => self.named_in(error, checkpoint),
        }
    }

    /// The error, or the one that names the architecture whose weights they are.
    fn named_in(&self, error: Error, checkpoint: &Checkpoint) -> Error {
        match Architecture::best_fit(checkpoint).filter(|(_, fit)| fit.name != self.name) {
            Some((_, fit)) => Error::OtherArchitecture {
                path: checkpoint.path().to_path_buf(),
                arch: self.name.to_owned(),
                fit: fit.name.to_owned(),
            },
            None => error,
        }
    }

    /// The error for a checkpoint that holds this network and more of it, such as the weight `more`.
    fn larger(&self, checkpoint: &Checkpoint, more: &str) -> Error {
        let error = unusable(
            checkpoint,
            format!(
                "holds more than {} has, such as '{more}', and so another network; export it with \
                 torch.onnx.export and give that to the other commands",
                self.name
            ),
        );
        self.named_in(error, checkpoint)
    }

    /// How many tensors `checkpoint` has of this network, if it has all of them, but for the number of
    /// classes.
    pub(crate) fn fit(&self, checkpoint: &Checkpoint) -> Option<usize> {
        let layouts = Layout::ALL.map(|layout| self.wanted(layout));
        let found = prefixes(checkpoint, &layouts);
        let set = WeightSet::new(checkpoint, found.into_iter().next()?);
        let wanted = self.wanted(set.layout());
        let last = wanted.len().saturating_sub(2);
        let all = wanted.iter().enumerate().all(|(index, wanted)| {
            let free = usize::from(index >= last);
            let dims = set.shape(&wanted.key).and_then(|dims| dims.get(free..));
            dims == wanted.dims.get(free..)
        });
        all.then_some(wanted.len())
    }
}

/// The first of the `unused` keys that is a weight of the same part of a network as a `wanted` one.
fn of_the_network<'k>(unused: &'k [String], wanted: &[Wanted]) -> Option<&'k String> {
    let part = |key: &str| key.split('.').next().map(str::to_owned);
    unused.iter().find(|key| {
        let weight = ["weight", "bias", "running_mean", "running_var"]
            .iter()
            .any(|kind| key.rsplit('.').next() == Some(kind));
        weight && wanted.iter().any(|wanted| part(&wanted.key) == part(key))
    })
}

fn unusable(checkpoint: &Checkpoint, problem: String) -> Error {
    Error::Unusable {
        path: checkpoint.path().to_path_buf(),
        problem,
    }
}

#[cfg(test)]
mod tests;
