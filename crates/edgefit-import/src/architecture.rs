//! [`Architecture`]: a network that can be built from the weights of a checkpoint.

use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_graph::{Graph, Preprocessing};

use crate::builder::{Builder, Imported, Weights};
use crate::checkpoint::Checkpoint;
use crate::error::Result;

/// A network that edgefit can build from its weights.
pub struct Architecture {
    /// Name on the command line, such as `efficientnet-lite0`.
    pub name: &'static str,
    /// Side of the square input in pixels.
    pub resolution: u32,
    /// Preprocessing the published weights were trained with; see [`Preprocessing::named`].
    pub preprocessing: PreprocessingName,
    pub(crate) build: fn(&mut Builder),
}

impl Architecture {
    /// Builds the graph, in inference form, with the weights of `checkpoint`.
    ///
    /// The input is (batch, 3, resolution, resolution), the output logits (batch, classes).
    ///
    /// # Errors
    /// The checkpoint lacks a tensor that the network needs, or holds one of another shape.
    pub fn import(&self, checkpoint: &Checkpoint) -> Result<Imported> {
        let weights = Weights::Checkpoint(checkpoint);
        let mut builder = Builder::new(self.name, self.resolution, weights);
        (self.build)(&mut builder);
        let mut imported = builder.finish(checkpoint)?;
        Preprocessing::named(self.preprocessing, self.resolution, self.resolution)
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
}
