//! The architectures that [`crate::Checkpoint`]s can be imported as. One file each.

mod blocks;
mod efficientnet_lite;
mod mobilenet_v2;
mod mobilenet_v3;
mod resnet;
mod squeezenet;

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
    pub preprocessing: &'static str,
    build: fn(&mut Builder),
}

/// All of them.
pub const ARCHITECTURES: &[Architecture] = &[
    efficientnet_lite::LITE0,
    efficientnet_lite::LITE1,
    efficientnet_lite::LITE2,
    efficientnet_lite::LITE3,
    efficientnet_lite::LITE4,
    mobilenet_v2::MOBILENET_V2,
    mobilenet_v3::SMALL,
    mobilenet_v3::LARGE,
    resnet::RESNET18,
    resnet::RESNET34,
    resnet::RESNET50,
    squeezenet::SQUEEZENET1_1,
];

impl Architecture {
    /// The architecture called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        ARCHITECTURES.iter().find(|arch| arch.name == name)
    }

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
        let preprocessing =
            Preprocessing::named(self.preprocessing, self.resolution, self.resolution);
        if let Some(preprocessing) = preprocessing {
            preprocessing.store(&mut imported.graph);
        }
        Ok(imported)
    }

    /// The same graph for `classes` classes with zeros for weights: to find out what the network
    /// costs, without a checkpoint.
    pub fn blank(&self, classes: usize) -> Graph {
        let mut builder = Builder::new(self.name, self.resolution, Weights::Zeros { classes });
        (self.build)(&mut builder);
        builder.blank()
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::{InputShapes, infer};

    use super::*;

    #[test]
    fn every_architecture_can_be_built_without_weights() {
        for arch in ARCHITECTURES {
            let graph = arch.blank(6);
            graph.check().unwrap();
            let shapes = InputShapes::bind(&graph, 1, None).unwrap();
            let inference = infer(&graph, &shapes).unwrap();
            assert_eq!(
                inference.get("logits").unwrap().dims,
                [1, 6],
                "{}",
                arch.name
            );
        }
    }
}
