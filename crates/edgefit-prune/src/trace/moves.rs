//! Ops that move channels, or leave them where they are.

use edgefit_graph::Node;
use edgefit_graph::ops::{Concat, Gather, Pad, Reduce, Slice, Split, Transpose};

use super::reshape::reshaped;
use super::{Axes, Trace};
use crate::channels::Labels;

impl<'g> Trace<'g> {
    /// Channels of the parts come one behind the other; parts without any stay.
    pub(super) fn concat(&mut self, node: &'g Node, concat: Concat) {
        let output = node.outputs.first().map(String::as_str);
        let rank = self.rank(output);
        let Ok(along) = concat.axis(rank) else {
            return;
        };
        let parts: Vec<&str> = node.present_inputs().collect();
        let mut axes: Axes = vec![None; rank];
        for (axis, made) in axes.iter_mut().enumerate() {
            let found: Vec<Option<Labels>> =
                parts.iter().map(|part| self.labels(part, axis)).collect();
            if found.iter().all(Option::is_none) {
                continue;
            }
            *made = if axis == along {
                Some(self.behind_each_other(node, &parts, &found, axis))
            } else {
                self.side_by_side(node, &parts, &found, axis)
            };
        }
        self.set(node, axes);
    }

    fn behind_each_other(
        &mut self,
        node: &Node,
        parts: &[&str],
        found: &[Option<Labels>],
        axis: usize,
    ) -> Labels {
        let mut all = Vec::new();
        for (part, labels) in parts.iter().zip(found) {
            if let Some(labels) = labels {
                all.extend_from_slice(labels);
            } else {
                let fixed = self.channels.make(self.dims(part)[axis], None);
                self.lose(node, &fixed, "joins it with what has to stay");
                all.extend_from_slice(&fixed);
            }
        }
        all.into()
    }

    fn side_by_side(
        &mut self,
        node: &Node,
        parts: &[&str],
        found: &[Option<Labels>],
        axis: usize,
    ) -> Option<Labels> {
        let first = found.iter().flatten().next()?.clone();
        for (part, labels) in parts.iter().zip(found) {
            if let Some(labels) = labels {
                self.channels.join_all(&first, labels);
            } else if !self.bind(part, axis, &first) {
                self.lose(node, &first, "joins it with what has to stay");
                return None;
            }
        }
        Some(first)
    }

    /// Each piece has its part of the channels.
    pub(super) fn split(&mut self, node: &'g Node, split: &Split) {
        let x = node.input(0).unwrap_or_default();
        let axes = self.axes(x);
        let Ok((along, sizes)) = split.pieces(self.dims(x)) else {
            return;
        };
        let mut start = 0;
        for (output, size) in node.outputs.iter().zip(sizes) {
            let mut piece = axes.clone();
            if let Some(Some(labels)) = piece.get_mut(along) {
                *labels = labels[start..start + size].into();
            }
            start += size;
            self.values.insert(output, piece);
        }
    }

    pub(super) fn slice(&mut self, node: &'g Node, slice: &Slice) {
        let x = node.input(0).unwrap_or_default();
        let mut axes = self.axes(x);
        let dims = self.dims(x);
        let Ok(ranges) = slice.ranges(dims) else {
            return;
        };
        // Rewritten as ranges, which other steps are none of.
        let is_plain = ranges.iter().all(|range| range.step == 1);
        for ((labels, range), &size) in axes.iter_mut().zip(ranges).zip(dims) {
            let Some(known) = labels.take() else {
                continue;
            };
            if range.count == size && range.step == 1 {
                *labels = Some(known);
            } else if is_plain {
                *labels = Some(range.indices().map(|at| known[at]).collect());
            } else {
                self.lose(node, &known, "takes some of its channels in steps");
            }
        }
        self.set(node, axes);
    }

    /// Channels along other dimensions than the one that is indexed go on.
    pub(super) fn gather(&mut self, node: &'g Node, gather: Gather) {
        let x = node.input(0).unwrap_or_default();
        let mut axes = self.axes(x);
        let dims = self.dims(x);
        let (Ok(axis), indices) = (gather.axis(dims.len()), self.rank(node.input(1))) else {
            return;
        };
        if let Some(labels) = axes.get_mut(axis).and_then(Option::take) {
            self.lose(node, &labels, "picks some of its channels");
        }
        if !axes.is_empty() {
            axes.splice(axis..=axis, vec![None; indices]);
        }
        self.set(node, axes);
    }

    pub(super) fn reshape(&mut self, node: &'g Node) {
        let x = node.input(0).unwrap_or_default();
        let output = node.outputs.first().map_or("", String::as_str);
        let axes = self.axes(x);
        if axes.iter().all(Option::is_none) {
            return;
        }
        let (from, to) = (self.dims(x), self.dims(output));
        let (axes, lost) = reshaped(&mut self.channels, &axes, from, to);
        for labels in lost {
            self.lose(node, &labels, "mixes its channels with other dimensions");
        }
        self.set(node, axes);
    }

    pub(super) fn transpose(&mut self, node: &'g Node, transpose: &Transpose) {
        let axes = self.axes(node.input(0).unwrap_or_default());
        if let Ok(permutation) = transpose.permutation(axes.len()) {
            let moved = permutation.into_iter().map(|axis| axes[axis].clone());
            let moved = moved.collect();
            self.set(node, moved);
        }
    }

    pub(super) fn pad(&mut self, node: &'g Node, pad: &Pad) {
        let rank = self.rank(node.input(0));
        let padded: Vec<usize> = match pad.amounts(rank) {
            Ok(amounts) => (0..rank).filter(|&axis| amounts[axis] != (0, 0)).collect(),
            Err(_) => (0..rank).collect(),
        };
        self.over(node, &padded, "pads");
    }

    pub(super) fn reduce(&mut self, node: &'g Node, reduce: &Reduce) {
        let rank = self.rank(node.input(0));
        let reduced = reduce.axes(rank).unwrap_or_default();
        self.over(node, &reduced, "reduces");
        if !reduce.keep_dims
            && let Some(axes) = node
                .outputs
                .first()
                .and_then(|name| self.values.get_mut(name.as_str()))
        {
            let mut axis = 0;
            axes.retain(|_| {
                axis += 1;
                !reduced.contains(&(axis - 1))
            });
        }
    }

    /// Channels along dimensions whose size stays the same go on.
    pub(super) fn same_sizes(&mut self, node: &'g Node) {
        let from = self.dims(node.input(0).unwrap_or_default());
        let to = self.dims(node.outputs.first().map_or("", String::as_str));
        let changed: Vec<usize> = (0..from.len())
            .filter(|&axis| from.len() != to.len() || from[axis] != to[axis])
            .collect();
        self.over(node, &changed, "resizes");
    }
}
