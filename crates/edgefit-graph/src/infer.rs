//! Shapes and types of every value, once the inputs' shapes are known.

mod folding;
mod input_shapes;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::graph::{Graph, Node, ValueType};
use crate::ops::{Op, OpReader};
use crate::tensor::{DataType, Tensor, checked_elements};
use crate::tensor_type::check_rank;
use crate::unsupported::{Unsupported, merge};
use folding::{Folding, TypedNode};

pub use crate::tensor_type::TensorType;
pub use input_shapes::InputShapes;

/// Largest value that is believed, so that sums of sizes stay in range.
const MAX_VALUE_BYTES: usize = 1 << 40;

/// What [`infer`] found out.
#[derive(Debug, Clone)]
pub struct Inference {
    types: HashMap<String, TensorType>,
    /// Meaning of each node, in graph order; `None` where it is not supported.
    pub ops: Vec<Option<Op>>,
    /// Everything that is not supported. Values behind it have no type.
    pub unsupported: Vec<Unsupported>,
    constants: HashMap<String, Tensor>,
    folded: HashSet<String>,
}

impl Inference {
    /// Type of the value `name`, unless an unsupported op stands before it.
    pub fn get(&self, name: &str) -> Option<&TensorType> {
        self.types.get(name)
    }

    /// Type of the value `name`.
    ///
    /// # Errors
    /// Its shape cannot be known because of the unsupported ops, which the error lists.
    pub fn known(&self, name: &str) -> Result<&TensorType> {
        self.get(name).ok_or_else(|| {
            if self.unsupported.is_empty() {
                Error::invalid(format!("value '{name}'"), "is not in the graph")
            } else {
                Error::Unsupported(self.unsupported.clone())
            }
        })
    }

    /// Types of a node's inputs, as [`Op::infer`] and [`Op::macs`] take them.
    pub fn inputs_of(&self, node: &Node) -> Vec<Option<&TensorType>> {
        node.inputs.iter().map(|name| self.get(name)).collect()
    }

    /// Whether the value `name` depends on nothing but shapes and constants and is small: the
    /// shape arithmetic, which is done before the model runs.
    pub fn is_folded(&self, name: &str) -> bool {
        self.folded.contains(name)
    }

    /// The folded value `name`, if something that is not folded reads it.
    pub fn constant(&self, name: &str) -> Option<&Tensor> {
        self.constants.get(name)
    }
}

/// Works out the type of every value, and the values that are known before the model runs.
///
/// ```
/// use edgefit_graph::infer::{InputShapes, infer};
/// use edgefit_graph::{Dim, Graph, Node, ValueInfo};
///
/// let mut graph = Graph::new("example", 17);
/// let dims = vec![Dim::Symbol("batch".into()), Dim::Known(3), Dim::Known(8)];
/// graph.inputs.push(ValueInfo::f32("x", dims));
/// graph.outputs.push(ValueInfo::float("y"));
/// graph.nodes.push(Node::new("Flatten", "flatten", &["x"], &["y"]));
///
/// let shapes = InputShapes::bind(&graph, 2, None)?;
/// let inference = infer(&graph, &shapes)?;
/// assert_eq!(inference.known("y")?.dims, [2, 24]);
/// # Ok::<(), edgefit_graph::Error>(())
/// ```
///
/// Unsupported ops do not end the analysis: they are listed, and what depends on them stays
/// unknown.
///
/// # Errors
/// Shapes that do not go together, with the node; sizes that no memory could hold.
pub fn infer(graph: &Graph, inputs: &InputShapes) -> Result<Inference> {
    infer_with(graph, inputs, [])
}

/// Whether the shapes of `graph` go together for two samples and not for one, as of a model that loses every
/// dimension of 1 to PyTorch's `squeeze` without a dimension.
pub fn infers_for_several_alone(graph: &Graph) -> bool {
    let infers = |batch| {
        let shapes = InputShapes::bind(graph, batch, None);
        shapes.and_then(|shapes| infer(graph, &shapes)).is_ok()
    };
    !infers(1) && infers(2)
}

/// As [`infer`], where the values of some inputs are `known`, too: token indices, a shape.
///
/// # Errors
/// As [`infer`].
pub fn infer_with(
    graph: &Graph,
    inputs: &InputShapes,
    known: impl IntoIterator<Item = (String, Tensor)>,
) -> Result<Inference> {
    let mut types: HashMap<String, TensorType> = graph
        .initializers
        .iter()
        .map(|(name, tensor)| (name.clone(), TensorType::of(tensor)))
        .collect();
    let mut reader = OpReader::new(graph);
    for (name, tensor) in known {
        types.insert(name.clone(), TensorType::of(&tensor));
        reader.learn(&name, tensor);
    }
    for (name, dims) in &inputs.0 {
        let declared = graph.inputs.iter().find(|input| input.name == *name);
        let dtype = match declared.map(|input| &input.ty) {
            Some(ValueType::Tensor { dtype, .. }) => *dtype,
            _ => DataType::F32,
        };
        let ty = TensorType {
            dtype,
            dims: dims.clone(),
        };
        types.insert(name.clone(), sane(ty, &format!("graph input '{name}'"))?);
    }

    let mut folding = Folding::of(graph);
    let mut unsupported = IndexMap::new();
    let mut inference = Inference {
        types,
        ops: Vec::with_capacity(graph.nodes.len()),
        unsupported: Vec::new(),
        constants: HashMap::new(),
        folded: HashSet::new(),
    };
    for node in &graph.nodes {
        let types = inference.inputs_of(node);
        let all_known = node
            .inputs
            .iter()
            .zip(&types)
            .all(|(name, ty)| name.is_empty() || ty.is_some());
        let op = match reader.read(node) {
            Ok(op) => op,
            Err(Error::Unsupported(more)) => {
                // Behind an unsupported op a shape may be missing; that is not the node's fault.
                if all_known || !more.iter().all(Unsupported::wants_constant) {
                    merge(&mut unsupported, more);
                }
                inference.ops.push(None);
                continue;
            }
            Err(error) => return Err(error),
        };
        if all_known {
            let outputs = op
                .infer(&types, node.outputs.len())
                .map_err(|problem| Error::invalid(node.place(), problem))?;
            let typed = TypedNode {
                node,
                op: &op,
                inputs: &types,
                outputs: &outputs,
            };
            let folded = folding.fold(&typed, &reader);
            for (index, (name, ty)) in node.outputs.iter().zip(outputs).enumerate() {
                if name.is_empty() {
                    continue;
                }
                let ty = match &folded {
                    Some(folded) => {
                        check_rank(ty.dims.len(), &node.place())?;
                        reader.learn(name, folded[index].clone());
                        inference.folded.insert(name.clone());
                        ty
                    }
                    None => sane(ty, &node.place())?,
                };
                inference.types.insert(name.clone(), ty);
            }
            if folded.is_some() {
                folding.read_by_folded(node, &mut reader);
            } else {
                folding.read_by_running(node, &mut reader);
            }
        }
        inference.ops.push(Some(op));
    }
    inference.constants = reader.into_learnt();
    inference.unsupported = unsupported.into_values().collect();
    Ok(inference)
}

fn sane(ty: TensorType, at: &str) -> Result<TensorType> {
    if ty.dims.contains(&0) {
        return Err(Error::invalid(
            at,
            format!("has the shape {:?}; no dimension may be 0", ty.dims),
        ));
    }
    check_rank(ty.dims.len(), at)?;
    match checked_elements(&ty.dims).and_then(|n| n.checked_mul(ty.dtype.size())) {
        Some(bytes) if bytes <= MAX_VALUE_BYTES => Ok(ty),
        _ => Err(Error::invalid(
            at,
            format!("has the shape {:?}, which no memory holds", ty.dims),
        )),
    }
}

#[cfg(test)]
mod tests;
