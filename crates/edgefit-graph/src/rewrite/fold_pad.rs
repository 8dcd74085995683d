//! Pad nodes taken into the convolutions behind them.

use crate::attribute::Attribute;
use crate::error::Result;
use crate::graph::Graph;
use crate::infer::Inference;
use crate::ops::{Op, PadFill};
use crate::topology::Topology;

/// Adds the amounts of each Pad with zeros around the spatial dimensions to the `pads` of the Conv that
/// alone reads it, and drops the Pad. `inference` is that of the graph, and knows amounts that are computed
/// from sizes. Returns how many there were.
///
/// # Errors
/// A node is not what its op says.
pub fn fold_pad(graph: &mut Graph, inference: &Inference) -> Result<usize> {
    let mut folded = Vec::new();
    {
        let topology = Topology::of(graph);
        for (index, node) in graph.nodes.iter().enumerate() {
            if node.op != "Pad" || !node.is_onnx() {
                continue;
            }
            let (Some(x), Some(y)) = (node.input(0), node.outputs.first()) else {
                continue;
            };
            let Some(next) = topology.sole_consumer(y) else {
                continue;
            };
            let conv = &graph.nodes[next];
            let rank = inference.get(x).map_or(0, |known| known.dims.len());
            let no_own_rule = matches!(conv.string_or("auto_pad", "NOTSET")?, "NOTSET" | "VALID");
            if conv.op != "Conv" || conv.input(0) != Some(y) || rank < 3 || !no_own_rule {
                continue;
            }
            let Some(Some(Op::Pad(pad))) = inference.ops.get(index) else {
                continue;
            };
            let Ok(amounts) = pad.amounts(rank) else {
                continue;
            };
            let (outer, spatial) = amounts.split_at(2);
            let is_plain = pad.fill == PadFill::Constant(0.0)
                && outer.iter().all(|amount| *amount == (0, 0))
                && spatial
                    .iter()
                    .all(|(before, after)| *before >= 0 && *after >= 0);
            if !is_plain {
                continue;
            }
            let own = match conv.ints("pads")? {
                Some(own) if own.len() == 2 * spatial.len() => own.to_vec(),
                Some(_) => continue,
                None => vec![0; 2 * spatial.len()],
            };
            let before = spatial.iter().map(|(before, _)| *before);
            let added = before.chain(spatial.iter().map(|(_, after)| *after));
            let pads: Vec<i64> = own
                .iter()
                .zip(added)
                .map(|(own, added)| own + added)
                .collect();
            folded.push((index, next, x.to_owned(), pads));
        }
    }
    for (_, conv, x, pads) in &folded {
        let conv = &mut graph.nodes[*conv];
        conv.inputs[0].clone_from(x);
        conv.attributes.shift_remove("auto_pad");
        conv.attributes
            .insert("pads".into(), Attribute::Ints(pads.clone()));
    }
    super::prune(graph);
    Ok(folded.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dim, Node, ValueInfo};
    use crate::infer::{InputShapes, infer};
    use crate::tensor::Tensor;

    #[test]
    fn a_pad_becomes_the_padding_of_its_convolution() {
        let mut graph = Graph::new("g", 17);
        let dims = [1, 1, 4, 4].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        for (name, values) in [("some", &[0i64, 0, 0, 1][..]), ("others", &[0, 0, 1, 2])] {
            let tensor = Tensor::from_values(vec![4], values);
            graph.initializers.insert(name.into(), tensor);
        }
        let amounts = Node::new("Concat", "amounts", &["some", "others"], &["amounts"]);
        let weight = Tensor::from_values(vec![1, 1, 3, 3], &[1f32; 9]);
        graph.initializers.insert("w".into(), weight);
        let conv = Node::new("Conv", "conv", &["p", "w"], &["y"]);
        graph.nodes = vec![
            amounts.with("axis", Attribute::Int(0)),
            Node::new("Pad", "pad", &["x", "amounts"], &["p"]),
            conv.with("pads", Attribute::Ints(vec![1, 0, 0, 0])),
        ];
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        assert_eq!(fold_pad(&mut graph, &inference).unwrap(), 1);
        graph.check().unwrap();
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(
            graph.nodes[0].ints("pads").unwrap(),
            Some(&[1, 1, 1, 2][..])
        );
        let after = infer(&graph, &shapes).unwrap();
        assert_eq!(after.get("y").unwrap(), inference.get("y").unwrap());
    }
}
