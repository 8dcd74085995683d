//! Layer normalisation that an exporter wrote out in other ops.

use std::collections::BTreeSet;

use edgefit_graph::Graph;
use edgefit_graph::topology::Topology;

/// A mean; [`decompose`](edgefit_graph::rewrite::decompose) makes the second one of that over the last of three
/// dimensions.
const MEANS: &[&str] = &["ReduceMean", "GlobalAveragePool"];

/// The nodes around the root of each (x − mean(x)) / √(mean((x − mean(x))²) + ε), and of the same without the mean (Zhang
/// & Sennrich 2019), whatever is made of the root's inverse: Keras multiplies it by γ first. Variances lie orders of
/// magnitude apart: in one scale the small ones and ε would be 0, and what is divided by them infinite.
pub(super) fn written_out_norms(graph: &Graph, topology: &Topology) -> BTreeSet<usize> {
    let roots = (0..graph.nodes.len()).filter(|&index| graph.nodes[index].op == "Sqrt");
    roots
        .filter_map(|root| written_out(graph, topology, root))
        .flatten()
        .collect()
}

/// The nodes of the normalisation around a Sqrt.
fn written_out(graph: &Graph, topology: &Topology, root: usize) -> Option<Vec<usize>> {
    let is_op = |index: usize, ops: &[&str]| ops.contains(&graph.nodes[index].op.as_str());
    let producer = |name: &str, ops: &[&str]| {
        let index = topology.producer(name)?;
        is_op(index, ops).then_some(index)
    };
    let add = producer(graph.nodes[root].input(0)?, &["Add"])?;
    let mut addends = graph.nodes[add].present_inputs();
    let variance = addends.find_map(|name| producer(name, MEANS))?;
    let square = producer(graph.nodes[variance].input(0)?, &["Pow", "Mul"])?;
    let centred = graph.nodes[square].input(0)?;
    if is_op(square, &["Mul"]) && graph.nodes[square].input(1) != Some(centred) {
        return None;
    }
    let deviation = graph.nodes[root].outputs.first()?.as_str();
    let divisions = topology.consumers(deviation);
    let divides_by_it = |index: &usize| {
        let is_dividend = graph.nodes[*index].input(0) == Some(deviation);
        is_op(*index, &["Reciprocal"]) || is_op(*index, &["Div"]) && !is_dividend
    };
    if divisions.is_empty() || topology.is_output(deviation) || !divisions.iter().all(divides_by_it)
    {
        return None;
    }
    let mut nodes = vec![square, variance, add, root];
    for &division in divisions {
        nodes.push(division);
        if inverts(graph, division) {
            nodes.extend(products(graph, topology, division));
        }
    }
    let centre = producer(centred, &["Sub"]);
    let mean = centre.and_then(|centre| producer(graph.nodes[centre].input(1)?, MEANS));
    if let Some((centre, mean)) = centre.zip(mean) {
        nodes.extend([centre, mean]);
    }
    Some(nodes)
}

/// Whether a node divides 1 by its input.
fn inverts(graph: &Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    let dividend = node.input(0);
    let constant = dividend.and_then(|name| graph.initializers.get(name));
    node.op == "Reciprocal" || constant.is_some_and(|tensor| tensor.elements() == 1)
}

/// What multiplies by the result of a node, and by what a constant times it makes.
fn products(graph: &Graph, topology: &Topology, index: usize) -> Vec<usize> {
    let multiplied = |index: usize| {
        let output = graph.nodes[index].outputs.first();
        let readers = output.map(|output| topology.consumers(output));
        readers.unwrap_or_default().iter().copied()
    };
    let is_product = |index: &usize| graph.nodes[*index].op == "Mul";
    let is_scaled = |index: &usize| {
        let mut inputs = graph.nodes[*index].present_inputs();
        inputs.any(|name| graph.initializers.contains_key(name))
    };
    let mut found: Vec<usize> = multiplied(index).filter(is_product).collect();
    let scaled = found.clone().into_iter().filter(is_scaled);
    found.extend(scaled.flat_map(multiplied).filter(is_product));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::{Node, Tensor};

    fn found(square: Node, end: Vec<Node>) -> usize {
        let mut graph = Graph::new("g", 13);
        for name in ["one", "gamma"] {
            let one = Tensor::from_values(vec![], &[1f32]);
            graph.initializers.insert(name.into(), one);
        }
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
        assert_eq!(found(power(), divide("z")), 7);
        let other = Node::new("Mul", "other", &["x", "r"], &["z"]);
        assert_eq!(found(power(), [divide("c"), vec![other]].concat()), 0);
        let reversed = Node::new("Div", "reversed", &["r", "x"], &["y"]);
        assert_eq!(found(power(), vec![reversed]), 0);
        let inverse = Node::new("Reciprocal", "inverse", &["r"], &["i"]);
        let multiply = Node::new("Mul", "divide", &["c", "i"], &["y"]);
        assert_eq!(found(power(), vec![inverse, multiply.clone()]), 8);
        let inverse = Node::new("Div", "inverse", &["one", "r"], &["i"]);
        assert_eq!(found(power(), vec![inverse, multiply]), 8);
        // y = x · g + (β − mean · g) with g = γ / root, of which the sums are on integers.
        let keras = vec![
            Node::new("Reciprocal", "inverse", &["r"], &["i"]),
            Node::new("Mul", "scale", &["i", "gamma"], &["g"]),
            Node::new("Mul", "scaled", &["x", "g"], &["p"]),
            Node::new("Mul", "scaled_mean", &["m", "g"], &["q"]),
            Node::new("Sub", "shift", &["beta", "q"], &["b"]),
            Node::new("Add", "sum", &["p", "b"], &["y"]),
        ];
        assert_eq!(found(product("c"), keras), 10);
        let root_mean_square = Node::new("Pow", "square", &["x", "two"], &["s"]);
        assert_eq!(found(root_mean_square, divide("x")), 5);
    }
}
