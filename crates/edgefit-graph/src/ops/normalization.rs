use super::Context;
use crate::error::Result;

/// Batch normalisation over dimension 1 (Ioffe & Szegedy 2015, arXiv 1502.03167).
///
/// Inputs: x, scale, bias, running mean, running variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormalization {
    /// Added to the variance.
    pub epsilon: f32,
    /// Share of the old running statistic that survives a training step.
    pub momentum: f32,
    /// Whether the file asks for batch statistics at inference, which is almost always a mistake
    /// of the export.
    pub training_mode: bool,
}

impl BatchNormalization {
    pub(super) fn read(context: &Context) -> Result<Self> {
        if context.opset() < 9 && context.node.int_or("spatial", 1)? == 0 {
            return Err(context.unsupported("statistics per element (spatial = 0)"));
        }
        Ok(BatchNormalization {
            epsilon: context.node.float_or("epsilon", 1e-5)?,
            momentum: context.node.float_or("momentum", 0.9)?,
            training_mode: context.node.int_or("training_mode", 0)? != 0,
        })
    }
}

/// `statistics` are the shapes of scale, bias, mean and variance.
pub(super) fn infer(x: &[usize], statistics: [&[usize]; 4]) -> Result<(), String> {
    let fits = |shape: &[usize]| x.len() >= 2 && shape == &x[1..2];
    match statistics.into_iter().find(|shape| !fits(shape)) {
        None => Ok(()),
        Some(shape) => Err(format!(
            "cannot normalise {x:?} with statistics of shape {shape:?}"
        )),
    }
}
