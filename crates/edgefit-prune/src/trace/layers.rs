//! Layers: they read channels, and make others.

use edgefit_graph::Node;
use edgefit_graph::ops::{Gemm, GroupNormalization};

use super::Trace;
use crate::channels::Labels;
use crate::layer::{Grouping, Layer};

impl<'g> Trace<'g> {
    /// Weight (out, in / groups, kernel…).
    pub(super) fn conv(&mut self, index: usize, groups: usize) {
        let node = &self.graph.nodes[index];
        let (Some(x), Some(weight)) = (node.input(0), node.input(1)) else {
            return;
        };
        let (x_dims, dims) = (self.dims(x), self.dims(weight));
        let read = self.labels(x, 1);
        let is_constant = self.graph.initializers.contains_key(weight);
        if !is_constant || x_dims.len() < 3 || dims.len() != x_dims.len() {
            self.lose_inputs(node, "has a weight that the model computes");
            return;
        }
        let made = self.made(index, weight, 0);
        let grouping = Grouping::of(groups, dims[1]);
        match (grouping, &read) {
            (Grouping::One, Some(read)) => _ = self.bind(weight, 1, read),
            (Grouping::Whole, Some(read)) => self.join_groups(read, &made, groups),
            (Grouping::Whole, None) => {
                self.lose(node, &made, "goes with channels that have to stay");
            }
            (Grouping::Alike, _) => {
                if let Some(read) = &read {
                    let first = self.alike(read, groups);
                    self.bind(weight, 1, &first);
                }
                self.alike(&made, groups);
            }
            (Grouping::One, None) => {}
        }
        self.bias(node, 2, &made);
        let mut axes = self.axes(x);
        axes.resize(x_dims.len(), None);
        for labels in axes.iter_mut().skip(2).filter_map(Option::take) {
            self.lose(node, &labels, "slides over its channels");
        }
        axes[0] = None;
        axes[1] = Some(made.clone());
        self.set(node, axes);
        self.layers.push(Layer {
            weight_axes: [1, 0],
            groups,
            grouping,
            ..self.layer(index, [0, 1], read, made)
        });
    }

    /// Weight (in, out / groups, kernel…).
    pub(super) fn conv_transpose(&mut self, index: usize, groups: usize) {
        let node = &self.graph.nodes[index];
        let (Some(x), Some(weight)) = (node.input(0), node.input(1)) else {
            return;
        };
        let dims = self.dims(weight);
        let is_depthwise = groups > 1 && dims.get(1) == Some(&1);
        let is_constant = self.graph.initializers.contains_key(weight);
        if !is_constant || (groups > 1 && !is_depthwise) {
            self.lose_inputs(node, "is grouped, or has a weight that the model computes");
            return;
        }
        let read = self.labels(x, 1);
        let made = self.made(index, weight, usize::from(!is_depthwise));
        match &read {
            Some(read) if is_depthwise => self.channels.join_all(read, &made),
            Some(read) => _ = self.bind(weight, 0, read),
            None if is_depthwise => {
                self.lose(node, &made, "goes with channels that have to stay");
            }
            None => {}
        }
        self.bias(node, 2, &made);
        let mut axes = vec![None; self.rank(node.outputs.first().map(String::as_str))];
        if let Some(axis) = axes.get_mut(1) {
            *axis = Some(made.clone());
        }
        self.set(node, axes);
        self.layers.push(Layer {
            // Of a depthwise one the only channel of the second dimension is the one that a group reads.
            weight_axes: if is_depthwise { [1, 0] } else { [0, 1] },
            groups,
            grouping: Grouping::of(groups, 1),
            ..self.layer(index, [0, 1], read, made)
        });
    }

    pub(super) fn gemm(&mut self, index: usize, gemm: Gemm) {
        let node = &self.graph.nodes[index];
        let (Some(x), Some(weight)) = (node.input(0), node.input(1)) else {
            return;
        };
        if gemm.trans_a || !self.graph.initializers.contains_key(weight) {
            self.lose_inputs(node, "has a weight that the model computes");
            return;
        }
        let weight_axes = if gemm.trans_b { [1, 0] } else { [0, 1] };
        let read = self.labels(x, 1);
        if let Some(read) = &read {
            self.bind(weight, weight_axes[0], read);
        }
        let made = self.made(index, weight, weight_axes[1]);
        self.bias(node, 2, &made);
        let rows = self.labels(x, 0);
        self.set(node, vec![rows, Some(made.clone())]);
        self.layers.push(Layer {
            weight_axes,
            ..self.layer(index, [0, 1], read, made)
        });
    }

    /// A product with a constant matrix on either side is a layer; one of two values sums over channels.
    pub(super) fn matmul(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let (Some(a), Some(b)) = (node.input(0), node.input(1)) else {
            return;
        };
        let is_matrix =
            |name: &str| self.graph.initializers.contains_key(name) && self.dims(name).len() == 2;
        let (a_rank, b_rank) = (self.dims(a).len(), self.dims(b).len());
        let (x, weight, from_end, weight_axes) = if is_matrix(b) && a_rank >= 2 {
            (0, b, 1, [0, 1])
        } else if is_matrix(a) && b_rank >= 2 {
            (1, a, 2, [1, 0])
        } else {
            self.product(node, a, b);
            return;
        };
        let value = node.input(x).unwrap_or_default();
        let axis = self.dims(value).len() - from_end;
        let read = self.labels(value, axis);
        if let Some(read) = &read {
            self.bind(weight, weight_axes[0], read);
        }
        let made = self.made(index, weight, weight_axes[1]);
        let mut axes = self.axes(value);
        axes.resize(self.dims(value).len(), None);
        axes[axis] = Some(made.clone());
        self.set(node, axes);
        self.layers.push(Layer {
            weight_axes,
            ..self.layer(index, [x, axis], read, made)
        });
    }

    /// Product of two values: what is summed over stays, rows and columns go on.
    fn product(&mut self, node: &'g Node, a: &str, b: &str) {
        let output = node.outputs.first().map(String::as_str);
        let rank = self.rank(output);
        let ranks = [a, b].map(|name| self.dims(name).len());
        if ranks.iter().any(|&own| own < 2 || own != rank) {
            self.lose_inputs(node, "multiplies values of several shapes");
            return;
        }
        let mut axes: super::Axes = vec![None; rank];
        for (name, kept) in [(a, rank - 2), (b, rank - 1)] {
            for (axis, labels) in self.axes(name).into_iter().enumerate() {
                let Some(labels) = labels else {
                    continue;
                };
                if axis == kept {
                    axes[axis] = Some(labels);
                } else {
                    self.lose(node, &labels, "sums over its channels");
                }
            }
        }
        self.set(node, axes);
    }

    /// Batch normalisation, or what else has an entry for each channel.
    pub(super) fn normalization(&mut self, node: &'g Node, what: &str) {
        let axes = self.axes(node.input(0).unwrap_or_default());
        for name in node.present_inputs().skip(1) {
            let Some(Some(labels)) = axes.get(1) else {
                continue;
            };
            let labels = labels.clone();
            if !self.bind(name, 0, &labels) {
                self.lose(node, &labels, &format!("{what} what the model computes"));
            }
        }
        self.set(node, axes);
    }

    /// Instance normalisation keeps channels apart; groups have to stay.
    pub(super) fn group_normalization(&mut self, node: &'g Node, norm: &GroupNormalization) {
        let dims = self.dims(node.input(0).unwrap_or_default());
        let channels = dims.get(1).copied().unwrap_or(0);
        if norm.groups(channels) == channels && node.op == "InstanceNormalization" {
            self.normalization(node, "normalises by");
        } else {
            self.over(node, &[1], "normalises over groups of");
        }
    }

    /// The channels that a weight makes; the same again where two layers share it.
    fn made(&mut self, index: usize, weight: &str, axis: usize) -> Labels {
        let known = self.constants.get(weight);
        let known = known.and_then(|constant| constant.axes.get(axis).cloned().flatten());
        if let Some(labels) = known {
            self.channels.made_by(&labels, index);
            self.bind(weight, axis, &labels);
            return labels;
        }
        let count = self.dims(weight).get(axis).copied().unwrap_or(0);
        let labels = self.channels.make(count, Some(index));
        self.bind(weight, axis, &labels);
        labels
    }

    /// Input `at` of `node` has an entry for each of `made`, or one for all.
    fn bias(&mut self, node: &Node, at: usize, made: &Labels) {
        let Some(bias) = node.input(at) else {
            return;
        };
        let dims = self.dims(bias);
        let is_one = dims.last().is_none_or(|&size| size == 1);
        let is_row = dims.iter().rev().skip(1).all(|&size| size == 1);
        let axis = dims.len().saturating_sub(1);
        let fits = is_one || (is_row && self.bind(bias, axis, made));
        if !fits {
            self.lose(node, made, "adds a bias that the model computes");
        }
    }

    /// Couples all that a group reads and makes.
    fn join_groups(&mut self, read: &[u32], made: &[u32], groups: usize) {
        let reads = read.chunks(read.len() / groups);
        for (read, made) in reads.zip(made.chunks(made.len() / groups)) {
            for &other in read[1..].iter().chain(made) {
                self.channels.join(read[0], other);
            }
        }
    }

    /// Couples the same place of each group, and gives those of the first.
    fn alike(&mut self, labels: &[u32], groups: usize) -> Labels {
        let (first, rest) = labels.split_at(labels.len() / groups);
        for group in rest.chunks(first.len()) {
            self.channels.join_all(first, group);
        }
        first.into()
    }

    /// A layer that reads `read` along a dimension of an input and makes `made`.
    fn layer(
        &self,
        index: usize,
        [input, axis]: [usize; 2],
        read: Option<Labels>,
        made: Labels,
    ) -> Layer {
        let node = &self.graph.nodes[index];
        let types = self.inference.inputs_of(node);
        let output = node.outputs.first();
        let output = output.and_then(|output| self.inference.get(output));
        let macs = match (&self.inference.ops[index], output) {
            (Some(op), Some(output)) => op.macs(&types, output),
            _ => 0,
        };
        let dims = self.dims(node.input(input).unwrap_or_default());
        Layer {
            node: index,
            input,
            axis,
            weight: 1 - input,
            weight_axes: [0, 1],
            inputs: dims.get(axis).copied().unwrap_or(0),
            outputs: made.len(),
            read,
            made,
            groups: 1,
            grouping: Grouping::One,
            macs,
        }
    }
}
