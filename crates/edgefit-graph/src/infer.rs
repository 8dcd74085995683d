//! Shapes and types of every value, once the inputs' shapes are known.

mod folding;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, ValueInfo, ValueType};
use crate::ops::{Op, OpReader, Unsupported};
use crate::parameters::trainable_parameters;
use crate::preprocessing::Preprocessing;
use crate::tensor::{DataType, Tensor, checked_elements};
use folding::{Folding, folded};

/// Most dimensions of a tensor.
pub(crate) const MAX_RANK: usize = 64;

/// Largest value that is believed, so that sums of sizes stay in range.
const MAX_VALUE_BYTES: usize = 1 << 40;

/// Element type and concrete shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorType {
    /// Element type.
    pub dtype: DataType,
    /// Shape.
    pub dims: Vec<usize>,
}

impl TensorType {
    /// The type of a tensor.
    pub fn of(tensor: &Tensor) -> Self {
        TensorType {
            dtype: tensor.dtype(),
            dims: tensor.dims().to_vec(),
        }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        checked_elements(&self.dims).unwrap_or(usize::MAX)
    }

    /// Number of elements if dimensions of size 0 had size 1: what a walk over them costs.
    pub(crate) fn span(&self) -> usize {
        let sizes = self.dims.iter().map(|&size| size.max(1));
        sizes.fold(1, usize::saturating_mul)
    }

    /// Size in bytes.
    pub fn bytes(&self) -> usize {
        self.elements().saturating_mul(self.dtype.size())
    }
}

/// Concrete shapes for the graph's free inputs, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputShapes(pub Vec<(String, Vec<usize>)>);

impl InputShapes {
    /// Shapes for `batch` samples; every dimension but the batch is as the model declares it.
    ///
    /// `given`, if any, is the whole shape of the model's only input and overrides what is
    /// declared, its batch included. Without it, unknown sizes are taken from the model's
    /// preprocessing.
    ///
    /// # Errors
    /// A dimension stays unknown, or `given` has another number of dimensions than declared.
    pub fn bind(graph: &Graph, batch: usize, given: Option<&[usize]>) -> Result<Self> {
        let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
        if let (Some(given), [input]) = (given, inputs.as_slice()) {
            // Sizes written into the file may be changed on purpose (a smaller resolution); the
            // number of dimensions may not.
            if let Some(dims) = input.dims().filter(|dims| dims.len() != given.len()) {
                return Err(Error::invalid(
                    format!("graph input '{}'", input.name),
                    format!("has {} dimensions, not the shape {given:?}", dims.len()),
                ));
            }
            return Ok(InputShapes(vec![(input.name.clone(), given.to_vec())]));
        }
        if given.is_some() {
            return Err(Error::invalid(
                "graph inputs",
                format!(
                    "an input shape was given, but the model has {} inputs",
                    inputs.len()
                ),
            ));
        }
        let preprocessing = Preprocessing::of(graph)?;
        let bound = inputs
            .into_iter()
            .map(|input| {
                let dims = match (input.dims(), &input.ty) {
                    (Some(dims), ValueType::Tensor { .. }) => dims,
                    _ => return Err(unknown(input, "its shape")),
                };
                let sizes = dims
                    .iter()
                    .enumerate()
                    .map(|(axis, dim)| match (dim, axis, &preprocessing) {
                        (Dim::Known(1) | Dim::Symbol(_) | Dim::Unknown, 0, _) => Ok(batch),
                        (Dim::Known(size), ..) => Ok(*size),
                        (_, 1, Some(_)) if dims.len() == 4 => Ok(3),
                        (_, 2, Some(known)) if dims.len() == 4 => Ok(known.height as usize),
                        (_, 3, Some(known)) if dims.len() == 4 => Ok(known.width as usize),
                        _ => Err(unknown(input, &format!("dimension {axis}"))),
                    })
                    .collect::<Result<_>>()?;
                Ok((input.name.clone(), sizes))
            })
            .collect::<Result<_>>()?;
        Ok(InputShapes(bound))
    }
}

fn unknown(input: &ValueInfo, what: &str) -> Error {
    Error::invalid(
        format!("graph input '{}'", input.name),
        format!("{what} is not known; give it with --input-shape, such as 1x3x224x224"),
    )
}

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
    pub fn inputs_of(&self, node: &crate::graph::Node) -> Vec<Option<&TensorType>> {
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
/// Unsupported ops do not end the analysis: they are listed, and what depends on them stays
/// unknown.
///
/// # Errors
/// Shapes that do not go together, with the node; sizes that no memory could hold.
pub fn infer(graph: &Graph, inputs: &InputShapes) -> Result<Inference> {
    infer_with(graph, inputs, [])
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

    let trained: HashSet<&str> = trainable_parameters(graph)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
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
                    crate::ops::merge(&mut unsupported, more);
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
            let folded = folded(&op, node, &types, &outputs, &trained, &reader, &mut folding);
            for (index, (name, ty)) in node.outputs.iter().zip(outputs).enumerate() {
                if name.is_empty() {
                    continue;
                }
                let ty = match &folded {
                    Some(folded) => {
                        reader.learn(name, folded[index].clone());
                        inference.folded.insert(name.clone());
                        ty
                    }
                    None => sane(ty, &node.place())?,
                };
                inference.types.insert(name.clone(), ty);
            }
            folding.read_by(node, folded.is_some(), &mut reader);
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
    if ty.dims.len() > MAX_RANK {
        let problem = format!("has {} dimensions; {MAX_RANK} are supported", ty.dims.len());
        return Err(Error::invalid(at, problem));
    }
    match checked_elements(&ty.dims).and_then(|n| n.checked_mul(ty.dtype.size())) {
        Some(bytes) if bytes <= MAX_VALUE_BYTES => Ok(ty),
        _ => Err(Error::invalid(
            at,
            format!("has the shape {:?}, which no memory holds", ty.dims),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::graph::Node;

    fn graph(nodes: Vec<Node>) -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32(
            "x",
            vec![Dim::Symbol("n".into()), Dim::Known(3), Dim::Unknown],
        ));
        graph.nodes = nodes;
        graph
    }

    #[test]
    fn unknown_dimensions_ask_for_the_shape() {
        let graph = graph(vec![]);
        let error = InputShapes::bind(&graph, 2, None).unwrap_err().to_string();
        assert!(error.contains("--input-shape"), "{error}");
        let shapes = InputShapes::bind(&graph, 2, Some(&[4, 3, 9])).unwrap();
        assert_eq!(shapes.0, [("x".into(), vec![4, 3, 9])]);
        assert!(InputShapes::bind(&graph, 2, Some(&[4, 3])).is_err());
    }

    #[test]
    fn analysis_goes_on_around_unsupported_ops() {
        let graph = graph(vec![
            Node::new("Relu", "known", &["x"], &["a"]),
            Node::new("Frobnicate", "odd", &["a"], &["b"]),
            Node::new("Relu", "behind", &["b"], &["c"]),
            Node::new("Frobnicate", "odd2", &["a"], &["d"]),
            Node::new("Relu", "beside", &["a"], &["e"]),
        ]);
        let shapes = InputShapes(vec![("x".into(), vec![2, 3, 4])]);
        let inference = infer(&graph, &shapes).unwrap();
        assert_eq!(inference.get("e").unwrap().dims, [2, 3, 4]);
        assert!(inference.get("c").is_none());
        assert_eq!(inference.unsupported[0].nodes, ["odd", "odd2"]);
        assert!(matches!(inference.known("c"), Err(Error::Unsupported(_))));
    }

    /// x + what `nodes` make of constants, in a graph that declares none of it.
    fn folded(nodes: Vec<Node>, constants: &[(&str, Vec<i64>)]) -> Result<Inference> {
        let mut graph = graph(nodes);
        for (name, values) in constants {
            let tensor = Tensor::from_values(vec![values.len()], values);
            graph.initializers.insert((*name).into(), tensor);
        }
        infer(&graph, &InputShapes(vec![("x".into(), vec![2, 3, 4])]))
    }

    #[test]
    fn shape_arithmetic_is_folded() {
        let nodes = vec![
            Node::new("Shape", "", &["x"], &["shape"]),
            Node::new("Gather", "", &["shape", "first"], &["batch"]),
            Node::new("Concat", "", &["batch", "rest"], &["target"])
                .with("axis", Attribute::Int(0)),
            Node::new("Reshape", "", &["x", "target"], &["y"]),
        ];
        let inference = folded(nodes, &[("first", vec![0]), ("rest", vec![-1])]).unwrap();
        assert_eq!(inference.get("y").unwrap().dims, [2, 12]);
        assert!(inference.is_folded("target") && !inference.is_folded("y"));
        // Nothing that runs reads them, so nothing is kept.
        assert!(inference.constant("shape").is_none());
    }

    #[test]
    fn folding_does_not_grow_without_bound() {
        // Each is repeated to 2²⁰ elements; the time for that ends before the nodes do.
        let tile = |index: usize| {
            let output = format!("t{index}");
            Node::new("Tile", "", &["seed", "times"], &[&output])
        };
        let nodes = (0..200).map(tile).collect();
        let inference = folded(nodes, &[("seed", vec![1]), ("times", vec![1 << 20])]).unwrap();
        assert!(inference.is_folded("t0"));
        assert!(!inference.is_folded("t199"));
        assert_eq!(inference.get("t199").unwrap().dims, [1 << 20]);
        // Without elements, and yet too wide to walk over.
        let wide = Node::new("ConstantOfShape", "", &["dims"], &["y"]);
        let error = folded(vec![wide], &[("dims", vec![0, 1 << 40])]).unwrap_err();
        assert!(
            error.to_string().contains("no dimension may be 0"),
            "{error}"
        );
    }

    #[test]
    fn astronomic_sizes_are_refused() {
        let graph = graph(vec![]);
        let shapes = InputShapes(vec![("x".into(), vec![usize::MAX, 2])]);
        let error = infer(&graph, &shapes).unwrap_err().to_string();
        assert!(error.contains("no memory holds"), "{error}");
    }
}
