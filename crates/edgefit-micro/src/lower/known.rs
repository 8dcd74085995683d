//! What is known of a value of the graph while it is lowered.

use edgefit_graph::Node;
use edgefit_graph::ops::{Op, Unary};

use super::view::View;
use super::weighted::Constant;

/// What is known of a value of the graph.
#[derive(Debug, Clone)]
pub(super) enum Known<'g> {
    /// The input of the model, not yet quantised.
    Input,
    /// Integers of the program.
    Integers(View),
    /// The floats that integers of the program stand for.
    Floats(View),
    /// A constant behind a DequantizeLinear.
    Constant(Constant<'g>),
    /// Floats that are computed once it is known how they are quantised.
    Pending(Pending<'g>),
    /// What depends on a node without an integer form.
    Refused,
}

/// A node whose result is not quantised yet.
#[derive(Debug, Clone)]
pub(super) struct Pending<'g> {
    /// The node.
    pub node: &'g Node,
    /// Its meaning.
    pub op: &'g Op,
    /// The value that it makes.
    pub output: &'g str,
    /// Functions of each element behind it, or of a node of one element itself too.
    pub functions: Vec<Unary>,
}
