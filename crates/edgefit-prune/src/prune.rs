//! Channels taken out of a model, with or without the layers that read them making up for it.

use edgefit_engine::Engine;
use edgefit_graph::Graph;
use edgefit_predict::Samples;

use crate::calibrated::{Calibrated, makes_up, with_outputs};
use crate::covariance::Covariance;
use crate::error::Result;
use crate::kept::Kept;
use crate::layer::Layer;
use crate::reconstruct::{Reading, reconstruct};
use crate::rewrite::rewritten;
use crate::rows::rows;
use crate::structure::Structure;

impl Structure {
    /// The model with what `kept` leaves; what reads the rest does without.
    ///
    /// # Errors
    /// What comes out does not hold together.
    pub fn without(&self, kept: &Kept) -> Result<Graph> {
        rewritten(self, &self.graph, kept)
    }
}

impl Calibrated<'_> {
    /// The model with what `kept` leaves, from which every layer predicts what it read before, as far as this
    /// is known of the whole model.
    ///
    /// # Errors
    /// A weight is not of floats, or what comes out does not hold together.
    pub fn prune(&self, kept: &Kept) -> Result<Graph> {
        let structure = self.structure;
        let mut graph = structure.graph.clone();
        for layer in losing(structure, kept) {
            if let Some(inputs) = self.input_of(layer) {
                let kept = kept_of(structure, layer, kept);
                let reading = Reading {
                    now: inputs,
                    before: inputs,
                    kept: &kept,
                };
                reconstruct(&mut graph, layer, &reading)?;
            }
        }
        rewritten(structure, &graph, kept)
    }

    /// As [`Calibrated::prune`], layer by layer from the input to the output, each with what it reads behind
    /// those before it: two runs over `samples` for each layer.
    ///
    /// # Errors
    /// As there, and those of the samples and the engines.
    pub fn prune_in_turn(
        &self,
        kept: &Kept,
        samples: &dyn Samples,
        engines: [&mut dyn Engine; 2],
    ) -> Result<Graph> {
        let structure = self.structure;
        let mut graph = structure.graph.clone();
        let [whole, pruned] = engines;
        for layer in losing(structure, kept) {
            let value = graph.nodes[layer.node].inputs[layer.input].clone();
            let made = rewritten(structure, &graph, kept)?;
            whole.load(&with_outputs(
                &structure.graph,
                std::iter::once(value.as_str()),
            ))?;
            pruned.load(&with_outputs(&made, std::iter::once(value.as_str())))?;
            let mask = kept_of(structure, layer, kept);
            let mut now = Covariance::new([layer.inputs; 2]);
            let mut before = now.clone();
            for (number, batch) in samples.batches().enumerate() {
                let batch = batch?;
                let one = whole.run(&batch)?;
                let other = pruned.run(&batch)?;
                let (Some(one), Some(other)) = (one.first(), other.first()) else {
                    continue;
                };
                let original = rows(one, layer.axis, number);
                let left = spread(&rows(other, layer.axis, number), &mask);
                now.add(&left, &left);
                before.add(&left, &original);
            }
            let reading = Reading {
                now: &now,
                before: &before,
                kept: &mask,
            };
            reconstruct(&mut graph, layer, &reading)?;
        }
        rewritten(structure, &graph, kept)
    }
}

/// The layers that lose channels which they read.
fn losing<'s>(structure: &'s Structure, kept: &'s Kept) -> impl Iterator<Item = &'s Layer> {
    let layers = structure.layers.iter();
    layers.filter(move |layer| {
        makes_up(structure, layer)
            && is_sole_reader(structure, layer)
            && kept_of(structure, layer, kept).contains(&false)
    })
}

/// Whether no other layer has the same weight.
fn is_sole_reader(structure: &Structure, layer: &Layer) -> bool {
    let weight = |layer: &Layer| &structure.graph.nodes[layer.node].inputs[layer.weight];
    let same = structure
        .layers
        .iter()
        .filter(|other| weight(other) == weight(layer));
    same.count() == 1
}

/// Which of the channels that `layer` reads are left.
fn kept_of(structure: &Structure, layer: &Layer, kept: &Kept) -> Vec<bool> {
    let read = layer.read.as_ref();
    read.map_or_else(
        || vec![true; layer.inputs],
        |read| {
            let each = read.iter();
            each.map(|&channel| kept.keeps(structure, channel))
                .collect()
        },
    )
}

/// Rows of what is left, with zeros in the place of what is gone.
fn spread(rows: &[f32], kept: &[bool]) -> Vec<f32> {
    let width = kept.iter().filter(|kept| **kept).count();
    let places: Vec<usize> = (0..kept.len()).filter(|&at| kept[at]).collect();
    let mut made = vec![0.0; rows.len() / width.max(1) * kept.len()];
    let whole = made.chunks_exact_mut(kept.len());
    for (whole, row) in whole.zip(rows.chunks_exact(width.max(1))) {
        for (&place, value) in places.iter().zip(row) {
            whole[place] = *value;
        }
    }
    made
}
