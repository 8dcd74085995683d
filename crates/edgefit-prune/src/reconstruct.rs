//! Layers make up for the channels that they lose: what is left predicts what is gone, by ridge regression
//! with an intercept (GRAIL, arXiv 2602.23795).

use edgefit_graph::Graph;
use edgefit_linalg::cholesky::Cholesky;
use edgefit_linalg::product::{Matrix, Threads, overwrite};
use rayon::prelude::*;

use crate::covariance::{Center, Covariance};
use crate::error::Result;
use crate::intercept::{center, set_intercept};
use crate::layer::Layer;
use crate::weight::Weight;

/// Rows of a weight that are made at a time.
const TOGETHER: usize = 512;

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
    /// For each channel the factors of those that are left, row by row. Without them, what is left stays.
    factors: Option<Vec<f64>>,
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
        let width = kept.len();
        let ridge = now.ridge(kept.iter().copied(), center);
        let place = |channel: usize| kept.iter().position(|&at| at == channel);
        let factors = (now.is_whole() && width > 0).then(|| {
            let mut factors = vec![0.0; channels.len() * width];
            let rows = factors.par_chunks_mut(width).zip(channels.clone());
            rows.for_each(|(factors, channel)| {
                for (factor, &at) in factors.iter_mut().zip(kept) {
                    *factor = before.at(at, channel, center);
                }
                // The ridge draws a channel towards itself, not towards nothing.
                if let Some(own) = place(channel) {
                    factors[own] += ridge;
                }
            });
            let raised = |i: usize, j: usize| {
                let value = now.at(kept[i], kept[j], center);
                if i == j { value + ridge } else { value }
            };
            Cholesky::of(width, raised).solve(&mut factors);
            factors
        });
        let predicted = |nth: usize, channel: usize| match &factors {
            Some(factors) => {
                let means = kept.iter().map(|&at| now.mean(0, at));
                let factors = &factors[nth * width..][..width];
                factors.iter().zip(means).map(|(a, b)| a * b).sum()
            }
            None => place(channel).map_or(0.0, |_| now.mean(0, channel)),
        };
        let intercepts = channels.clone().enumerate();
        Map {
            intercepts: intercepts
                .map(|(nth, channel)| before.mean(1, channel) - predicted(nth, channel))
                .collect(),
            kept: kept.iter().map(|at| at - channels.start).collect(),
            factors,
        }
    }

    /// Rewrites the columns that are left of a group of `weight`, and adds to `shift` what its bias is to add.
    fn apply(&self, weight: &mut Weight, group: usize, shift: &mut [f64]) {
        let read = self.intercepts.len();
        let kernel = |made: usize| (0..weight.taps).map(move |tap| (made, tap));
        let places: Vec<(usize, usize)> = weight.made_by(group).flat_map(kernel).collect();
        for places in places.chunks(TOGETHER) {
            let row = |&(made, tap): &(usize, usize)| (0..read).map(move |read| (made, read, tap));
            let elements = places.iter().flat_map(row);
            let old: Vec<f64> = elements
                .map(|(made, read, tap)| f64::from(weight.values[weight.at(made, read, tap)]))
                .collect();
            for (&(made, _), row) in places.iter().zip(old.chunks_exact(read.max(1))) {
                let added = row.iter().zip(&self.intercepts);
                shift[made] += added
                    .map(|(value, intercept)| value * intercept)
                    .sum::<f64>();
            }
            let Some(factors) = self.factors.as_ref().filter(|_| !old.is_empty()) else {
                continue;
            };
            let width = self.kept.len();
            let mut new = vec![0f64; places.len() * width];
            let old = Matrix::new(&old, places.len(), read);
            overwrite(
                old,
                Matrix::new(factors, read, width),
                &mut new,
                Threads::All,
            );
            for (&(made, tap), row) in places.iter().zip(new.chunks_exact(width)) {
                for (&read, value) in self.kept.iter().zip(row) {
                    let at = weight.at(made, read, tap);
                    weight.values[at] = *value as f32;
                }
            }
        }
    }
}
