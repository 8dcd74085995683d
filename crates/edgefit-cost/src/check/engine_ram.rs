//! RAM of an engine itself, beside activations and weights.

use std::collections::HashSet;

use edgefit_device::{Engine, Figure};
use edgefit_graph::Node;

use super::needs::Needs;

/// RAM of an engine itself, as far as it is known, and whether that is all.
pub(super) struct EngineRam {
    pub bytes: u64,
    pub complete: bool,
}

impl EngineRam {
    pub fn of(needs: &Needs, engine: Option<&Engine>) -> Self {
        let value = |of: fn(&Engine) -> &Option<Figure>| {
            let figure = engine.and_then(|engine| of(engine).as_ref());
            figure.map(|figure| figure.value)
        };
        let each = |of, count: usize| value(of).unwrap_or(0).saturating_mul(count as u64);
        let runtime = value(|engine| &engine.runtime_bytes);
        let parts = [
            runtime.unwrap_or(0),
            each(|engine| &engine.tensor_bytes, tensors(needs)),
            each(|engine| &engine.node_bytes, needs.plan.steps.len()),
            each(|engine| &engine.channel_bytes, channels(needs)),
        ];
        EngineRam {
            bytes: parts.into_iter().fold(0, u64::saturating_add),
            complete: runtime.is_some(),
        }
    }
}

/// Activations, and constants but for what engines keep as attributes: scalars, and scales and zero points.
fn tensors(needs: &Needs) -> usize {
    let graph = needs.graph;
    let quantizes = |node: &&Node| matches!(&*node.op, "QuantizeLinear" | "DequantizeLinear");
    let of_quantization: HashSet<&str> = graph
        .nodes
        .iter()
        .filter(quantizes)
        .flat_map(|node| node.inputs.iter().skip(1))
        .map(String::as_str)
        .collect();
    let constants = graph.initializers.iter().filter(|(name, tensor)| {
        !tensor.dims().is_empty() && !of_quantization.contains(name.as_str())
    });
    needs.plan.lifetimes.len() + constants.count()
}

/// Output channels of all convolutions together.
fn channels(needs: &Needs) -> usize {
    let convolutions = needs.graph.nodes.iter().filter(|node| {
        matches!(
            &*node.op,
            "Conv" | "ConvTranspose" | "QLinearConv" | "ConvInteger"
        )
    });
    let made = convolutions.filter_map(|node| needs.inference.get(node.outputs.first()?));
    made.filter_map(|made| made.dims.get(1)).sum()
}
