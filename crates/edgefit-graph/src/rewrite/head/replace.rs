//! Replaces the head of a graph by one for another number of classes.

use super::{Head, Layer, LayerWeights, constant, rows_are_classes, transpose};
use crate::error::{Error, Result};
use crate::fresh_names::FreshNames;
use crate::graph::{Dim, Graph, Node};
use crate::infer::{InputShapes, infer};
use crate::tensor::Tensor;
use crate::topology::outputs_behind;

/// Gives the graph a classifier for another number of classes, named and stored as the old one.
///
/// `weights` has an entry for each of the head's layers.
///
/// ```
/// use edgefit_graph::rewrite::{Head, LayerWeights, replace_head};
/// use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};
///
/// let mut graph = Graph::new("example", 17);
/// let batch = || Dim::Symbol("batch".into());
/// graph.inputs.push(ValueInfo::f32("features", vec![batch(), Dim::Known(2)]));
/// graph.outputs.push(ValueInfo::f32("logits", vec![batch(), Dim::Known(3)]));
/// let weight = Tensor::from_values(vec![3, 2], &[0f32; 6]);
/// graph.initializers.insert("weight".into(), weight);
/// let linear = Node::new("Gemm", "linear", &["features", "weight"], &["logits"]);
/// graph.nodes.push(linear.with("transB", Attribute::Int(1)));
///
/// let head = Head::of(&graph, None)?;
/// assert_eq!((head.classes, head.layers[0].inputs), (3, 2));
/// let five_classes = LayerWeights {
///     weight: vec![0.5; 5 * 2],
///     bias: vec![0.0; 5],
/// };
/// replace_head(&mut graph, &head, &[five_classes])?;
/// assert_eq!(Head::of(&graph, None)?.classes, 5);
/// # Ok::<(), edgefit_graph::Error>(())
/// ```
///
/// # Errors
/// The sizes do not go together, the graph changed since `head` was found, or the new number of
/// classes does not come through what lies behind the head.
pub fn replace_head(graph: &mut Graph, head: &Head, weights: &[LayerWeights]) -> Result<()> {
    let name = head.layers.first().map_or("", |layer| layer.node.as_str());
    let at = || format!("node '{name}'");
    let classes = weights.first().map_or(0, |layer| layer.bias.len());
    let fits = |(layer, new): (&Layer, &LayerWeights)| {
        new.bias.len() == classes && new.weight.len() == classes * layer.inputs
    };
    if classes == 0
        || weights.len() != head.layers.len()
        || !head.layers.iter().zip(weights).all(fits)
    {
        return Err(Error::invalid(
            at(),
            format!("the new weights do not make {classes} classes of its features"),
        ));
    }
    let output = match outputs_behind(graph, [[name.to_owned()].as_slice()])
        .concat()
        .as_slice()
    {
        [output] => output.clone(),
        _ => {
            return Err(Error::invalid(
                at(),
                "is not where it was; find the head again",
            ));
        }
    };
    if classes != head.classes {
        rename_classes(graph, head, classes);
    }
    let layers = head.layers.iter();
    let of_layers = layers.flat_map(|layer| [layer.multiply].into_iter().chain(layer.add));
    let stale: Vec<String> = of_layers
        .chain(head.tail.iter().copied())
        .filter_map(|index| graph.nodes.get(index))
        .flat_map(|node| node.outputs.clone())
        .collect();
    graph
        .value_info
        .retain(|value| !stale.contains(&value.name));
    // A layer may get one more node, so those behind come first.
    let mut layers: Vec<(&Layer, &LayerWeights)> = head.layers.iter().zip(weights).collect();
    layers.sort_by_key(|(layer, _)| std::cmp::Reverse(layer.multiply));
    for (layer, new) in layers {
        replace_layer(graph, layer, new)?;
    }
    graph.ir_version = graph.ir_version.max(4);
    // With a head chosen among several, the other outputs go.
    graph.outputs.retain(|info| info.name == output);
    for info in &mut graph.outputs {
        if let crate::graph::ValueType::Tensor {
            dims: Some(dims), ..
        } = &mut info.ty
        {
            let old = dims
                .iter_mut()
                .rev()
                .find(|dim| **dim == Dim::Known(head.classes));
            if let Some(dim) = old {
                *dim = Dim::Known(classes);
            }
        }
    }
    graph.check()?;

    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    let dims = &inference.known(&output)?.dims;
    if dims.iter().product::<usize>() == classes {
        Ok(())
    } else {
        Err(Error::invalid(
            at(),
            format!(
                "makes {classes} classes, but the output '{output}' has the shape {dims:?}; choose \
                 another node with --head"
            ),
        ))
    }
}

fn replace_layer(graph: &mut Graph, layer: &Layer, new: &LayerWeights) -> Result<()> {
    let moved = || {
        let at = format!("node '{}'", layer.node);
        Error::invalid(at, "is not where it was; find the head again")
    };
    let classes = new.bias.len();
    let node = graph.nodes.get(layer.multiply).ok_or_else(moved)?;
    let old = node
        .input(1)
        .and_then(|name| constant(graph, name))
        .ok_or_else(moved)?;
    if node.label() != layer.node {
        return Err(moved());
    }
    let weight = if rows_are_classes(node)? {
        let dims = [&[classes], &old.dims()[1..]].concat();
        Tensor::from_values(dims, &new.weight)
    } else {
        let weight = transpose(&new.weight, classes, layer.inputs);
        Tensor::from_values(vec![layer.inputs, classes], &weight)
    };
    let old_bias = layer.bias(graph).and_then(|name| constant(graph, name));
    let mut bias_dims = old_bias.map_or(Vec::new(), |old| old.dims().to_vec());
    match bias_dims.last_mut() {
        Some(last) => *last = classes,
        None => bias_dims.push(classes),
    }
    let bias = Tensor::from_values(bias_dims, &new.bias);
    let bias_name = layer.bias(graph).map(str::to_owned);
    let node = &mut graph.nodes[layer.multiply];
    if node.op == "Gemm" {
        // The new weights are whole: factors of the old head are not theirs.
        node.attributes.shift_remove("alpha");
        node.attributes.shift_remove("beta");
    }
    let weight_name = node.inputs[1].clone();
    set_constant(graph, layer.multiply, &weight_name, weight);
    match bias_name {
        Some(name) => set_constant(graph, layer.add.unwrap_or(layer.multiply), &name, bias),
        None if graph.nodes[layer.multiply].op == "MatMul" => add_bias(graph, layer, bias),
        None => {
            let weight = &graph.nodes[layer.multiply].inputs[1];
            let name = FreshNames::of(graph).take(&format!("{weight}.bias"));
            let inputs = &mut graph.nodes[layer.multiply].inputs;
            inputs.resize(2, String::new());
            inputs.push(name.clone());
            graph.initializers.insert(name, bias);
        }
    }
    Ok(())
}

/// Inserts an addition of `bias` behind a product that had none; the result keeps its name.
fn add_bias(graph: &mut Graph, layer: &Layer, bias: Tensor) {
    let node = &mut graph.nodes[layer.multiply];
    layer.node.clone_into(&mut node.name);
    let weight = node.inputs[1].clone();
    let Some(output) = node.outputs.first() else {
        return;
    };
    let sum = output.clone();
    let product = FreshNames::of(graph).take(&format!("{sum}.product"));
    graph.nodes[layer.multiply].outputs[0].clone_from(&product);
    let name = FreshNames::of(graph).take(&format!("{weight}.bias"));
    let add = Node::new(
        "Add",
        &format!("{}.bias", layer.node),
        &[&product, &name],
        &[&sum],
    );
    graph.nodes.insert(layer.multiply + 1, add);
    graph.initializers.insert(name, bias);
}

/// Replaces the constant `name` by `tensor` for the node `reader`; other readers keep the old one.
fn set_constant(graph: &mut Graph, reader: usize, name: &str, tensor: Tensor) {
    let inputs = graph.nodes.iter().flat_map(Node::present_inputs);
    let readers = inputs.filter(|input| *input == name).count();
    let own = if readers == 1 && graph.initializers.contains_key(name) {
        name.to_owned()
    } else {
        FreshNames::of(graph).take(&format!("{name}.head"))
    };
    graph.nodes[reader]
        .inputs
        .iter_mut()
        .filter(|input| *input == name)
        .for_each(|input| input.clone_from(&own));
    // Models older than IR version 4 declare their initializers as inputs, with the old shape.
    graph.inputs.retain(|input| input.name != own);
    graph.value_info.retain(|value| value.name != own);
    graph.initializers.insert(own, tensor);
}

/// Writes the new number of classes into each `Reshape` behind the head that names the old one.
fn rename_classes(graph: &mut Graph, head: &Head, classes: usize) {
    for &index in &head.tail {
        if graph
            .nodes
            .get(index)
            .is_none_or(|node| node.op != "Reshape")
        {
            continue;
        }
        let Some(name) = graph.nodes[index].input(1).map(str::to_owned) else {
            continue;
        };
        let shape = constant(graph, &name).map(|shape| (shape.dims().to_vec(), shape.to_i64()));
        let Some((dims, Ok(mut sizes))) = shape else {
            continue;
        };
        let old = sizes
            .iter_mut()
            .rev()
            .find(|size| **size == head.classes as i64);
        if let Some(size) = old {
            *size = classes as i64;
            set_constant(graph, index, &name, Tensor::from_values(dims, &sizes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::classifier;
    use super::*;
    use crate::graph::ValueInfo;

    fn weights(classes: usize) -> Vec<LayerWeights> {
        vec![LayerWeights {
            weight: vec![7.0; 2 * classes],
            bias: vec![1.0; classes],
        }]
    }

    #[test]
    fn weights_that_somebody_else_reads_are_left_alone() {
        let mut graph = classifier("Gemm");
        let twin = graph.nodes[2].clone();
        graph.nodes.insert(
            2,
            Node {
                name: "twin".into(),
                outputs: vec!["t1".into()],
                ..twin
            },
        );
        let declared = ValueInfo::f32("w", vec![Dim::Known(3), Dim::Known(2)]);
        graph.inputs.push(declared);
        let head = Head::of(&graph, None).unwrap();
        replace_head(&mut graph, &head, &weights(4)).unwrap();
        assert_eq!(graph.nodes[2].inputs, ["f", "w", "b"]);
        assert_eq!(graph.initializers["w"].dims(), [3, 2]);
        assert_eq!(graph.initializers["b"].dims(), [3]);
        let found = Head::of(&graph, None).unwrap();
        assert_eq!(found.weights(&graph).unwrap(), weights(4));
    }

    #[test]
    fn a_reshape_that_names_the_classes_follows() {
        let mut graph = classifier("Conv");
        let shape = Tensor::from_values(vec![2], &[-1i64, 3]);
        graph.initializers.insert("shape".into(), shape);
        graph.nodes[4] = Node::new("Reshape", "flatten", &["p", "shape"], &["logits"]);
        let head = Head::of(&graph, None).unwrap();
        replace_head(&mut graph, &head, &weights(5)).unwrap();
        assert_eq!(graph.initializers["shape"].to_i64().unwrap(), [-1, 5]);
    }

    #[test]
    fn weights_of_another_size_are_refused() {
        let mut graph = classifier("Gemm");
        let head = Head::of(&graph, None).unwrap();
        let mut odd = weights(4);
        odd[0].weight.pop();
        let error = replace_head(&mut graph, &head, &odd)
            .unwrap_err()
            .to_string();
        assert!(error.contains("do not make 4 classes"), "{error}");
        assert!(replace_head(&mut graph, &head, &[]).is_err());
    }
}
