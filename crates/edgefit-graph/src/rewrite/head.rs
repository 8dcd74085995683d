use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, Node, ValueInfo};
use crate::tensor::Tensor;
use crate::topology::Topology;

/// The classifier of a graph: a linear layer whose result is the graph's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Name of the node that multiplies: `Gemm` or `MatMul`.
    pub node: String,
    /// The value that the head reads: the features, of shape (batch, inputs).
    pub features: String,
    /// Number of features.
    pub inputs: usize,
    /// Number of classes.
    pub classes: usize,
    multiply: usize,
    add: Option<usize>,
}

impl Head {
    /// Finds the head of a graph that ends in logits; see [`crate::rewrite::cut_softmax`].
    ///
    /// # Errors
    /// The graph has several outputs or ends in something other than a linear layer.
    pub fn of(graph: &Graph) -> Result<Self> {
        let [output] = graph.outputs.as_slice() else {
            return Err(Error::invalid(
                "graph outputs",
                format!(
                    "there are {}; a classifier to fine-tune has one",
                    graph.outputs.len()
                ),
            ));
        };
        let topology = Topology::of(graph);
        let no_head = |detail: String| {
            Error::invalid(
                format!("graph output '{}'", output.name),
                format!(
                    "{detail}; a backbone to fine-tune ends in a linear layer (Gemm, or MatMul and Add)"
                ),
            )
        };
        let last = topology
            .producer(&output.name)
            .ok_or_else(|| no_head("no node makes it".into()))?;
        let node = &graph.nodes[last];
        let (multiply, add) = match node.op.as_str() {
            "Gemm" | "MatMul" => (last, None),
            "Add" => {
                let product = node
                    .present_inputs()
                    .filter_map(|input| topology.producer(input))
                    .find(|&index| graph.nodes[index].op == "MatMul");
                match product {
                    Some(product) => (product, Some(last)),
                    None => return Err(no_head("it comes from an Add without a MatMul".into())),
                }
            }
            other => return Err(no_head(format!("it comes from a {other}"))),
        };
        let node = &graph.nodes[multiply];
        let features = node.input(0).map(str::to_owned);
        let weight = node.input(1).and_then(|name| graph.initializers.get(name));
        let (Some(features), Some(&[rows, columns])) = (features, weight.map(Tensor::dims)) else {
            return Err(no_head(format!(
                "the weight of {} is not a matrix",
                node.place()
            )));
        };
        let transposed = transposed(node)?;
        let (inputs, classes) = if transposed {
            (columns, rows)
        } else {
            (rows, columns)
        };
        Ok(Head {
            node: node.label().to_owned(),
            features,
            inputs,
            classes,
            multiply,
            add,
        })
    }

    /// The weight as rows of one class each, and the bias (zeros when there is none).
    ///
    /// Shapes: (classes × inputs, row-major), (classes).
    ///
    /// # Errors
    /// The weights are not floats.
    pub fn weights(&self, graph: &Graph) -> Result<(Vec<f32>, Vec<f32>)> {
        let node = &graph.nodes[self.multiply];
        let weight = graph.initializers[&node.inputs[1]].to_f32()?;
        let weight = if transposed(node)? {
            weight
        } else {
            transpose(&weight, self.inputs, self.classes)
        };
        let bias = match self.bias_name(graph) {
            Some(name) => graph.initializers[name].to_f32()?,
            None => vec![0.0; self.classes],
        };
        Ok((weight, bias))
    }

    fn bias_name<'g>(&self, graph: &'g Graph) -> Option<&'g str> {
        match self.add {
            None => graph.nodes[self.multiply].input(2),
            Some(add) => graph.nodes[add]
                .present_inputs()
                .find(|name| graph.initializers.contains_key(*name)),
        }
    }

    /// The head alone: a graph from the features to the logits.
    ///
    /// # Errors
    /// The head needs more than the features.
    pub fn extract(&self, graph: &Graph) -> Result<Graph> {
        super::extract(graph, &[self.feature_value()], &graph.outputs)
    }

    /// The backbone alone: a graph from the inputs to the features.
    ///
    /// # Errors
    /// Never, for a head that [`Head::of`] found in this graph.
    pub fn backbone(&self, graph: &Graph) -> Result<Graph> {
        super::extract(graph, &graph.inputs, &[self.feature_value()])
    }

    fn feature_value(&self) -> ValueInfo {
        let dims = vec![Dim::Symbol("batch".into()), Dim::Known(self.inputs)];
        ValueInfo::f32(&self.features, dims)
    }
}

/// Gives the graph a classifier for another number of classes, named and stored as the old one.
///
/// `weight` holds a row of `head.inputs` values for each class, `bias` a value for each class.
///
/// # Errors
/// The sizes do not go together, or the graph changed since `head` was found.
pub fn replace_head(graph: &mut Graph, head: &Head, weight: &[f32], bias: &[f32]) -> Result<()> {
    let classes = bias.len();
    let at = || format!("node '{}'", head.node);
    if classes == 0 || weight.len() != classes * head.inputs {
        return Err(Error::invalid(
            at(),
            format!(
                "{} weights do not make {classes} classes of {} features",
                weight.len(),
                head.inputs
            ),
        ));
    }
    let bias_name = head.bias_name(graph).map(str::to_owned);
    let node = graph
        .nodes
        .get_mut(head.multiply)
        .filter(|node| node.label() == head.node)
        .ok_or_else(|| Error::invalid(at(), "is not where it was; find the head again"))?;
    let weight = if transposed(node)? {
        Tensor::from_values(vec![classes, head.inputs], weight)
    } else {
        let weight = transpose(weight, classes, head.inputs);
        Tensor::from_values(vec![head.inputs, classes], &weight)
    };
    let mut weight_name = node.inputs[1].clone();
    if readers(graph, &weight_name) > 1 {
        // Another node reads the old weight and keeps it.
        weight_name.push_str(".head");
        graph.nodes[head.multiply].inputs[1].clone_from(&weight_name);
    }
    let node = &mut graph.nodes[head.multiply];
    let bias_name = match bias_name {
        Some(name) => name,
        None if node.op == "Gemm" => {
            let name = format!("{weight_name}.bias");
            node.inputs.resize(2, String::new());
            node.inputs.push(name.clone());
            name
        }
        None => {
            return Err(Error::invalid(
                at(),
                "has no bias to replace; use a Gemm head",
            ));
        }
    };
    if node.op == "Gemm" {
        // The new weights are whole: factors of the old head are not theirs.
        node.attributes.shift_remove("alpha");
        node.attributes.shift_remove("beta");
    }
    let bias_name = match readers(graph, &bias_name) {
        0 | 1 => bias_name,
        _ => {
            let own = format!("{bias_name}.head");
            let reader = head.add.unwrap_or(head.multiply);
            let inputs = &mut graph.nodes[reader].inputs;
            inputs
                .iter_mut()
                .filter(|name| **name == bias_name)
                .for_each(|name| name.clone_from(&own));
            own
        }
    };
    // Models older than IR version 4 declare their initializers as inputs, with the old shape.
    graph
        .inputs
        .retain(|input| input.name != weight_name && input.name != bias_name);
    graph.ir_version = graph.ir_version.max(4);
    graph.initializers.insert(weight_name, weight);
    graph
        .initializers
        .insert(bias_name, Tensor::from_values(vec![classes], bias));

    let batch = graph.outputs[0].dims().and_then(<[Dim]>::first).cloned();
    let dims = vec![batch.unwrap_or(Dim::Unknown), Dim::Known(classes)];
    graph.outputs[0] = ValueInfo::f32(&graph.outputs[0].name, dims);
    let changed: Vec<String> = graph.nodes[head.multiply].outputs.clone();
    graph
        .value_info
        .retain(|value| !changed.contains(&value.name));
    graph.check()
}

/// How many times nodes read `value`.
fn readers(graph: &Graph, value: &str) -> usize {
    let inputs = graph.nodes.iter().flat_map(Node::present_inputs);
    inputs.filter(|name| *name == value).count()
}

fn transposed(node: &Node) -> Result<bool> {
    Ok(node.op == "Gemm" && node.int_or("transB", 0)? != 0)
}

/// `matrix` of `rows` × `columns`, transposed.
fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;

    fn classifier(op: &str) -> Graph {
        let mut graph = Graph::new("classifier", 17);
        graph.inputs.push(ValueInfo::f32(
            "x",
            vec![Dim::Symbol("n".into()), Dim::Known(2)],
        ));
        graph.outputs.push(ValueInfo::f32(
            "logits",
            vec![Dim::Symbol("n".into()), Dim::Known(3)],
        ));
        let weight = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (dims, gemm_like) = match op {
            "Gemm" => (vec![3, 2], true),
            _ => (vec![2, 3], false),
        };
        graph
            .initializers
            .insert("w".into(), Tensor::from_values(dims, &weight));
        graph
            .initializers
            .insert("b".into(), Tensor::from_values(vec![3], &[0f32; 3]));
        graph.nodes.push(Node::new("Relu", "relu", &["x"], &["f"]));
        if gemm_like {
            graph.nodes.push(
                Node::new("Gemm", "fc", &["f", "w", "b"], &["logits"])
                    .with("transB", Attribute::Int(1)),
            );
        } else {
            graph
                .nodes
                .push(Node::new("MatMul", "fc", &["f", "w"], &["p"]));
            graph
                .nodes
                .push(Node::new("Add", "bias", &["b", "p"], &["logits"]));
        }
        graph
    }

    #[test]
    fn both_forms_of_a_linear_layer_are_found_and_replaced() {
        for op in ["Gemm", "MatMul"] {
            let mut graph = classifier(op);
            let head = Head::of(&graph).unwrap();
            assert_eq!(
                (head.inputs, head.classes, head.features.as_str()),
                (2, 3, "f")
            );
            let weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
            let bias = [0.1, 0.2, 0.3, 0.4];
            replace_head(&mut graph, &head, &weight, &bias).unwrap();
            let found = Head::of(&graph).unwrap();
            assert_eq!(found.classes, 4);
            assert_eq!(
                found.weights(&graph).unwrap(),
                (weight.to_vec(), bias.to_vec())
            );
            assert_eq!(graph.outputs[0].dims().unwrap()[1], Dim::Known(4));

            assert_eq!(found.backbone(&graph).unwrap().nodes.len(), 1);
            let alone = found.extract(&graph).unwrap();
            assert_eq!(alone.inputs[0].name, "f");
            assert!(alone.nodes.iter().all(|node| node.op != "Relu"));
        }
    }

    #[test]
    fn weights_that_somebody_else_reads_are_left_alone() {
        let mut graph = classifier("Gemm");
        graph
            .nodes
            .insert(1, Node::new("Gemm", "twin", &["f", "w", "b"], &["t"]));
        graph
            .inputs
            .push(ValueInfo::f32("w", vec![Dim::Known(3), Dim::Known(2)]));
        let head = Head::of(&graph).unwrap();
        replace_head(&mut graph, &head, &[7.0; 8], &[1.0; 4]).unwrap();
        assert_eq!(graph.nodes[1].inputs, ["f", "w", "b"]);
        assert_eq!(graph.initializers["w"].dims(), [3, 2]);
        assert_eq!(graph.initializers["b"].dims(), [3]);
        let found = Head::of(&graph).unwrap();
        assert_eq!(found.weights(&graph).unwrap(), (vec![7.0; 8], vec![1.0; 4]));
    }

    #[test]
    fn a_graph_without_a_linear_end_is_refused() {
        let mut graph = classifier("Gemm");
        graph.outputs[0].name = "f".into();
        let error = Head::of(&graph).unwrap_err().to_string();
        assert!(error.contains("comes from a Relu"), "{error}");
        let error = replace_head(
            &mut graph,
            &Head::of(&classifier("Gemm")).unwrap(),
            &[1.0],
            &[],
        )
        .unwrap_err();
        assert!(
            error.to_string().contains("do not make 0 classes"),
            "{error}"
        );
    }
}
