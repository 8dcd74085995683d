//! Layer normalisation that an exporter wrote out in other ops.

use std::collections::BTreeSet;

use edgefit_graph::Graph;
use edgefit_graph::topology::Topology;

/// A mean; [`decompose`](edgefit_graph::rewrite::decompose) makes the second one of that over the last of three
/// dimensions.
const MEANS: &[&str] = &["ReduceMean", "GlobalAveragePool"];

/// The nodes of each (x − mean(x)) / √(mean((x − mean(x))²) + ε), and of the same without the mean (Zhang &
/// Sennrich 2019). Variances lie orders of magnitude apart: in one scale the small ones and ε would be 0, and what is
/// divided by them infinite.
pub(super) fn written_out_norms(graph: &Graph, topology: &Topology) -> BTreeSet<usize> {
    let roots = (0..graph.nodes.len()).filter(|&index| graph.nodes[index].op == "Sqrt");
    roots
        .filter_map(|root| written_out(graph, topology, root))
        .flatten()
        .collect()
}

/// The nodes of the normalisation around a Sqrt.
fn written_out(graph: &Graph, topology: &Topology, root: usize) -> Option<Vec<usize>> {
    let is_op = |index: &usize, ops: &[&str]| ops.contains(&graph.nodes[*index].op.as_str());
    let producer = |name: &str, ops: &[&str]| {
        let index = topology.producer(name)?;
        is_op(&index, ops).then_some(index)
    };
    let inverts = |index: &usize| {
        let dividend = graph.nodes[*index].input(0);
        let constant = dividend.and_then(|name| graph.initializers.get(name));
        let divides_one = constant.is_some_and(|tensor| tensor.elements() == 1);
        is_op(index, &["Reciprocal"]) || is_op(index, &["Div"]) && divides_one
    };
    let add = producer(graph.nodes[root].input(0)?, &["Add"])?;
    let mut addends = graph.nodes[add].present_inputs();
    let mean = addends.find_map(|name| producer(name, MEANS))?;
    let square = producer(graph.nodes[mean].input(0)?, &["Pow", "Mul"])?;
    let centred = graph.nodes[square].input(0)?;
    if is_op(&square, &["Mul"]) && graph.nodes[square].input(1) != Some(centred) {
        return None;
    }
    let mut divide = topology.sole_consumer(graph.nodes[root].outputs.first()?)?;
    let mut nodes = vec![square, mean, add, root, divide];
    if inverts(&divide) {
        divide = topology.sole_consumer(graph.nodes[divide].outputs.first()?)?;
        nodes.push(divide);
    }
    let divides = is_op(&divide, &["Div", "Mul"]);
    if !divides || !graph.nodes[divide].present_inputs().any(|x| x == centred) {
        return None;
    }
    let subtract = producer(centred, &["Sub"]);
    let mean = subtract.and_then(|subtract| {
        let mean = graph.nodes[subtract].input(1)?;
        producer(mean, MEANS)
    });
    nodes.extend(subtract.zip(mean).map(|(subtract, _)| subtract));
    nodes.extend(mean);
    Some(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::{Node, Tensor};

    fn found(square: Node, end: Vec<Node>) -> usize {
        let mut graph = Graph::new("g", 13);
        let one = Tensor::from_values(vec![], &[1f32]);
        graph.initializers.insert("one".into(), one);
        graph.nodes = vec![
            Node::new("ReduceMean", "mean", &["x"], &["m"]),
            Node::new("Sub", "centre", &["x", "m"], &["c"]),
            square,
            Node::new("ReduceMean", "variance", &["s"], &["v"]),
            Node::new("Add", "add", &["epsilon", "v"], &["a"]),
            Node::new("Sqrt", "root", &["a"], &["r"]),
        ];
        graph.nodes.extend(end);
        written_out_norms(&graph, &Topology::of(&graph)).len()
    }

    #[test]
    fn a_norm_is_found_however_it_squares_and_divides_and_no_other_root() {
        let power = || Node::new("Pow", "square", &["c", "two"], &["s"]);
        let product = |other: &str| Node::new("Mul", "square", &["c", other], &["s"]);
        let divide = |x: &str| vec![Node::new("Div", "divide", &[x, "r"], &["y"])];
        assert_eq!(found(power(), divide("c")), 7);
        assert_eq!(found(product("c"), divide("c")), 7);
        assert_eq!(found(product("z"), divide("c")), 0);
        assert_eq!(found(power(), divide("z")), 0);
        let inverse = Node::new("Reciprocal", "inverse", &["r"], &["i"]);
        let multiply = Node::new("Mul", "divide", &["c", "i"], &["y"]);
        assert_eq!(found(power(), vec![inverse, multiply.clone()]), 8);
        let inverse = Node::new("Div", "inverse", &["one", "r"], &["i"]);
        assert_eq!(found(power(), vec![inverse, multiply]), 8);
        let root_mean_square = Node::new("Pow", "square", &["x", "two"], &["s"]);
        assert_eq!(found(root_mean_square, divide("x")), 5);
    }
}
