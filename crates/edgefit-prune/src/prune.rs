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
use crate::rows::{POSITIONS, rows};
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

    /// As [`Calibrated::prune`], and then once more layer by layer from the input to the output: each predicts
    /// what it read in the whole model from what it reads behind those before it, so that errors do not add up.
    /// The first layers of the pruned model are run over `samples` for each.
    ///
    /// # Errors
    /// As there, and those of the samples and the engine.
    pub fn prune_in_turn(
        &self,
        kept: &Kept,
        samples: &dyn Samples,
        engine: &mut dyn Engine,
    ) -> Result<Graph> {
        let structure = self.structure;
        let mut graph = self.reconstructed(kept)?;
        let layers: Vec<&Layer> = losing(structure, kept).collect();
        let mut done = 0;
        while done < layers.len() {
            let next = &layers[done..][..self.remembered(&layers[done..])];
            let whole = rows_of(structure, &structure.graph, next, (samples, &mut *engine))?;
            let mut known: Option<(&Layer, [Covariance; 2])> = None;
            for (layer, before) in next.iter().zip(whole) {
                let mask = kept_of(structure, layer, kept);
                let [now, before] = match known.take() {
                    Some((last, covariances)) if last.reads_as(layer, &structure.graph) => {
                        covariances
                    }
                    _ => {
                        let made = rewritten(structure, &graph, kept)?;
                        let now = rows_of(structure, &made, &[*layer], (samples, &mut *engine))?;
                        covariances(now.iter().flatten(), &before, &mask)
                    }
                };
                let reading = Reading {
                    now: &now,
                    before: &before,
                    kept: &mask,
                };
                reconstruct(&mut graph, &structure.graph, layer, &reading)?;
                known = Some((layer, [now, before]));
            }
            done += next.len();
        }
        rewritten(structure, &graph, kept)
    }

    /// Of how many of the next layers the rows that they read in the whole model are held in memory at once.
    fn remembered(&self, layers: &[&Layer]) -> usize {
        let mut bytes = 0;
        let fits = layers.iter().take_while(|layer| {
            bytes += self.samples * POSITIONS * layer.inputs * size_of::<f32>();
            bytes <= REMEMBERED
        });
        fits.count().max(1)
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

/// Bytes of rows that are held in memory at once.
const REMEMBERED: usize = 256 << 20;

/// For each layer the rows that it reads in `graph`, batch by batch.
fn rows_of(
    structure: &Structure,
    graph: &Graph,
    layers: &[&Layer],
    (samples, engine): (&dyn Samples, &mut dyn Engine),
) -> Result<Vec<Vec<Vec<f32>>>> {
    let value = |layer: &Layer| structure.graph.nodes[layer.node].inputs[layer.input].as_str();
    let watched = with_outputs(graph, layers.iter().map(|layer| value(layer)));
    engine.load(&watched)?;
    let mut all = vec![Vec::new(); layers.len()];
    for (number, batch) in samples.batches().enumerate() {
        let made = engine.run(&batch?)?;
        let places = layers.iter().zip(&mut all);
        for (layer, all) in places {
            let mut names = watched.outputs.iter();
            if let Some(at) = names.position(|output| output.name == value(layer)) {
                all.push(rows(&made[at], layer.axis, number));
            }
        }
    }
    Ok(all)
}

/// How the channels that are left, which `now` has rows of, vary with themselves and with all that there were.
fn covariances<'r>(
    now: impl Iterator<Item = &'r Vec<f32>>,
    before: &[Vec<f32>],
    kept: &[bool],
) -> [Covariance; 2] {
    let empty = Covariance::new([kept.len(); 2]);
    let [mut own, mut both] = [empty.clone(), empty];
    for (now, before) in now.zip(before) {
        let now = spread(now, kept);
        own.add(&now, &now);
        both.add(&now, before);
    }
    [own, both]
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
