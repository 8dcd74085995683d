//! BatchNormalization folded into the convolution or the linear layer before it.

use std::collections::HashSet;

use super::prune::prune;
use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::ops::{Op, OpReader};
use crate::tensor::Tensor;
use crate::topology::Topology;

/// Folds each BatchNormalization that follows a Conv or a Gemm, and nothing else reads, into its
/// weight and bias. The value that the normalisation made keeps its name. Returns how many were
/// folded.
///
/// w' = w · scale / √(variance + ε), b' = (b − mean) · scale / √(variance + ε) + bias
/// (Jacob et al. 2018, arXiv 1712.05877, eq. 14), computed in f64.
///
/// ```
/// use edgefit_graph::rewrite::fold_batch_norm;
/// use edgefit_graph::{Graph, Node, Tensor, ValueInfo};
///
/// let mut graph = Graph::new("example", 17);
/// graph.inputs.push(ValueInfo::float("x"));
/// graph.outputs.push(ValueInfo::float("y"));
/// let weight = Tensor::from_values(vec![1, 1, 1, 1], &[3f32]);
/// graph.initializers.insert("weight".into(), weight);
/// for (name, value) in [("scale", 2f32), ("bias", 1.0), ("mean", 0.5), ("variance", 1.0)] {
///     graph.initializers.insert(name.into(), Tensor::from_values(vec![1], &[value]));
/// }
/// graph.nodes.push(Node::new("Conv", "conv", &["x", "weight"], &["c"]));
/// let inputs = ["c", "scale", "bias", "mean", "variance"];
/// let norm = Node::new("BatchNormalization", "norm", &inputs, &["y"]);
/// graph.nodes.push(norm.with("epsilon", edgefit_graph::Attribute::Float(0.0)));
///
/// assert_eq!(fold_batch_norm(&mut graph)?, 1);
/// assert_eq!(graph.nodes.len(), 1);
/// assert_eq!(graph.initializers["weight"].to_f32()?, [6.0]);
/// # Ok::<(), edgefit_graph::Error>(())
/// ```
///
/// # Errors
/// A weight involved is not of a float type.
pub fn fold_batch_norm(graph: &mut Graph) -> Result<usize> {
    let topology = Topology::of(graph);
    let pairs: Vec<(usize, usize)> = (0..graph.nodes.len())
        .filter_map(|layer| {
            let norm = topology.sole_consumer(graph.nodes[layer].outputs.first()?)?;
            (graph.nodes[norm].op == "BatchNormalization").then_some((layer, norm))
        })
        .collect();

    let reader = OpReader::new(graph);
    let mut folded = Vec::new();
    for (layer, norm) in pairs {
        let Some(axis) = output_axis(&reader, &graph.nodes[layer])? else {
            continue;
        };
        let Op::BatchNormalization(normalization) = reader.read(&graph.nodes[norm])? else {
            continue;
        };
        if normalization.training_mode {
            continue;
        }
        let constants = |node: usize, range: std::ops::Range<usize>| {
            range
                .map(|index| {
                    let name = graph.nodes[node].input(index)?;
                    graph.initializers.get(name)
                })
                .collect::<Option<Vec<_>>>()
        };
        let (Some(statistics), Some(weight)) = (constants(norm, 1..5), constants(layer, 1..2))
        else {
            continue;
        };
        let old_bias = constants(layer, 2..3);
        let channels = statistics[0].elements();
        let fits = weight[0].dims().get(axis) == Some(&channels)
            && statistics
                .iter()
                .all(|tensor| tensor.elements() == channels);
        let odd_bias = match &old_bias {
            Some(bias) => bias[0].elements() != channels,
            None => graph.nodes[layer].input(2).is_some(),
        };
        if !fits || odd_bias {
            continue;
        }

        let [scale, shift, mean, variance] = [0, 1, 2, 3].map(|index| statistics[index].to_f32());
        let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
        let factor: Vec<f64> = scale
            .iter()
            .zip(&variance)
            .map(|(&scale, &variance)| {
                f64::from(scale) / (f64::from(variance) + f64::from(normalization.epsilon)).sqrt()
            })
            .collect();
        // Elements of a channel that lie together.
        let together: usize = weight[0].dims()[axis + 1..].iter().product();
        let factors = factor
            .iter()
            .flat_map(|factor| std::iter::repeat_n(*factor, together))
            .cycle();
        let values = weight[0].to_f32()?.into_iter().zip(factors);
        let new_weight: Vec<f32> = values
            .map(|(value, factor)| (f64::from(value) * factor) as f32)
            .collect();
        let bias = match old_bias {
            Some(bias) => bias[0].to_f32()?,
            None => vec![0.0; channels],
        };
        let new_bias: Vec<f32> = (0..channels)
            .map(|channel| {
                let centred = f64::from(bias[channel]) - f64::from(mean[channel]);
                (centred * factor[channel] + f64::from(shift[channel])) as f32
            })
            .collect();
        let weight = Tensor::from_values(weight[0].dims().to_vec(), &new_weight);
        folded.push((
            layer,
            norm,
            weight,
            Tensor::from_values(vec![channels], &new_bias),
        ));
    }

    let count = folded.len();
    let mut gone = HashSet::with_capacity(count);
    for (layer, norm, weight, bias) in folded {
        // Weights may be shared with another node, so the folded ones get names of their own
        // unless nobody else reads the old ones.
        let names = [1, 2].map(|index| {
            let old = graph.nodes[layer]
                .input(index)
                .unwrap_or_default()
                .to_owned();
            let readers = graph
                .nodes
                .iter()
                .flat_map(|node| node.present_inputs())
                .filter(|name| *name == old)
                .count();
            match (old.is_empty(), readers) {
                (false, 1) => old,
                (false, _) => format!("{old}.folded.{}", graph.nodes[layer].outputs[0]),
                // The normalisation's own bias is the natural name of the folded one.
                (true, _) => {
                    let shift = graph.nodes[norm].inputs[2].clone();
                    format!("{shift}.folded.{}", graph.nodes[layer].outputs[0])
                }
            }
        });
        let output = graph.nodes[norm].outputs[0].clone();
        let node = &mut graph.nodes[layer];
        node.inputs.resize(3, String::new());
        node.inputs[1].clone_from(&names[0]);
        node.inputs[2].clone_from(&names[1]);
        node.outputs[0] = output;
        let [weight_name, bias_name] = names;
        graph.initializers.insert(weight_name, weight);
        graph.initializers.insert(bias_name, bias);
        gone.insert(norm);
    }
    let mut index = 0;
    graph.nodes.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
    prune(graph);
    Ok(count)
}

/// The axis of the weight of `node` that counts its output channels; `None` where nothing can be folded into
/// it.
fn output_axis(reader: &OpReader, node: &Node) -> Result<Option<usize>> {
    match node.op.as_str() {
        "Conv" => Ok(Some(0)),
        "Gemm" => {
            let Op::Gemm(gemm) = reader.read(node)? else {
                return Ok(None);
            };
            let is_plain = !gemm.trans_a && gemm.alpha == 1.0 && gemm.beta == 1.0;
            Ok(is_plain.then_some(usize::from(!gemm.trans_b)))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::graph::ValueInfo;

    #[test]
    fn folding_keeps_the_function() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        for (name, dims, values) in [
            ("w", vec![2, 1, 1], vec![2f32, -3.0]),
            ("b", vec![2], vec![0.5, 0.25]),
            ("scale", vec![2], vec![1.5, 0.5]),
            ("shift", vec![2], vec![0.1, -0.2]),
            ("mean", vec![2], vec![1.0, -1.0]),
            ("var", vec![2], vec![4.0, 0.25]),
        ] {
            graph
                .initializers
                .insert(name.into(), Tensor::from_values(dims, &values));
        }
        graph.nodes = vec![
            Node::new("Conv", "conv", &["x", "w", "b"], &["c"]),
            Node::new(
                "BatchNormalization",
                "bn",
                &["c", "scale", "shift", "mean", "var"],
                &["y"],
            )
            .with("epsilon", Attribute::Float(0.0)),
        ];
        assert_eq!(fold_batch_norm(&mut graph).unwrap(), 1);
        graph.check().unwrap();
        assert_eq!(graph.nodes.len(), 1);
        assert_eq!(graph.initializers.len(), 2);
        // Factors 1.5/2 and 0.5/0.5.
        let values = |name: &str| graph.initializers[name].to_f32().unwrap();
        assert_eq!(values("w"), [1.5, -3.0]);
        let expected = [(0.5 - 1.0) * 0.75 + 0.1, (0.25 + 1.0) * 1.0 - 0.2];
        for (value, expected) in values("b").iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-7);
        }
    }

    #[test]
    fn a_linear_layer_takes_the_factors_of_its_columns() {
        for (trans_b, weight, expected) in [
            (0, [1f32, 2.0, 3.0, 4.0], [2f32, 1.0, 6.0, 2.0]),
            (1, [1f32, 2.0, 3.0, 4.0], [2.0, 4.0, 1.5, 2.0]),
        ] {
            let mut graph = Graph::new("g", 17);
            graph.inputs.push(ValueInfo::f32("x", vec![]));
            graph.outputs.push(ValueInfo::f32("y", vec![]));
            for (name, dims, values) in [
                ("w", vec![2, 2], &weight[..]),
                ("scale", vec![2], &[2.0, 0.5]),
                ("shift", vec![2], &[1.0, 0.0]),
                ("mean", vec![2], &[0.0, 2.0]),
                ("var", vec![2], &[1.0, 1.0]),
            ] {
                let tensor = Tensor::from_values(dims, values);
                graph.initializers.insert(name.into(), tensor);
            }
            let norm = ["c", "scale", "shift", "mean", "var"];
            graph.nodes = vec![
                Node::new("Gemm", "fc", &["x", "w"], &["c"])
                    .with("transB", Attribute::Int(trans_b)),
                Node::new("BatchNormalization", "bn", &norm, &["y"])
                    .with("epsilon", Attribute::Float(0.0)),
            ];
            assert_eq!(fold_batch_norm(&mut graph).unwrap(), 1);
            assert_eq!(graph.initializers["w"].to_f32().unwrap(), expected);
            let bias = graph.nodes[0].input(2).unwrap();
            assert_eq!(graph.initializers[bias].to_f32().unwrap(), [1.0, -1.0]);
        }
    }

    #[test]
    fn a_value_that_somebody_else_reads_is_not_folded_away() {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", vec![]));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph.outputs.push(ValueInfo::f32("c", vec![]));
        for name in ["scale", "shift", "mean", "var"] {
            graph
                .initializers
                .insert(name.into(), Tensor::from_values(vec![1], &[1f32]));
        }
        graph
            .initializers
            .insert("w".into(), Tensor::from_values(vec![1, 1, 1], &[1f32]));
        graph.nodes = vec![
            Node::new("Conv", "conv", &["x", "w"], &["c"]),
            Node::new(
                "BatchNormalization",
                "bn",
                &["c", "scale", "shift", "mean", "var"],
                &["y"],
            ),
        ];
        assert_eq!(fold_batch_norm(&mut graph).unwrap(), 0);
        assert_eq!(graph.nodes.len(), 2);
    }
}
