//! Floats of other widths, computed in 32 bits.

use std::collections::{HashMap, HashSet};

use crate::attribute::Attribute;
use crate::graph::{Graph, ValueType};
use crate::tensor::{DataType, Tensor};

/// Ops whose result has the type of their first input.
const KEEPS_TYPE: [&str; 24] = [
    "Conv",
    "Gemm",
    "MatMul",
    "Relu",
    "Clip",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Sigmoid",
    "Tanh",
    "GlobalAveragePool",
    "AveragePool",
    "BatchNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "Flatten",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Softmax",
    "ReduceMean",
    "Identity",
];

/// Lets the whole graph compute and store its floats in 32 bits, inputs and outputs included, and drops
/// the Casts that have nothing to do any more. Gives the first other type that was met; `None` if there
/// was none, and then nothing is changed.
///
/// ```
/// use edgefit_graph::rewrite::single_precision;
/// use edgefit_graph::{Attribute, DataType, Graph, Node, Tensor, ValueInfo};
///
/// let mut graph = Graph::new("weights behind a Cast", 17);
/// graph.inputs.push(ValueInfo::float("x"));
/// graph.outputs.push(ValueInfo::float("y"));
/// let weight = Tensor::from_f64(DataType::F16, vec![1], &[1.5]).unwrap();
/// graph.initializers.insert("w".into(), weight);
/// let cast = Node::new("Cast", "cast", &["w"], &["wide"]);
/// graph.nodes = vec![
///     cast.with("to", Attribute::Int(1)),
///     Node::new("Mul", "scale", &["x", "wide"], &["y"]),
/// ];
///
/// assert_eq!(single_precision(&mut graph), Some(DataType::F16));
/// assert_eq!(graph.nodes.len(), 1);
/// assert_eq!(graph.nodes[0].inputs, ["x", "w"]);
/// assert_eq!(graph.initializers["w"].to_f32()?, [1.5]);
/// # Ok::<(), edgefit_graph::Error>(())
/// ```
pub fn single_precision(graph: &mut Graph) -> Option<DataType> {
    let mut met = None;
    for tensor in graph.initializers.values_mut() {
        widen(tensor, &mut met);
    }
    for node in &mut graph.nodes {
        for (name, attribute) in &mut node.attributes {
            match attribute {
                Attribute::Tensor(tensor) => widen(tensor, &mut met),
                Attribute::Int(code) if names_type(&node.op, name) => {
                    let named = i32::try_from(*code).ok().and_then(DataType::from_code);
                    if let Some(other) = named.filter(|dtype| is_other_float(*dtype)) {
                        met = met.or(Some(other));
                        *code = DataType::F32.code().into();
                    }
                }
                _ => {}
            }
        }
    }
    let declared = graph.inputs.iter_mut().chain(&mut graph.outputs);
    for value in declared.chain(&mut graph.value_info) {
        if let ValueType::Tensor { dtype, .. } = &mut value.ty
            && is_other_float(*dtype)
        {
            met = met.or(Some(*dtype));
            *dtype = DataType::F32;
        }
    }
    if met.is_some() {
        drop_casts(graph);
    }
    met
}

fn is_other_float(dtype: DataType) -> bool {
    dtype.is_float() && dtype != DataType::F32
}

fn widen(tensor: &mut Tensor, met: &mut Option<DataType>) {
    let dtype = tensor.dtype();
    if is_other_float(dtype)
        && let Ok(values) = tensor.to_f32()
    {
        *met = met.or(Some(dtype));
        *tensor = Tensor::from_values(tensor.dims().to_vec(), &values);
    }
}

/// Whether the attribute `name` of an `op` is an element type.
fn names_type(op: &str, name: &str) -> bool {
    match op {
        "Cast" => name == "to",
        "EyeLike" | "Bernoulli" | "SequenceEmpty" => name == "dtype",
        op => op.starts_with("Random") && name == "dtype",
    }
}

/// Has the readers of a Cast of 32-bit floats to 32-bit floats read what it reads; one that makes an
/// output of the graph becomes an Identity.
fn drop_casts(graph: &mut Graph) {
    let outputs: HashSet<String> = graph
        .outputs
        .iter()
        .map(|output| output.name.clone())
        .collect();
    let mut singles = stored_singles(graph);
    let mut aliases: HashMap<String, String> = HashMap::new();
    graph.nodes.retain_mut(|node| {
        for input in &mut node.inputs {
            if let Some(name) = aliases.get(input) {
                input.clone_from(name);
            }
        }
        let single = node.input(0).is_some_and(|name| singles.contains(name));
        let to_single = node.op == "Cast" && node.int_or("to", 0).is_ok_and(|to| to == 1);
        if to_single || (single && KEEPS_TYPE.contains(&node.op.as_str())) {
            singles.extend(node.outputs.iter().cloned());
        }
        match (node.inputs.as_slice(), node.outputs.as_slice()) {
            ([_], [output]) if single && to_single && outputs.contains(output) => {
                node.op = "Identity".into();
                node.attributes.clear();
                true
            }
            ([input], [output]) if single && to_single => {
                aliases.insert(output.clone(), input.clone());
                false
            }
            _ => true,
        }
    });
    graph
        .value_info
        .retain(|value| !aliases.contains_key(&value.name));
}

/// Names of the inputs and initializers that are of 32-bit floats.
fn stored_singles(graph: &Graph) -> HashSet<String> {
    let weights = graph.initializers.iter();
    let weights = weights.filter(|(_, tensor)| tensor.dtype() == DataType::F32);
    let inputs = graph.inputs.iter().filter(
        |input| matches!(input.ty, ValueType::Tensor { dtype, .. } if dtype == DataType::F32),
    );
    let weights = weights.map(|(name, _)| name.clone());
    weights
        .chain(inputs.map(|input| input.name.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Node, ValueInfo};

    #[test]
    fn a_network_in_16_bits_becomes_one_in_32_with_its_names() {
        let half =
            |values: &[f64]| Tensor::from_f64(DataType::F16, vec![values.len()], values).unwrap();
        let mut graph = Graph::new("half", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        graph.initializers.insert("w".into(), half(&[0.5, 2.0]));
        let to = |code: i64| move |node: Node| node.with("to", Attribute::Int(code));
        graph.nodes = vec![
            to(10)(Node::new("Cast", "in", &["x"], &["h"])),
            Node::new("Mul", "scale", &["h", "w"], &["m"]),
            to(7)(Node::new("Cast", "index", &["m"], &["i"])),
            to(1)(Node::new("Cast", "back", &["i"], &["f"])),
            Node::new("Add", "add", &["m", "f"], &["s"]),
            to(1)(Node::new("Cast", "out", &["s"], &["y"])),
        ];
        assert_eq!(single_precision(&mut graph), Some(DataType::F16));
        graph.check().unwrap();
        let ops: Vec<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
        // Casts that change the type stay, and so does the name of the output.
        assert_eq!(ops, ["Mul", "Cast", "Cast", "Add", "Identity"]);
        assert_eq!(graph.nodes[0].inputs, ["x", "w"]);
        assert_eq!(graph.initializers["w"].to_f32().unwrap(), [0.5, 2.0]);
        assert_eq!(single_precision(&mut graph), None);
    }
}
