//! The float model as it is quantised: without what was only needed to train it, and in ops that have
//! integer kernels.

use std::collections::HashMap;

use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::quantized::first_quantized;
use edgefit_graph::rewrite::{
    decompose, drop_identities, fold_batch_norm, fold_moved_weights, fold_pad, lift_constants,
    lower_opset, raise_opset, single_precision,
};
use edgefit_graph::{DataType, FreshNames, Graph, Tensor};

use crate::error::{Error, Result};
use crate::scheme::{OpsetRange, Scheme};

/// A float model that is ready to be quantised.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub graph: Graph,
    /// Before anything was rewritten, in 32 bits.
    pub float: Graph,
    /// Type of its floats, where they were not of 32 bits.
    pub widened: Option<DataType>,
}

/// `graph` with constants lifted, batch normalisations folded, ops written out that have no integer
/// kernel, and an opset that `scheme` takes.
pub(crate) fn prepared(graph: &Graph, scheme: &Scheme) -> Result<Prepared> {
    if let Some(node) = first_quantized(graph) {
        let is_dynamic = |op: &str| op.starts_with("DynamicQuantize") || op.ends_with("Integer");
        let dynamic = graph.nodes.iter().find(|node| is_dynamic(&node.op));
        return Err(match dynamic {
            Some(node) => Error::DynamicallyQuantized { node: node.place() },
            None => Error::AlreadyQuantized { node: node.place() },
        });
    }
    let mut graph = graph.clone();
    lift_constants(&mut graph);
    let widened = single_precision(&mut graph);
    let float = graph.clone();
    fold_moved_weights(&mut graph);
    fold_gemm_factors(&mut graph)?;
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let inference = infer(&graph, &shapes)?;
    raise_opset(&mut graph, &inference)?;
    lower(&mut graph, scheme)?;
    let OpsetRange { min, max } = scheme.opset;
    if graph.opset() < min {
        return Err(Error::OldOpset {
            scheme: scheme.name.clone(),
            min,
            max,
            opset: float.opset(),
        });
    }
    drop_identities(&mut graph);
    fold_batch_norm(&mut graph)?;
    let inference = infer(&graph, &shapes)?;
    fold_pad(&mut graph, &inference)?;
    decompose(&mut graph, &inference);
    Ok(Prepared {
        graph,
        float,
        widened,
    })
}

/// Multiplies `alpha` and `beta` of each Gemm into its weight and bias, where these are constants. What several share
/// stays one for each factor, and all that is made takes no more bytes than the constants of the model.
fn fold_gemm_factors(graph: &mut Graph) -> Result<()> {
    let mut names = FreshNames::of(graph);
    let Graph {
        nodes,
        initializers,
        ..
    } = graph;
    let bytes = initializers.values().map(|tensor| tensor.bytes().len());
    let mut bytes_left: usize = bytes.sum();
    let mut made: HashMap<(String, u32), String> = HashMap::new();
    let gemms = nodes.iter_mut().filter(|node| node.is_onnx());
    for node in gemms.filter(|node| node.op == "Gemm") {
        for (attribute, input) in [("alpha", 1), ("beta", 2)] {
            let factor = node.float_or(attribute, 1.0)?;
            if let Some(name) = node.input(input) {
                let constant = initializers.get(name);
                let floats = constant.filter(|tensor| tensor.dtype() == DataType::F32);
                let Some(tensor) = floats.filter(|_| factor != 1.0) else {
                    continue;
                };
                let key = (name.to_owned(), factor.to_bits());
                let fresh = match made.get(&key) {
                    Some(fresh) => fresh.clone(),
                    None => {
                        let Some(left) = bytes_left.checked_sub(tensor.bytes().len()) else {
                            continue;
                        };
                        bytes_left = left;
                        let values = tensor.to_f32()?.into_iter().map(|value| value * factor);
                        let values: Vec<f32> = values.collect();
                        let folded = Tensor::from_values(tensor.dims().to_vec(), &values);
                        let fresh = names.take(&format!("{name}_{attribute}"));
                        initializers.insert(fresh.clone(), folded);
                        made.insert(key, fresh.clone());
                        fresh
                    }
                };
                node.inputs[input] = fresh;
            }
            node.attributes.shift_remove(attribute);
        }
    }
    Ok(())
}

fn lower(graph: &mut Graph, scheme: &Scheme) -> Result<()> {
    let opset = graph.opset();
    lower_opset(graph, scheme.opset.max).map_err(|nodes| Error::Opset {
        scheme: scheme.name.clone(),
        min: scheme.opset.min,
        max: scheme.opset.max,
        opset,
        nodes: nodes.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Attribute, Dim, Node, ValueInfo};

    use super::*;

    #[test]
    fn weights_are_moved_and_old_opsets_refused() {
        let mut graph = Graph::new("g", 17);
        let dims = |size| [1, size].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims(2)));
        graph.outputs.push(ValueInfo::f32("y", dims(3)));
        let weight = Tensor::from_values(vec![3, 2], &[1f32; 6]);
        graph.initializers.insert("w".into(), weight);
        let perm = Attribute::Ints(vec![1, 0]);
        graph.nodes = vec![
            Node::new("Transpose", "t", &["w"], &["wt"]).with("perm", perm),
            Node::new("MatMul", "fc", &["x", "wt"], &["y"]),
        ];
        let mut scheme = Scheme::named("tflite").unwrap();
        let made = prepared(&graph, &scheme).unwrap();
        assert_eq!((made.graph.nodes.len(), made.float.nodes.len()), (1, 2));
        assert!(made.graph.initializers.contains_key("wt"));

        scheme.opset = OpsetRange { min: 18, max: 21 };
        let error = prepared(&graph, &scheme).unwrap_err().to_string();
        assert!(
            error.contains("opsets 18 to 21, and the model has 17"),
            "{error}"
        );
    }
    #[test]
    fn factors_of_a_gemm_are_part_of_its_weight_and_bias() {
        let mut graph = Graph::new("g", 17);
        let dims = || [1, 2].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims()));
        graph.outputs.push(ValueInfo::f32("y", dims()));
        let weight = Tensor::from_values(vec![2, 2], &[1f32, 2.0, 3.0, 4.0]);
        graph.initializers.insert("w".into(), weight);
        let bias = Tensor::from_values(vec![2], &[1f32, -1.0]);
        graph.initializers.insert("b".into(), bias);
        let gemm = |name, input, output| {
            let node = Node::new("Gemm", name, &[input, "w", "b"], &[output]);
            node.with("beta", Attribute::Float(2.0))
        };
        let first = gemm("first", "x", "h").with("alpha", Attribute::Float(0.5));
        graph.nodes = vec![first, gemm("second", "h", "y")];
        let made = prepared(&graph, &Scheme::named("tflite").unwrap()).unwrap();
        let constant = |node: usize, input: usize| {
            let node = &made.graph.nodes[node];
            assert!(node.attributes.is_empty(), "{node:?}");
            made.graph.initializers[&node.inputs[input]]
                .to_f32()
                .unwrap()
        };
        assert_eq!(constant(0, 1), [0.5, 1.0, 1.5, 2.0]);
        assert_eq!(constant(1, 1), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(constant(0, 2), [2.0, -2.0]);
        assert_eq!(constant(1, 2), [2.0, -2.0]);
        let [first, second] = &made.graph.nodes[..] else {
            panic!("{:?}", made.graph.nodes);
        };
        assert_eq!(first.inputs[2], second.inputs[2]);
    }

    #[test]
    fn copies_of_a_shared_weight_take_no_more_than_the_constants() {
        let mut graph = Graph::new("g", 17);
        let weight = Tensor::from_values(vec![2, 2], &[1f32; 4]);
        graph.initializers.insert("w".into(), weight);
        let gemm = |factor| {
            let node = Node::new("Gemm", "gemm", &["x", "w"], &["y"]);
            node.with("alpha", Attribute::Float(factor))
        };
        graph.nodes = [0.5, 2.0, 0.5].map(gemm).to_vec();
        fold_gemm_factors(&mut graph).unwrap();
        let weights = graph.nodes.iter().map(|node| node.inputs[1].as_str());
        assert_eq!(weights.collect::<Vec<_>>(), ["w_alpha", "w", "w_alpha"]);
        assert_eq!(graph.nodes[1].float_or("alpha", 1.0).unwrap(), 2.0);
    }
}
