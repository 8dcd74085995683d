//! Gelu that an exporter wrote out in other ops.

use std::collections::BTreeSet;

use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, Node};

/// The nodes of each x · ½ · (1 + erf(x / √2)), in whatever order it multiplies. Engines compute them as one op
/// on floats; on integers each of them would round.
pub(super) fn written_out_gelus(graph: &Graph, topology: &Topology) -> BTreeSet<usize> {
    let erfs = (0..graph.nodes.len()).filter(|&index| graph.nodes[index].op == "Erf");
    erfs.filter_map(|erf| written_out(graph, topology, erf))
        .flatten()
        .collect()
}

/// The nodes of the Gelu around an Erf.
fn written_out(graph: &Graph, topology: &Topology, erf: usize) -> Option<Vec<usize>> {
    let next = |index: usize, op: &str| {
        let next = topology.sole_consumer(graph.nodes[index].outputs.first()?)?;
        (graph.nodes[next].op == op).then_some(next)
    };
    let scale = topology.producer(graph.nodes[erf].input(0)?)?;
    let x = scaled(graph, &graph.nodes[scale])?;
    let add = next(erf, "Add")?;
    scaled(graph, &graph.nodes[add])?;
    let multiply = next(add, "Mul")?;
    let sum = graph.nodes[add].outputs.first()?;
    let other = graph.nodes[multiply]
        .present_inputs()
        .find(|name| name != sum)?;
    let half = if other == x {
        next(multiply, "Mul").filter(|&half| scaled(graph, &graph.nodes[half]).is_some())?
    } else {
        topology
            .producer(other)
            .filter(|&half| scaled(graph, &graph.nodes[half]) == Some(x))?
    };
    Some(vec![scale, erf, add, multiply, half])
}

/// The value that a node computes with a constant of one element.
fn scaled<'g>(graph: &Graph, node: &'g Node) -> Option<&'g str> {
    let is_scalar = |name: &&str| {
        let tensor = graph.initializers.get(*name);
        tensor.is_some_and(|tensor| tensor.elements() == 1)
    };
    let known = ["Add", "Mul", "Div"].contains(&node.op.as_str());
    let has_scalar = known && node.present_inputs().any(|name| is_scalar(&name));
    let mut others = node.present_inputs().filter(|name| !is_scalar(name));
    others.next().filter(|_| has_scalar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::Tensor;

    fn found(last: [Node; 2]) -> usize {
        let mut graph = Graph::new("g", 17);
        for name in ["root", "one", "half"] {
            let tensor = Tensor::from_values(vec![], &[0.5f32]);
            graph.initializers.insert(name.into(), tensor);
        }
        let [first, second] = last;
        graph.nodes = vec![
            Node::new("Div", "div", &["x", "root"], &["d"]),
            Node::new("Erf", "erf", &["d"], &["e"]),
            Node::new("Add", "add", &["e", "one"], &["a"]),
            first,
            second,
        ];
        written_out_gelus(&graph, &Topology::of(&graph)).len()
    }

    #[test]
    fn both_orders_are_found_and_no_other() {
        let mul = |a: &str, b: &str, y: &str| Node::new("Mul", y, &[a, b], &[y]);
        assert_eq!(found([mul("x", "a", "m"), mul("m", "half", "y")]), 5);
        assert_eq!(found([mul("x", "half", "h"), mul("h", "a", "y")]), 5);
        assert_eq!(found([mul("x", "a", "m"), mul("m", "x", "y")]), 0);
    }
}
