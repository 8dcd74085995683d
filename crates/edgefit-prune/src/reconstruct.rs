//! Layers make up for the channels that they lose: what is left predicts what is gone, by ridge regression
//! with an intercept (GRAIL, arXiv 2602.23795).

use edgefit_base::cholesky::Cholesky;
use edgefit_graph::Graph;
use rayon::prelude::*;

use crate::covariance::{Center, Covariance};
use crate::error::Result;
use crate::intercept::{center, set_intercept};
use crate::layer::Layer;
use crate::weight::Weight;

/// Rows of a weight that a thread makes at a time.
const TOGETHER: usize = 8;

/// How the channels that a layer is to read were, and what it reads instead.
pub(crate) struct Reading<'a> {
    /// Of what it reads now, with itself.
    pub now: &'a Covariance,
    /// Of what it reads now (rows) with what it read before (columns).
    pub before: &'a Covariance,
    /// Which channels are left, group by group of the layer.
    pub kept: &'a [bool],
}

/// Lets `layer` of `graph` make from what it reads now, at the places that are kept, what it makes in the
/// `original`. The columns of what is gone stay in the weight.
///
/// # Errors
/// A weight is not of floats.
pub(crate) fn reconstruct(
    graph: &mut Graph,
    original: &Graph,
    layer: &Layer,
    reading: &Reading,
) -> Result<()> {
    let center = center(original, layer);
    let mut weight = Weight::of(original, layer)?;
    let mut shift = vec![0.0; layer.outputs];
    for group in 0..layer.groups {
        let channels = group * weight.width()..(group + 1) * weight.width();
        let kept: Vec<usize> = channels
            .clone()
            .filter(|&channel| reading.kept[channel])
            .collect();
        let map = Map::of(reading, &kept, channels.clone(), center);
        map.apply(&mut weight, group, &mut shift);
    }
    let name = graph.nodes[layer.node].inputs[layer.weight].clone();
    graph.initializers.insert(name, weight.tensor());
    if center == Center::Mean {
        set_intercept(graph, original, layer, &shift)?;
    }
    Ok(())
}

/// How the channels of a group are predicted from those that are left.
struct Map {
    /// Places of those that are left, within the group.
    kept: Vec<usize>,
    /// For each channel the factors of those that are left, row by row.
    factors: Vec<f64>,
    /// For each channel what is added.
    intercepts: Vec<f64>,
}

impl Map {
    fn of(
        reading: &Reading,
        kept: &[usize],
        channels: std::ops::Range<usize>,
        center: Center,
    ) -> Self {
        let Reading { now, before, .. } = reading;
        let ridge = now.ridge(kept.iter().copied(), center);
        let raised = |i: usize, j: usize| {
            let value = now.at(kept[i], kept[j], center);
            if i == j { value + ridge } else { value }
        };
        let cholesky = now.is_whole().then(|| Cholesky::of(kept.len(), raised));
        // The ridge draws a channel towards itself, not towards nothing.
        let mut factors = vec![0.0; channels.len() * kept.len()];
        let rows = factors.par_chunks_mut(kept.len().max(1));
        rows.zip(channels.clone()).for_each(|(factors, channel)| {
            let own = kept.iter().position(|&at| at == channel);
            match (cholesky.is_some(), own) {
                (true, own) => {
                    for (factor, &at) in factors.iter_mut().zip(kept) {
                        *factor = before.at(at, channel, center);
                    }
                    if let Some(own) = own {
                        factors[own] += ridge;
                    }
                }
                (false, Some(own)) => factors[own] = 1.0,
                (false, None) => {}
            }
        });
        if let Some(cholesky) = cholesky {
            cholesky.solve(&mut factors);
        }
        let intercepts = channels.clone().enumerate().map(|(at, channel)| {
            let factors = &factors[at * kept.len()..][..kept.len()];
            let predicted = kept
                .iter()
                .zip(factors)
                .map(|(&at, factor)| factor * now.mean(0, at));
            before.mean(1, channel) - predicted.sum::<f64>()
        });
        Map {
            intercepts: intercepts.collect(),
            kept: kept.iter().map(|at| at - channels.start).collect(),
            factors,
        }
    }

    /// Rewrites the columns that are left of a group of `weight`, and adds to `shift` what its bias is to add.
    fn apply(&self, weight: &mut Weight, group: usize, shift: &mut [f64]) {
        let width = self.kept.len();
        let kernel = |made: usize| (0..weight.taps).map(move |tap| (made, tap));
        let places: Vec<(usize, usize)> = weight.made_by(group).flat_map(kernel).collect();
        let old = &*weight;
        let new = |places: &[(usize, usize)]| {
            let mut sums = vec![0f64; places.len() * width];
            let mut added = vec![0f64; places.len()];
            // Of each channel the factors are read once for all places.
            for (read, intercept) in self.intercepts.iter().enumerate() {
                let factors = &self.factors[read * width..][..width];
                for (nth, &(made, tap)) in places.iter().enumerate() {
                    let value = f64::from(old.values[old.at(made, read, tap)]);
                    added[nth] += value * intercept;
                    for (sum, factor) in sums[nth * width..].iter_mut().zip(factors) {
                        *sum += value * factor;
                    }
                }
            }
            (sums, added)
        };
        let made: Vec<(Vec<f64>, Vec<f64>)> = places.par_chunks(TOGETHER).map(new).collect();
        for (places, (sums, added)) in places.chunks(TOGETHER).zip(made) {
            for (nth, (&(made, tap), added)) in places.iter().zip(added).enumerate() {
                shift[made] += added;
                for (&read, sum) in self.kept.iter().zip(&sums[nth * width..]) {
                    let at = weight.at(made, read, tap);
                    weight.values[at] = *sum as f32;
                }
            }
        }
    }
}
