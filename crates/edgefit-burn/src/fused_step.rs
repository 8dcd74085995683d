//! [`Fused`]: several nodes in one step.

use edgefit_graph::ops::{BatchNormalization, Conv};

use crate::ops::{Activation, Attention, FakeQuantize, Linear};

/// Several nodes in one step. Its inputs are those of the first node and then what the others read besides.
#[derive(Debug, Clone)]
pub(crate) enum Fused {
    /// Of its only input.
    Activation(Activation),
    /// Of Q, Kᵀ and V, or of what holds them.
    Attention(Attention),
    Convolution(FusedConvolution),
    /// Of x and scale.
    FakeQuantize(FakeQuantize),
    /// Of x, weight and bias.
    Linear(Linear),
}

/// A convolution, normalisation over the batch if there is one, and an activation. The inputs are those of the
/// convolution (three, the last of which may be absent), and scale, bias, mean and variance.
#[derive(Debug, Clone)]
pub(crate) struct FusedConvolution {
    pub conv: Conv,
    pub normalization: Option<BatchNormalization>,
    pub activation: Activation,
}
