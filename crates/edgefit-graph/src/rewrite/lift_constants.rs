use crate::graph::Graph;
use crate::tensor::Tensor;

/// Turns each `Constant` node that holds a tensor into an initializer of the same name, so that
/// weights are found in one place however they were exported. Returns how many there were.
pub fn lift_constants(graph: &mut Graph) -> usize {
    let before = graph.nodes.len();
    let initializers = &mut graph.initializers;
    graph.nodes.retain(|node| {
        let tensor: Option<Tensor> = match node.op.as_str() {
            "Constant" => node.tensor("value").ok().flatten().cloned(),
            _ => None,
        };
        match (tensor, node.outputs.as_slice()) {
            (Some(tensor), [output]) => {
                initializers.insert(output.clone(), tensor);
                false
            }
            _ => true,
        }
    });
    graph.ir_version = graph.ir_version.max(4);
    before - graph.nodes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::graph::{Node, ValueInfo};

    #[test]
    fn constants_become_initializers() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let tensor = Tensor::from_values(vec![1], &[2f32]);
        graph.nodes = vec![
            Node::new("Constant", "c", &[], &["two"]).with("value", Attribute::Tensor(tensor)),
            Node::new("Mul", "double", &["x", "two"], &["y"]),
        ];
        assert_eq!(lift_constants(&mut graph), 1);
        graph.check().unwrap();
        assert_eq!(graph.initializers["two"].elements(), 1);
    }
}
