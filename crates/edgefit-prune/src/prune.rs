//! Channels taken out of a model, with or without the layers that read them making up for it.

use std::collections::BTreeMap;

use edgefit_engine::{Array, Engine};
use edgefit_graph::Graph;
use edgefit_predict::Samples;
use rayon::prelude::*;

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
        let graph = self.reconstructed(kept)?;
        rewritten(self.structure, &graph, kept)
    }

    /// As [`Calibrated::prune`], and then once more from the input to the output, a few layers at a time: each
    /// predicts what it read before from what it reads behind those before it, so that errors do not add up.
    /// Both models are run over `samples` for each of these steps.
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
        let mut graph = self.reconstructed(kept)?;
        let layers: Vec<&Layer> = losing(structure, kept).collect();
        let [whole, pruned] = engines;
        for layers in layers.chunks(layers.len().div_ceil(STEPS).max(1)) {
            let mut turns: Vec<Turn> = layers
                .iter()
                .map(|layer| Turn::of(structure, layer, kept))
                .collect();
            let values = || turns.iter().map(|turn| turn.value.as_str());
            let before = with_outputs(&structure.graph, values());
            let now = with_outputs(&rewritten(structure, &graph, kept)?, values());
            whole.load(&before)?;
            pruned.load(&now)?;
            for (number, batch) in samples.batches().enumerate() {
                let batch = batch?;
                let (before, now) = (
                    named(&before, whole.run(&batch)?),
                    named(&now, pruned.run(&batch)?),
                );
                turns.par_iter_mut().for_each(|turn| {
                    if let (Some(before), Some(now)) =
                        (before.get(&turn.value), now.get(&turn.value))
                    {
                        turn.add(before, now, number);
                    }
                });
            }
            for turn in &turns {
                let reading = Reading {
                    now: &turn.now,
                    before: &turn.before,
                    kept: &turn.kept,
                };
                reconstruct(&mut graph, &structure.graph, turn.layer, &reading)?;
            }
        }
        rewritten(structure, &graph, kept)
    }

    /// The whole model, in which every layer makes up for what it is to lose.
    fn reconstructed(&self, kept: &Kept) -> Result<Graph> {
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
                reconstruct(&mut graph, &structure.graph, layer, &reading)?;
            }
        }
        Ok(graph)
    }
}

/// Most steps from the input to the output.
const STEPS: usize = 8;

/// A layer whose turn it is.
struct Turn<'s> {
    layer: &'s Layer,
    value: String,
    kept: Vec<bool>,
    now: Covariance,
    before: Covariance,
}

impl<'s> Turn<'s> {
    fn of(structure: &Structure, layer: &'s Layer, kept: &Kept) -> Self {
        let empty = Covariance::new([layer.inputs; 2]);
        Turn {
            layer,
            value: structure.graph.nodes[layer.node].inputs[layer.input].clone(),
            kept: kept_of(structure, layer, kept),
            now: empty.clone(),
            before: empty,
        }
    }

    fn add(&mut self, before: &Array, now: &Array, number: usize) {
        let axis = self.layer.axis;
        let left = spread(&rows(now, axis, number), &self.kept);
        self.now.add(&left, &left);
        self.before.add(&left, &rows(before, axis, number));
    }
}

/// What `graph` made, by name.
fn named(graph: &Graph, arrays: Vec<Array>) -> BTreeMap<String, Array> {
    let names = graph.outputs.iter().map(|output| output.name.clone());
    names.zip(arrays).collect()
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

#[cfg(test)]
mod tests;
