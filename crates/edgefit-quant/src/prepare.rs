//! The float model as it is quantised: without what was only needed to train it, and in ops that have
//! integer kernels.

use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::quantized::first_quantized;
use edgefit_graph::rewrite::{
    decompose, drop_identities, fold_batch_norm, fold_moved_weights, fold_pad, lift_constants,
    lower_opset, raise_opset, single_precision,
};
use edgefit_graph::{DataType, Graph};

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
    use edgefit_graph::{Attribute, Dim, Node, Tensor, ValueInfo};

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
}
