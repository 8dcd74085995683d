//! Where the intercept of a layer goes: its bias, or that of the Add behind it.

use edgefit_graph::topology::Topology;
use edgefit_graph::{FreshNames, Graph, Node, Tensor};

use crate::covariance::Center;
use crate::error::Result;
use crate::layer::Layer;

/// What the inputs of `layer` vary around: their mean, if something adds a constant to what it makes or can be
/// made to.
pub(crate) fn center(graph: &Graph, layer: &Layer) -> Center {
    match place(graph, layer) {
        Some(_) => Center::Mean,
        None => Center::Zero,
    }
}

/// Where a layer's bias is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An input of this node.
    Input { node: usize, input: usize },
    /// Nowhere, but the layer takes one as its third input.
    Absent,
}

fn place(graph: &Graph, layer: &Layer) -> Option<Place> {
    let node = &graph.nodes[layer.node];
    if node.op == "MatMul" {
        // Rows of the other side's matrix are no channels of the last dimension.
        return (layer.input == 0).then(|| added(graph, layer)).flatten();
    }
    let is_plain = |name: &str| node.float_or(name, 1.0).is_ok_and(|factor| factor == 1.0);
    if node.op == "Gemm" && !(is_plain("alpha") && is_plain("beta")) {
        return None;
    }
    match node.input(2) {
        None => Some(Place::Absent),
        Some(bias) => is_own(graph, bias, layer.outputs).then_some(Place::Input {
            node: layer.node,
            input: 2,
        }),
    }
}

/// The constant that the only reader of the layer adds.
fn added(graph: &Graph, layer: &Layer) -> Option<Place> {
    let output = graph.nodes[layer.node].outputs.first()?;
    let next = Topology::of(graph).sole_consumer(output)?;
    let node = &graph.nodes[next];
    let input = node.inputs.iter().position(|input| input != output)?;
    let fits = node.op == "Add" && node.is_onnx();
    (fits && is_own(graph, &node.inputs[input], layer.outputs))
        .then_some(Place::Input { node: next, input })
}

/// Whether `name` is a row of constants that nothing else reads.
fn is_own(graph: &Graph, name: &str, size: usize) -> bool {
    let reads = graph.nodes.iter().flat_map(Node::present_inputs);
    let is_row = |tensor: &Tensor| tensor.dims() == [size] && tensor.dtype().is_float();
    graph.initializers.get(name).is_some_and(is_row)
        && reads.filter(|input| *input == name).count() == 1
}

/// Has the bias of `layer` in `graph` be that of `original`, and `shift` more for each channel it makes.
///
/// # Errors
/// The bias is not of floats.
pub(crate) fn set_intercept(
    graph: &mut Graph,
    original: &Graph,
    layer: &Layer,
    shift: &[f64],
) -> Result<()> {
    let (name, bias) = match place(original, layer) {
        None => return Ok(()),
        Some(Place::Input { node, input }) => {
            let name = original.nodes[node].inputs[input].clone();
            let bias = original.initializers[&name].to_f32()?;
            (name, bias)
        }
        Some(Place::Absent) => (bias_of(graph, layer), vec![0.0; shift.len()]),
    };
    let sums = bias.iter().zip(shift);
    let sums: Vec<f32> = sums
        .map(|(bias, shift)| (f64::from(*bias) + shift) as f32)
        .collect();
    let tensor = Tensor::from_values(vec![sums.len()], &sums);
    graph.initializers.insert(name, tensor);
    Ok(())
}

/// Name of the bias that `layer` has in `graph`, or gets.
fn bias_of(graph: &mut Graph, layer: &Layer) -> String {
    if let Some(bias) = graph.nodes[layer.node].input(2) {
        return bias.to_owned();
    }
    let label = graph.nodes[layer.node].label();
    let name = FreshNames::of(graph).take(&format!("{label}.bias"));
    let inputs = &mut graph.nodes[layer.node].inputs;
    inputs.resize(3, String::new());
    inputs[2].clone_from(&name);
    name
}
