//! Times of nodes, summed by operator and by block.

use edgefit_base::names::block;
use edgefit_engine::NodeTime;
use indexmap::IndexMap;
use serde::Serialize;

/// Deepest block that is looked for.
const DEEPEST: usize = 6;

/// Nodes that belong together, and the time of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeSum {
    /// The operator or the block.
    pub name: String,
    /// How many nodes.
    pub nodes: usize,
    /// Their time.
    pub ns: u64,
}

/// Sums by operator, the slowest first.
pub fn by_op(nodes: &[NodeTime]) -> Vec<TimeSum> {
    let mut ops = sums(nodes, |node| node.op.clone());
    ops.sort_by_key(|op| std::cmp::Reverse(op.ns));
    ops
}

/// Sums by block, in the order of the model: by as few leading parts of the nodes' names as leave no
/// block more than half of the time.
pub fn by_block(nodes: &[NodeTime]) -> Vec<TimeSum> {
    let whole: u64 = nodes.iter().map(|node| node.ns).sum();
    let at = |depth| sums(nodes, |node| block(&node.name, depth));
    let balanced = (1..=DEEPEST).map(at).find(|blocks| {
        let longest = blocks.iter().map(|block| block.ns).max();
        longest.unwrap_or(0) <= whole / 2
    });
    balanced.unwrap_or_else(|| at(DEEPEST))
}

fn sums(nodes: &[NodeTime], name: impl Fn(&NodeTime) -> String) -> Vec<TimeSum> {
    let mut sums: IndexMap<String, TimeSum> = IndexMap::new();
    for node in nodes {
        let name = name(node);
        let sum = sums.entry(name.clone()).or_insert_with(|| TimeSum {
            name,
            nodes: 0,
            ns: 0,
        });
        sum.nodes += 1;
        sum.ns = sum.ns.saturating_add(node.ns);
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_summed_by_op_and_by_block() {
        let node = |name: &str, op: &str, ns| NodeTime {
            name: name.into(),
            op: op.into(),
            ns,
        };
        let nodes = [
            node("/net/stem/Conv", "Conv", 30),
            node("/net/blocks.0/Conv", "Conv", 40),
            node("/net/blocks.0/Relu", "Relu", 1),
            node("/net/head/Gemm", "Gemm", 29),
        ];
        let names = |sums: Vec<TimeSum>| -> Vec<(String, usize, u64)> {
            let parts = sums.into_iter().map(|sum| (sum.name, sum.nodes, sum.ns));
            parts.collect()
        };
        let expected = [("Conv", 2, 70), ("Gemm", 1, 29), ("Relu", 1, 1)];
        assert_eq!(
            names(by_op(&nodes)),
            expected.map(|(name, nodes, ns)| (name.to_owned(), nodes, ns))
        );
        let expected = [
            ("net/stem", 1, 30),
            ("net/blocks", 2, 41),
            ("net/head", 1, 29),
        ];
        assert_eq!(
            names(by_block(&nodes)),
            expected.map(|(name, nodes, ns)| (name.to_owned(), nodes, ns))
        );
    }
}
