//! Convolution → normalisation over the batch → activation.

use edgefit_graph::ops::Op;

use super::Chains;
use crate::fused_step::{Fused, FusedConvolution};
use crate::ops::Activation;

/// Fuses what follows the convolution `first`, if it is one.
pub(super) fn fuse(chains: &mut Chains, first: usize) {
    let Some(Op::Conv(conv)) = chains.op(first) else {
        return;
    };
    let conv = conv.clone();
    let mut inputs: Vec<_> = (0..3).map(|input| chains.input(first, input)).collect();
    let mut chain = vec![first];
    let reader = chains.sole_reader(first);
    let normalization = reader.and_then(|reader| match chains.op(reader)? {
        Op::BatchNormalization(op) if !op.training_mode => Some((reader, *op)),
        _ => None,
    });
    if let Some((reader, _)) = &normalization {
        chain.push(*reader);
        inputs.extend((1..5).map(|input| chains.input(*reader, input)));
    }
    let last = chain[chain.len() - 1];
    let activation = chains.activation_of(last);
    chain.extend(activation.map(|(_, reader)| reader));
    if chain.len() > 1 {
        let fused = FusedConvolution {
            conv,
            normalization: normalization.map(|(_, op)| op),
            activation: activation.map_or(Activation::Identity, |(activation, _)| activation),
        };
        chains.replace(&chain, Fused::Convolution(fused), inputs);
    }
}
