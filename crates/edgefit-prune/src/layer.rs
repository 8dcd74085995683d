//! [`Layer`]: a convolution or matrix product with a weight, and the channels that it reads and makes.

use edgefit_graph::Graph;

use crate::channels::Labels;

/// How the groups of a convolution lose channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grouping {
    /// There is one group.
    One,
    /// A group goes as a whole, with all that it reads and makes; depthwise convolutions are such.
    Whole,
    /// All groups lose the same channels.
    Alike,
}

impl Grouping {
    /// Of a convolution in `groups` that read `width` channels each: what leaves the finer choice.
    pub fn of(groups: usize, width: usize) -> Self {
        match groups {
            1 => Grouping::One,
            groups if groups >= width => Grouping::Whole,
            _ => Grouping::Alike,
        }
    }
}

/// A layer with a weight.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// Index of its node.
    pub node: usize,
    /// Which input of the node is the value.
    pub input: usize,
    /// Dimension of the value along which channels are read.
    pub axis: usize,
    /// Which input of the node is the weight.
    pub weight: usize,
    /// Dimensions of the weight that are the channels read, and made.
    pub weight_axes: [usize; 2],
    /// Number of channels that it reads.
    pub inputs: usize,
    /// Number of channels that it makes.
    pub outputs: usize,
    /// The channels that it reads; `None` if they have to stay.
    pub read: Option<Labels>,
    /// The channels that it makes.
    pub made: Labels,
    /// Groups of a convolution.
    pub groups: usize,
    /// How they lose channels.
    pub grouping: Grouping,
    /// Multiply-accumulates of a run.
    pub macs: u64,
}

impl Layer {
    /// Whether `other` reads the same channels of the same value of `graph`.
    pub fn reads_as(&self, other: &Layer, graph: &Graph) -> bool {
        let value = |layer: &Layer| &graph.nodes[layer.node].inputs[layer.input];
        value(self) == value(other) && self.axis == other.axis
    }

    /// Multiply-accumulates with so many channels that it reads and makes.
    pub fn macs_of(&self, read: usize, made: usize) -> u64 {
        let share = |count: usize, whole: usize| count as u128 * u128::from(whole > 0);
        let (read, inputs) = match self.grouping {
            // A group that is left reads as many as before.
            Grouping::Whole => (1, 1),
            _ => (share(read, self.inputs), self.inputs.max(1) as u128),
        };
        let made = share(made, self.outputs);
        let whole = inputs * self.outputs.max(1) as u128;
        (u128::from(self.macs) * read * made / whole) as u64
    }
}
