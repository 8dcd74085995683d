//! Ops that compute element by element, their operands broadcast as in NumPy.

use edgefit_graph::Node;

use super::Trace;
use crate::channels::Labels;

impl<'g> Trace<'g> {
    /// Couples the channels of all operands; constants lose theirs with them.
    pub(super) fn elementwise(&mut self, node: &'g Node) {
        let Some(output) = node.outputs.first() else {
            return;
        };
        let rank = self.dims(output).len();
        let operands: Vec<&str> = node.present_inputs().collect();
        let axes = (0..rank).map(|axis| self.joined(node, &operands, axis));
        let axes = axes.collect();
        self.set(node, axes);
    }

    /// The channels along a dimension of the result.
    fn joined(&mut self, node: &Node, operands: &[&str], axis: usize) -> Option<Labels> {
        let rank = self.dims(&node.outputs[0]).len();
        // The dimension of each operand that is not broadcast along it.
        let own: Vec<(&str, usize)> = operands
            .iter()
            .filter_map(|&operand| {
                let dims = self.dims(operand);
                let own = (axis + dims.len()).checked_sub(rank)?;
                (dims[own] > 1).then_some((operand, own))
            })
            .collect();
        let found = own
            .iter()
            .find_map(|&(operand, own)| self.labels(operand, own))?;
        for (operand, own) in own {
            if let Some(labels) = self.labels(operand, own) {
                self.channels.join_all(&found, &labels);
            } else if !self.bind(operand, own, &found) {
                self.lose(node, &found, "joins it with what has to stay");
                return None;
            }
        }
        Some(found)
    }
}
