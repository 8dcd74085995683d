//! Values that are computed before the model runs, within bounds of memory and time.

use std::collections::{HashMap, HashSet};

use crate::evaluate::evaluate;
use crate::graph::Graph;
use crate::node::Node;
use crate::ops::{Op, OpReader, Role};
use crate::tensor::Tensor;
use crate::tensor_type::TensorType;
use crate::trainable_parameters::trainable_parameters;

/// Largest tensors that are folded, in elements: tables of indices; and of floats, which may be
/// weights, such as a resize or a position needs.
const MAX_FOLDED_INTEGERS: usize = 1 << 20;
const MAX_FOLDED_FLOATS: usize = 1 << 14;

/// Bytes of folded values that every graph may have, beyond a part of the size of its weights.
const FOLDED_FLOOR: usize = 16 << 20;

/// Most elements that folding reads and writes, so that it ends within a second or two.
const MAX_WORK: usize = 1 << 25;

/// Most elements of a folded value that is not counted against that.
const SMALL: usize = 64;

/// A node with what is known of it.
pub(super) struct TypedNode<'a> {
    pub node: &'a Node,
    pub op: &'a Op,
    /// Types of its inputs; `None` for an absent one.
    pub inputs: &'a [Option<&'a TensorType>],
    pub outputs: &'a [TensorType],
}

/// Keeps the memory of folded values within bounds: those that only folding reads are dropped.
pub(super) struct Folding<'g> {
    /// Weights, which are never folded.
    trained: HashSet<&'g str>,
    /// How often each value is still to be read.
    uses: HashMap<&'g str, usize>,
    /// Bytes that may be used for more.
    bytes_left: usize,
    /// Elements that may be computed on.
    work: usize,
}

impl<'g> Folding<'g> {
    pub fn of(graph: &'g Graph) -> Self {
        let trained = trainable_parameters(graph).into_iter();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        let read = graph.nodes.iter().flat_map(Node::present_inputs);
        for name in read.chain(graph.outputs.iter().map(|output| output.name.as_str())) {
            *uses.entry(name).or_default() += 1;
        }
        let weights = graph
            .initializers
            .values()
            .map(|tensor| tensor.bytes().len());
        Folding {
            trained: trained.map(|(_, name)| name).collect(),
            uses,
            bytes_left: FOLDED_FLOOR.saturating_add(weights.sum::<usize>() / 16),
            work: MAX_WORK,
        }
    }

    /// Whether the limits allow outputs of these types, computed from inputs of those; what they
    /// take is subtracted then.
    fn affords(&mut self, inputs: &[Option<&TensorType>], outputs: &[TensorType]) -> bool {
        let large = outputs.iter().filter(|ty| ty.elements() > SMALL);
        let bytes = large.fold(0usize, |sum, ty| sum.saturating_add(ty.bytes()));
        let looked_at = inputs.iter().copied().flatten().chain(outputs);
        let work = looked_at
            .map(TensorType::elements)
            .filter(|&count| count > SMALL);
        let work = work.fold(0, usize::saturating_add);
        let left = (
            self.bytes_left.checked_sub(bytes),
            self.work.checked_sub(work),
        );
        let (Some(bytes_left), Some(work)) = left else {
            return false;
        };
        (self.bytes_left, self.work) = (bytes_left, work);
        true
    }

    /// Notes that `node`, which is folded, has read its inputs, and drops those that nothing else
    /// reads.
    pub fn read_by_folded(&mut self, node: &Node, reader: &mut OpReader) {
        self.count_reads(node, reader, |_| true);
    }

    /// The same for a node that runs: what it reads then has to stay, so that only its
    /// configuration counts as read.
    pub fn read_by_running(&mut self, node: &Node, reader: &mut OpReader) {
        let is_configuration = |index| Role::of(node, index) == Role::Configuration;
        self.count_reads(node, reader, is_configuration);
    }

    fn count_reads(&mut self, node: &Node, reader: &mut OpReader, is_read: impl Fn(usize) -> bool) {
        for (index, name) in node.inputs.iter().enumerate() {
            let Some(uses) = self.uses.get_mut(name.as_str()) else {
                continue;
            };
            if is_read(index) {
                *uses -= 1;
            }
            if *uses == 0 {
                let dropped = reader.forget(name);
                self.bytes_left += dropped
                    .as_ref()
                    .map_or(0, |value| Self::bytes(std::slice::from_ref(value)));
            }
        }
    }

    /// Bytes of those that count: sizes and axes are small, and every node may have some.
    fn bytes(values: &[Tensor]) -> usize {
        let counted = values.iter().filter(|value| value.elements() > SMALL);
        counted.map(|value| value.bytes().len()).sum()
    }

    /// The outputs of `node`, if they can be known before the model runs.
    pub fn fold(&mut self, node: &TypedNode, reader: &OpReader) -> Option<Vec<Tensor>> {
        let TypedNode {
            node,
            op,
            inputs: types,
            outputs,
        } = node;
        let shape_of = |index: usize| types.get(index).copied().flatten();
        match op {
            Op::Shape(shape) => {
                let sizes: Vec<i64> = shape
                    .of(&shape_of(0)?.dims)
                    .iter()
                    .map(|&size| size as i64)
                    .collect();
                return Some(vec![Tensor::from_values(vec![sizes.len()], &sizes)]);
            }
            Op::Size => {
                let size = i64::try_from(shape_of(0)?.elements()).ok()?;
                return Some(vec![Tensor::from_values(vec![], &[size])]);
            }
            _ => {}
        }
        // A tensor without elements may still be wide.
        let small = |ty: &TensorType| {
            if ty.dtype.is_float() {
                ty.span() <= MAX_FOLDED_FLOATS
            } else {
                ty.span() <= MAX_FOLDED_INTEGERS
            }
        };
        if !outputs.iter().all(small) || !types.iter().flatten().all(|ty| small(ty)) {
            return None;
        }
        let inputs = node
            .inputs
            .iter()
            .map(|name| match name.as_str() {
                "" => Some(None),
                name if self.trained.contains(name) => None,
                name => reader.constant(name).map(Some),
            })
            .collect::<Option<Vec<_>>>()?;
        if !self.affords(types, outputs) {
            return None;
        }
        let made = evaluate(op, &inputs, outputs)?;
        (made.len() >= node.outputs.len()).then_some(made)
    }
}
