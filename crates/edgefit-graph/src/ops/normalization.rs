//! Batch, layer, group and instance normalisation.

use super::axis::axis_index;
use super::context::Context;
use super::elementwise::broadcast;
use crate::error::Result;
use crate::unsupported::UnsupportedReason;

/// Batch normalisation over dimension 1 (Ioffe & Szegedy 2015, arXiv 1502.03167).
///
/// Inputs: x, scale, bias, running mean, running variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormalization {
    /// Added to the variance.
    pub epsilon: f32,
    /// Share of the old running statistic that survives a training step.
    pub momentum: f32,
    /// Whether the file asks for batch statistics at inference. On data that is almost always a
    /// mistake of the export; on weights it is how they are standardised.
    pub training_mode: bool,
}

/// Normalisation of each sample over the last dimensions (Ba et al. 2016, arXiv 1607.06450).
///
/// Inputs: x, scale, optional bias. Outputs: the result, and on request mean and 1 / deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerNormalization {
    axis: i64,
    /// Added to the variance.
    pub epsilon: f32,
}

/// Normalisation of groups of channels of each sample (Wu & He 2018, arXiv 1803.08494); with a
/// group for each channel it is instance normalisation.
///
/// Inputs: x, scale, bias.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupNormalization {
    /// Number of groups; one for each channel if not given.
    groups: Option<usize>,
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether scale and bias have an entry for each group instead of each channel, as before
    /// opset 21.
    pub per_group: bool,
}

impl BatchNormalization {
    pub(super) fn read(context: &Context) -> Result<Self> {
        if context.opset() < 9 && context.node.int_or("spatial", 1)? == 0 {
            return Err(context.unsupported(UnsupportedReason::StatisticsPerElement));
        }
        // Before opset 14 further outputs ask for the training mode.
        let outputs = context.node.present_outputs().count();
        let training_mode = if context.opset() < 14 {
            outputs > 1
        } else {
            context.node.int_or("training_mode", 0)? != 0
        };
        if outputs > 3 || (outputs > 1 && !training_mode) {
            return Err(context.unsupported(UnsupportedReason::StatisticsAsOutputs));
        }
        Ok(BatchNormalization {
            epsilon: context.node.float_or("epsilon", 1e-5)?,
            momentum: context.node.float_or("momentum", 0.9)?,
            training_mode,
        })
    }

    /// `statistics` are the shapes of scale, bias, mean and variance.
    pub(super) fn check(x: &[usize], statistics: [&[usize]; 4]) -> Result<(), String> {
        let fits = |shape: &[usize]| x.len() >= 2 && shape == &x[1..2];
        match statistics.into_iter().find(|shape| !fits(shape)) {
            None => Ok(()),
            Some(shape) => Err(format!(
                "cannot normalise {x:?} with statistics of shape {shape:?}"
            )),
        }
    }
}

impl LayerNormalization {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(LayerNormalization {
            axis: context.node.int_or("axis", -1)?,
            epsilon: context.node.float_or("epsilon", 1e-5)?,
        })
    }

    /// First dimension that is normalised, of `rank`.
    ///
    /// # Errors
    /// It does not exist.
    pub fn axis(&self, rank: usize) -> Result<usize, String> {
        axis_index(self.axis, rank)
    }

    /// Shape of mean and deviation. `weights` are the shapes of scale and bias.
    pub(super) fn infer(&self, x: &[usize], weights: &[&[usize]]) -> Result<Vec<usize>, String> {
        let axis = self.axis(x.len())?;
        for weight in weights {
            if broadcast(weight, &x[axis..])? != x[axis..] {
                return Err(format!(
                    "cannot normalise {x:?} with a scale or bias {weight:?}"
                ));
            }
        }
        let mut dims = x.to_vec();
        dims[axis..].fill(1);
        Ok(dims)
    }
}

impl GroupNormalization {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let epsilon = context.node.float_or("epsilon", 1e-5)?;
        if context.node.op == "InstanceNormalization" {
            return Ok(GroupNormalization {
                groups: None,
                epsilon,
                per_group: false,
            });
        }
        let groups = context.node.int_or("num_groups", 0)?;
        let groups = usize::try_from(groups).ok().filter(|&groups| groups > 0);
        Ok(GroupNormalization {
            groups: Some(
                groups.ok_or_else(|| context.invalid("attribute 'num_groups' is missing"))?,
            ),
            epsilon,
            per_group: context.opset() < 21,
        })
    }

    /// Number of groups for `channels` channels.
    pub fn groups(&self, channels: usize) -> usize {
        self.groups.unwrap_or(channels)
    }

    /// `weights` are the shapes of scale and bias.
    pub(super) fn check(&self, x: &[usize], weights: [&[usize]; 2]) -> Result<(), String> {
        let problem =
            || format!("cannot normalise {x:?} in groups with scale and bias {weights:?}");
        let &channels = x.get(1).filter(|_| x.len() >= 3).ok_or_else(problem)?;
        let groups = self.groups(channels);
        let entries = if self.per_group { groups } else { channels };
        let fits = groups > 0
            && channels.is_multiple_of(groups)
            && weights.iter().all(|weight| **weight == [entries]);
        fits.then_some(()).ok_or_else(problem)
    }
}
