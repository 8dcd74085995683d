//! What a single node is to quantisation.

use edgefit_graph::{Graph, Node};

use crate::channels::Channels;

/// The scalar that a Mul multiplies its value by, if it is above 0.
pub(crate) fn rescale_factor(graph: &Graph, node: &Node) -> Option<f32> {
    if node.op != "Mul" || node.inputs.len() != 2 {
        return None;
    }
    let mut constants = node
        .present_inputs()
        .filter_map(|name| graph.initializers.get(name));
    let scalar = constants.next().filter(|tensor| tensor.elements() == 1)?;
    let value = *scalar.to_f32().ok()?.first()?;
    // A factor of more dimensions than the value would change its shape.
    let is_plain = constants.next().is_none() && scalar.dims().len() <= 1;
    (is_plain && value > 0.0 && value.is_finite()).then_some(value)
}

/// The inputs of a node that are values of the graph, neither weights nor shapes.
pub(crate) fn activations<'g>(graph: &'g Graph, node: &'g Node) -> impl Iterator<Item = &'g str> {
    let most = match node.op.as_str() {
        "Add" | "Mul" | "MatMul" => 2,
        "Concat" => usize::MAX,
        _ => 1,
    };
    let inputs = node.present_inputs().take(most);
    inputs.filter(|name| !graph.initializers.contains_key(*name))
}

/// Whether the second input is a weight.
pub(crate) fn is_weighted(node: &Node) -> bool {
    matches!(node.op.as_str(), "Conv" | "Gemm" | "MatMul")
}

/// Whether the weight of a Conv or Gemm is in the file, and a bias for each of its output channels, and
/// nothing else is computed with them. A MatMul may multiply two values.
pub(crate) fn has_constant_weight(graph: &Graph, node: &Node) -> bool {
    let constant = |index| graph.initializers.get(node.input(index)?);
    match node.op.as_str() {
        "Conv" | "Gemm" => {
            let channels = constant(1).and_then(|weight| Channels::of(node, weight));
            let fits = |channels: Channels| match (node.input(2), constant(2)) {
                (None, _) => true,
                (Some(_), bias) => bias.is_some_and(|bias| {
                    let of_channels = |&last: &usize| last == channels.outputs();
                    bias.elements() == channels.outputs()
                        && bias.dims().last().is_none_or(of_channels)
                }),
            };
            let is_one = |name| node.float_or(name, 1.0).is_ok_and(|value| value == 1.0);
            let is_plain = node.op == "Conv"
                || (is_one("alpha")
                    && is_one("beta")
                    && node.int_or("transA", 0).is_ok_and(|t| t == 0));
            channels.is_some_and(fits) && is_plain
        }
        "MatMul" => constant(0).is_none(),
        _ => true,
    }
}

/// Whether engines compute an activation behind it at once.
pub(crate) fn takes_activation(node: &Node) -> bool {
    matches!(node.op.as_str(), "Conv" | "Gemm" | "MatMul" | "Add")
}

/// A Relu, or a Clip from 0: what a zero point at the end of the type does by itself.
pub(crate) fn is_activation(graph: &Graph, node: &Node) -> bool {
    match node.op.as_str() {
        "Relu" => true,
        "Clip" => clip_limits(graph, node).is_some_and(|(low, _)| low == 0.0),
        _ => false,
    }
}

/// The constant limits of a Clip; infinite where there are none, nothing where they are computed.
pub(crate) fn clip_limits(graph: &Graph, node: &Node) -> Option<(f32, f32)> {
    let limit = |index: usize, attribute: &str, default: f32| match node.input(index) {
        None => node.float_or(attribute, default).ok(),
        Some(name) => graph
            .initializers
            .get(name)
            .and_then(|tensor| tensor.to_f32().ok()?.first().copied()),
    };
    Some((
        limit(1, "min", f32::NEG_INFINITY)?,
        limit(2, "max", f32::INFINITY)?,
    ))
}
