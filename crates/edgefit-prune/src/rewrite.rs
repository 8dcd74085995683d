//! The graph without the channels that go: weights, attributes and constants of shapes.

use std::collections::HashMap;

use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::ops::Op;
use edgefit_graph::rewrite::prune;
use edgefit_graph::{Attribute, FreshNames, Graph, Tensor};

use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::layer::{Grouping, Layer};
use crate::structure::Structure;
use crate::trace::Axes;

/// `graph`, which is that of `structure` but for the numbers in its weights, with what `kept` leaves.
///
/// # Errors
/// What comes out does not hold together.
pub(crate) fn rewritten(structure: &Structure, graph: &Graph, kept: &Kept) -> Result<Graph> {
    let mut made = graph.clone();
    for (name, axes) in &structure.constants {
        cut(&mut made, name, axes, structure, kept);
    }
    for layer in &structure.layers {
        cut_new_bias(&mut made, layer, structure, kept);
        if layer.grouping == Grouping::Whole {
            let left = kept.places(structure, &layer.made).len();
            let groups = left / (layer.outputs / layer.groups);
            let attributes = &mut made.nodes[layer.node].attributes;
            attributes.insert("group".into(), Attribute::Int(groups as i64));
        }
    }
    let shapes = Shapes::of(structure, kept)?;
    shapes.rewrite(&mut made)?;
    let unchanged = |name: &str| {
        let axes = structure.values.get(name).into_iter().flatten();
        axes.flatten()
            .all(|labels| kept.places(structure, labels).len() == labels.len())
    };
    made.value_info.retain(|value| unchanged(&value.name));
    prune(&mut made);
    made.check()?;
    check_shapes(structure, &made, kept)?;
    Ok(made)
}

/// Takes out of a constant what goes.
fn cut(graph: &mut Graph, name: &str, axes: &Axes, structure: &Structure, kept: &Kept) {
    for (axis, labels) in axes.iter().enumerate() {
        if let (Some(labels), Some(tensor)) = (labels, graph.initializers.get(name)) {
            let places = kept.places(structure, labels);
            if places.len() < labels.len()
                && let Some(cut) = taken(tensor, axis, &places)
            {
                graph.initializers.insert(name.to_owned(), cut);
            }
        }
    }
}

/// Takes what goes out of the bias that a layer got.
fn cut_new_bias(graph: &mut Graph, layer: &Layer, structure: &Structure, kept: &Kept) {
    let node = &graph.nodes[layer.node];
    let Some(bias) = node.input(2).filter(|_| node.op != "MatMul") else {
        return;
    };
    if structure.graph.initializers.contains_key(bias) {
        return;
    }
    let bias = bias.to_owned();
    cut(
        graph,
        &bias,
        &vec![Some(layer.made.clone())],
        structure,
        kept,
    );
}

/// The slices of `tensor` at `places` along `axis`.
fn taken(tensor: &Tensor, axis: usize, places: &[usize]) -> Option<Tensor> {
    let mut dims = tensor.dims().to_vec();
    let run: usize = dims[axis + 1..].iter().product::<usize>() * tensor.dtype().size();
    let whole = dims[axis] * run;
    let mut bytes = Vec::with_capacity(tensor.bytes().len() / dims[axis].max(1) * places.len());
    for block in tensor.bytes().chunks_exact(whole.max(1)) {
        for &place in places {
            bytes.extend_from_slice(&block[place * run..][..run]);
        }
    }
    dims[axis] = places.len();
    Tensor::new(tensor.dtype(), dims, bytes.into()).ok()
}

/// What is known of shapes before anything was removed, at one sample and at two.
struct Shapes<'s> {
    structure: &'s Structure,
    kept: &'s Kept,
    one: Inference,
    two: Option<Inference>,
}

impl<'s> Shapes<'s> {
    fn of(structure: &'s Structure, kept: &'s Kept) -> Result<Self> {
        let graph = &structure.graph;
        let two = InputShapes::bind(graph, 2, None)?;
        Ok(Shapes {
            one: infer(graph, &InputShapes::bind(graph, 1, None)?)?,
            // A model that was exported for one sample knows no other shapes.
            two: infer(graph, &two).ok(),
            structure,
            kept,
        })
    }

    /// Rewrites the shapes and ranges that nodes of `graph` are given.
    fn rewrite(&self, graph: &mut Graph) -> Result<()> {
        let mut names = FreshNames::of(graph);
        for index in 0..graph.nodes.len() {
            let Some(Some(op)) = self.one.ops.get(index) else {
                continue;
            };
            let node = &graph.nodes[index];
            let (Some(x), Some(y)) = (node.input(0), node.outputs.first()) else {
                continue;
            };
            let (input, values) = match op {
                Op::Reshape(_) | Op::Expand(_) if self.shrinks(y) => {
                    (1, self.target(graph, index, 1)?)
                }
                Op::Resize(_) if self.shrinks(y) && node.input(3).is_some() => {
                    (3, self.target(graph, index, 3)?)
                }
                Op::Split(split) if self.shrinks(x) => {
                    let Ok((axis, _)) = split.pieces(self.dims(x)) else {
                        continue;
                    };
                    let pieces = node.outputs.iter();
                    let sizes = pieces.map(|piece| self.left(piece, axis) as i64);
                    (1, Some(sizes.collect()))
                }
                Op::Slice(slice) if self.shrinks(x) => {
                    let Ok(ranges) = slice.ranges(self.dims(x)) else {
                        continue;
                    };
                    // Beside a range with a step no channels are cut, and all ranges hold as they are.
                    if ranges.iter().all(|range| range.step == 1) {
                        self.slice(graph, index, &ranges, &mut names);
                    }
                    continue;
                }
                _ => continue,
            };
            if let Some(values) = values {
                give(graph, index, Given { input, values }, &mut names);
            }
        }
        Ok(())
    }

    fn dims(&self, value: &str) -> &[usize] {
        self.one.get(value).map_or(&[], |ty| &ty.dims)
    }

    /// Whether the value `name` loses channels.
    fn shrinks(&self, name: &str) -> bool {
        (0..self.dims(name).len()).any(|axis| self.shrinks_along(name, axis))
    }

    /// Whether a dimension of the value `name` loses channels.
    fn shrinks_along(&self, name: &str, axis: usize) -> bool {
        self.left(name, axis) < self.dims(name)[axis]
    }

    /// Size of a dimension of the value `name` without what goes.
    fn left(&self, name: &str, axis: usize) -> usize {
        let labels = self.structure.values.get(name);
        let labels = labels.and_then(|axes| axes.get(axis)?.as_ref());
        labels.map_or(self.dims(name)[axis], |labels| {
            self.kept.places(self.structure, labels).len()
        })
    }

    /// The shape that a node is given: what it was, with the sizes that are left; `None` if no size in it
    /// changes, or if it is computed in a way that only the batch can follow.
    fn target(&self, graph: &Graph, index: usize, input: usize) -> Result<Option<Vec<i64>>> {
        let node = &graph.nodes[index];
        let output = node.outputs[0].as_str();
        let rank = self.dims(output).len();
        let axes = match &self.one.ops[index] {
            Some(Op::Resize(resize)) => resize.axes(rank).unwrap_or_default(),
            _ => (0..rank).collect(),
        };
        if !axes.iter().any(|&axis| self.shrinks_along(output, axis)) {
            return Ok(None);
        }
        let stored = node
            .input(input)
            .and_then(|name| graph.initializers.get(name));
        if let Some(stored) = stored {
            let mut values = stored.to_i64()?;
            // A shape to expand to may be of the last dimensions alone.
            let first = axes.len().saturating_sub(values.len());
            for (value, &axis) in values.iter_mut().zip(&axes[first..]) {
                if *value > 0 && self.shrinks_along(output, axis) {
                    *value = self.left(output, axis) as i64;
                }
            }
            return Ok(Some(values));
        }
        // Computed from shapes, with sizes in it that may be gone.
        let size = |inference: Option<&Inference>, name: &str, axis: usize| {
            let ty = inference.and_then(|inference| inference.get(name))?;
            ty.dims.get(axis).copied()
        };
        let input = node.input(0).unwrap_or_default();
        let mut open = 0;
        let values = axes.into_iter().map(|axis| {
            let sizes = |name: &str| {
                [Some(&self.one), self.two.as_ref()].map(|inference| size(inference, name, axis))
            };
            let [one, two] = sizes(output);
            if two.is_none() || one == two {
                self.left(output, axis) as i64
            } else if node.op == "Expand" && sizes(input) == [one, two] {
                // As many as there are.
                1
            } else {
                open += 1;
                -1
            }
        });
        let values: Vec<i64> = values.collect();
        let can_be_open = usize::from(node.op == "Reshape");
        Ok((open <= can_be_open).then_some(values))
    }

    /// Gives a Slice the ranges that are left of its own.
    fn slice(
        &self,
        graph: &mut Graph,
        index: usize,
        ranges: &[edgefit_graph::ops::SliceRange],
        names: &mut FreshNames,
    ) {
        let x = graph.nodes[index].inputs[0].clone();
        let sizes = self.dims(&x).to_vec();
        let (mut starts, mut ends, mut axes) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, (range, size)) in ranges.iter().zip(sizes).enumerate() {
            if range.count == size {
                continue;
            }
            let labels = self.structure.values.get(&x);
            let labels = labels.and_then(|all| all.get(axis)?.as_ref());
            let before = |end: usize| match labels {
                Some(labels) => self.kept.places(self.structure, &labels[..end]).len(),
                None => end,
            };
            starts.push(before(range.start) as i64);
            ends.push(before(range.start + range.count) as i64);
            axes.push(axis as i64);
        }
        if graph.opset() < 10 {
            let attributes = &mut graph.nodes[index].attributes;
            for (name, values) in [("starts", starts), ("ends", ends), ("axes", axes)] {
                attributes.insert(name.into(), Attribute::Ints(values));
            }
            return;
        }
        graph.nodes[index].inputs.truncate(4);
        for (input, values) in [(1, starts), (2, ends), (3, axes)] {
            give(graph, index, Given { input, values }, names);
        }
    }
}

/// Integers that a node reads.
struct Given {
    input: usize,
    values: Vec<i64>,
}

/// Has a node read `given`: as a constant of its own, or as the attribute that older opsets have.
fn give(graph: &mut Graph, index: usize, given: Given, names: &mut FreshNames) {
    let opset = graph.opset();
    let node = &mut graph.nodes[index];
    if node.op == "Split" {
        node.attributes.shift_remove("num_outputs");
        if opset < 13 {
            node.attributes
                .insert("split".into(), Attribute::Ints(given.values));
            return;
        }
    }
    let what = match (node.op.as_str(), given.input) {
        ("Slice", 1) => "starts",
        ("Slice", 2) => "ends",
        ("Slice", _) => "axes",
        ("Split", _) => "sizes",
        _ => "shape",
    };
    let name = names.take(&format!("{}.{what}", node.label()));
    if node.inputs.len() <= given.input {
        node.inputs.resize(given.input + 1, String::new());
    }
    node.inputs[given.input].clone_from(&name);
    let tensor = Tensor::from_values(vec![given.values.len()], &given.values);
    graph.initializers.insert(name, tensor);
}

/// Holds the shapes of what was made against what is meant to be left.
fn check_shapes(structure: &Structure, made: &Graph, kept: &Kept) -> Result<()> {
    let inference = infer(made, &InputShapes::bind(made, 1, None)?)
        .map_err(|error| inconsistent(&format!("without its channels, {error}")))?;
    let mut left: HashMap<&str, Vec<Option<usize>>> = HashMap::new();
    for (name, axes) in &structure.values {
        let counts = axes.iter().map(|labels| {
            let labels = labels.as_ref()?;
            Some(kept.places(structure, labels).len())
        });
        left.insert(name, counts.collect());
    }
    for (name, axes) in left {
        let Some(ty) = inference.get(name) else {
            continue;
        };
        for (axis, (size, wanted)) in ty.dims.iter().zip(axes).enumerate() {
            if wanted.is_some_and(|wanted| wanted != *size) {
                return Err(inconsistent(&format!(
                    "dimension {axis} of '{name}' is {size} without its channels, not {wanted:?}"
                )));
            }
        }
    }
    Ok(())
}

fn inconsistent(problem: &str) -> Error {
    Error::Inconsistent {
        problem: problem.to_owned(),
    }
}
