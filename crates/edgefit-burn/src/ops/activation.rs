//! Activations: one pass forward and one backward, on all cores.
//!
//! burn-flex passes over the whole tensor on one core for each addition, product, comparison and mask.

pub(super) mod curve;
mod kernel;

pub(super) use kernel::{activate, activated};

use burn::tensor::{Tensor, activation};
use edgefit_graph::ops::Unary;

/// A function of one element that a kernel computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    Identity,
    /// No less than `low` and no more than `high`; NaN stays.
    Clamp {
        low: f64,
        high: f64,
    },
    Sigmoid,
    /// `slope` · x + `offset`, between 0 and 1.
    HardSigmoid {
        slope: f64,
        offset: f64,
    },
    HardSwish,
    /// x · sigmoid(x).
    Silu,
    /// x · Φ(x), with the normal distribution Φ.
    Gelu,
}

impl Activation {
    /// The activation that an op is, if there is a kernel for it.
    pub fn of(op: Unary) -> Option<Self> {
        Some(match op {
            Unary::Identity => Activation::Identity,
            Unary::Relu => Activation::Clamp {
                low: 0.0,
                high: f64::INFINITY,
            },
            Unary::Clip { min, max } if min <= max => Activation::Clamp {
                low: min,
                high: max,
            },
            Unary::Sigmoid => Activation::Sigmoid,
            Unary::HardSigmoid { alpha, beta } => Activation::HardSigmoid {
                slope: f64::from(alpha),
                offset: f64::from(beta),
            },
            Unary::HardSwish => Activation::HardSwish,
            Unary::Gelu { tanh: false } => Activation::Gelu,
            _ => return None,
        })
    }

    /// What the backward pass reads.
    pub fn kept(self) -> Kept {
        match self {
            Activation::Identity => Kept::Nothing,
            Activation::Clamp { .. } | Activation::Sigmoid | Activation::HardSigmoid { .. } => {
                Kept::Result
            }
            Activation::HardSwish | Activation::Silu | Activation::Gelu => Kept::Operand,
        }
    }

    /// By ops of burn.
    pub fn composed<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Activation::Identity => x,
            Activation::Clamp { low, high } if high == f64::INFINITY => x.clamp_min(low),
            Activation::Clamp { low, high } => x.clamp(low, high),
            Activation::Sigmoid => activation::sigmoid(x),
            Activation::HardSigmoid { slope, offset } => (x * slope + offset).clamp(0.0, 1.0),
            Activation::HardSwish => x.clone() * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Activation::Silu => activation::silu(x),
            Activation::Gelu => activation::gelu(x),
        }
    }
}

/// What the backward pass of an activation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Nothing,
    /// What goes into it.
    Operand,
    /// What comes out of it.
    Result,
}
