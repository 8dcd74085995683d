//! Product with a weight → bias → activation.

use edgefit_graph::ops::{Binary, Op};

use super::Chains;
use crate::fused_step::Fused;
use crate::ops::{Activation, Linear, Orientation};

/// Fuses what follows the product `first`, if it is one with a matrix.
pub(super) fn fuse(chains: &mut Chains, first: usize) {
    let (x, weight) = (chains.input(first, 0), chains.input(first, 1));
    let [_, outputs] = *weight.1 else {
        return;
    };
    let (mut chain, bias, mut layer) = match chains.op(first) {
        Some(Op::MatMul(_)) if x.1.len() > 1 => {
            let layer = Linear {
                orientation: Orientation::InputsFirst,
                activation: Activation::Identity,
            };
            match bias(chains, first, outputs) {
                Some((added, bias)) => (vec![first, added], bias, layer),
                None => (vec![first], Default::default(), layer),
            }
        }
        Some(Op::Gemm(gemm)) => {
            let bias = chains.input(first, 2);
            let columns = bias.1.last().copied();
            let by_column = bias.0.is_none() || (bias.1.len() == 1 && columns > Some(1));
            match Linear::of_gemm(gemm).filter(|_| by_column) {
                Some(layer) => (vec![first], bias, layer),
                None => return,
            }
        }
        _ => return,
    };
    if let Some((activation, reader)) = chains.activation_of(chain[chain.len() - 1]) {
        layer.activation = activation;
        chain.push(reader);
    }
    if chain.len() > 1 {
        chains.replace(&chain, Fused::Linear(layer), vec![x, weight, bias]);
    }
}

/// The addition of a bias of so many `outputs` that is all that is done with the product.
fn bias(chains: &Chains, product: usize, outputs: usize) -> Option<(usize, super::Input)> {
    let added = chains.sole_reader(product)?;
    let other = chains.other(added, Binary::Add, chains.result(product)?)?;
    (0..2)
        .map(|input| chains.input(added, input))
        .find(|(slot, dims)| *slot == Some(other) && *dims == [outputs])
        .map(|bias| (added, bias))
}
