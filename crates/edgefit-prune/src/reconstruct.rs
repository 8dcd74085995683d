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
    /// For each channel the factors of those that are left.
    factors: Vec<Vec<f64>>,
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
        let solve = |channel: usize| -> Vec<f64> {
            let own = kept.iter().position(|&at| at == channel);
            let mut factors: Vec<f64> = kept
                .iter()
                .map(|&at| before.at(at, channel, center))
                .collect();
            if let Some(own) = own {
                factors[own] += ridge;
            }
            match &cholesky {
                Some(cholesky) => cholesky.solve(&mut factors),
                None => {
                    factors.fill(0.0);
                    if let Some(own) = own {
                        factors[own] = 1.0;
                    }
                }
            }
            factors
        };
        let factors: Vec<Vec<f64>> = channels.clone().into_par_iter().map(solve).collect();
        let intercepts = channels.clone().zip(&factors).map(|(channel, factors)| {
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
        let mut sums = vec![0f64; self.kept.len()];
        for made in weight.made_by(group) {
            for tap in 0..weight.taps {
                sums.fill(0.0);
                let channels = self.factors.iter().zip(&self.intercepts).enumerate();
                for (read, (factors, intercept)) in channels {
                    let value = f64::from(weight.values[weight.at(made, read, tap)]);
                    shift[made] += value * intercept;
                    for (sum, factor) in sums.iter_mut().zip(factors) {
                        *sum += value * factor;
                    }
                }
                for (&read, sum) in self.kept.iter().zip(&sums) {
                    let at = weight.at(made, read, tap);
                    weight.values[at] = *sum as f32;
                }
            }
        }
    }
}
