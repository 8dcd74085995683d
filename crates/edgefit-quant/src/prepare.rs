//! The float model as it is quantised: without what was only needed to train it, and in ops that have
//! integer kernels.

use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::quantized::first_quantized;
use edgefit_graph::rewrite::{
    decompose, drop_identities, fold_batch_norm, fold_pad, lift_constants, lower_opset,
    raise_opset, single_precision,
};
use edgefit_graph::{DataType, Graph};

use crate::error::{Error, Result};
use crate::scheme::Scheme;

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
    let shapes = InputShapes::bind(&graph, 1, None)?;
    let inference = infer(&graph, &shapes)?;
    raise_opset(&mut graph, &inference)?;
    lower(&mut graph, scheme)?;
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
