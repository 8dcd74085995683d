//! Vectors that several nodes read, because an exporter stored equal ones once.

use std::collections::HashMap;

use edgefit_graph::{FreshNames, Graph, Tensor};

/// Gives each node that reads a vector of floats, such as a bias, a copy of its own; the first keeps the
/// name. Exporters store equal ones once, mostly zeros, which would have unrelated layers lose the same
/// channels. Matrices are shared on purpose.
pub(crate) fn unshare_vectors(graph: &mut Graph) {
    let mut names = FreshNames::of(graph);
    let mut reads: HashMap<String, usize> = HashMap::new();
    let mut copies = Vec::new();
    for node in &mut graph.nodes {
        for input in &mut node.inputs {
            let Some(tensor) = graph
                .initializers
                .get(input)
                .filter(|tensor| is_vector(tensor))
            else {
                continue;
            };
            let read = reads.entry(input.clone()).or_default();
            *read += 1;
            if *read > 1 {
                let copy = names.take(input);
                copies.push((copy.clone(), tensor.clone()));
                *input = copy;
            }
        }
    }
    graph.initializers.extend(copies);
}

fn is_vector(tensor: &Tensor) -> bool {
    let long = tensor.dims().iter().filter(|&&size| size > 1).count();
    tensor.dtype().is_float() && long == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::Node;

    #[test]
    fn only_vectors_are_copied() {
        let mut graph = Graph::new("g", 17);
        let zeros =
            |dims: &[usize]| Tensor::from_values(dims.to_vec(), &vec![0f32; dims.iter().product()]);
        graph.initializers.insert("b".into(), zeros(&[3]));
        graph.initializers.insert("w".into(), zeros(&[3, 3]));
        graph.nodes = vec![
            Node::new("Gemm", "one", &["x", "w", "b"], &["h"]),
            Node::new("Gemm", "two", &["h", "w", "b"], &["y"]),
        ];
        unshare_vectors(&mut graph);
        assert_eq!(graph.nodes[0].inputs, ["x", "w", "b"]);
        assert_eq!(graph.nodes[1].inputs, ["h", "w", "b_1"]);
        assert_eq!(graph.initializers["b_1"], graph.initializers["b"]);
    }
}
