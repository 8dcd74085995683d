//! Finds the head of a graph.

use std::collections::HashSet;

use super::{Head, Layer, rows_are_classes};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node};
use crate::infer::{Inference, InputShapes, infer};
use crate::tensor::{DataType, Tensor};
use crate::topology::{Topology, outputs_behind};

const FIX: &str = "name the node that makes the classes with --head";

impl Head {
    /// Finds the head of a graph that ends in logits, see [`crate::rewrite::cut_softmax`]; or takes
    /// the node called `choice` for it.
    ///
    /// # Errors
    /// There is no such layer, or the shapes of the graph cannot be worked out.
    pub fn of(graph: &Graph, choice: Option<&str>) -> Result<Self> {
        find(graph, choice)
    }
}

fn find(graph: &Graph, choice: Option<&str>) -> Result<Head> {
    let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
    let mut search = Search {
        graph,
        inference: &inference,
        topology: Topology::of(graph),
        layers: Vec::new(),
        tail: Vec::new(),
        rectified: false,
    };
    match choice {
        Some(name) => search.chosen(name)?,
        None => {
            let [output] = graph.outputs.as_slice() else {
                return Err(Error::invalid(
                    "graph outputs",
                    format!(
                        "there are {}; a classifier to fine-tune has one; {FIX}",
                        graph.outputs.len()
                    ),
                ));
            };
            search.back_from(&output.name)?;
        }
    }
    search.finish()
}

struct Search<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    topology: Topology<'g>,
    layers: Vec<(Layer, usize)>,
    tail: Vec<usize>,
    rectified: bool,
}

impl<'g> Search<'g> {
    /// Takes the node `name`, and notes what lies behind it.
    fn chosen(&mut self, name: &str) -> Result<()> {
        let at = || Error::invalid(format!("--head '{name}'"), self.suggest());
        let index = self
            .graph
            .nodes
            .iter()
            .position(|node| node.label() == name);
        let index = index.ok_or_else(at)?;
        let node = &self.graph.nodes[index];
        let value = node.outputs.first().map_or("", String::as_str);
        // The bias may be added by the next node.
        let next = self.topology.sole_consumer(value);
        let add = next.filter(|&next| self.graph.nodes[next].op == "Add");
        let layer = self.layer(index, add).or_else(|_| self.layer(index, None));
        let layer = layer.map_err(|problem| Error::invalid(node.place(), problem))?;
        self.layers.push(layer);
        let behind = outputs_behind(self.graph, [[name.to_owned()].as_slice()]).concat();
        if behind.len() != 1 {
            let problem = format!("{} outputs depend on it, not one", behind.len());
            return Err(Error::invalid(node.place(), problem));
        }
        self.tail.extend(index + 1..self.graph.nodes.len());
        Ok(())
    }

    fn suggest(&self) -> String {
        let linear = self.graph.nodes.iter().enumerate().rev();
        let names: Vec<String> = linear
            .filter(|(index, _)| self.layer(*index, None).is_ok())
            .map(|(_, node)| format!("'{}'", node.label()))
            .take(3)
            .collect();
        format!(
            "is not a node of the model; the last linear layers are {}",
            names.join(", ")
        )
    }

    /// Walks from `value` towards the inputs until it meets linear layers.
    fn back_from(&mut self, value: &str) -> Result<()> {
        let mut seen = HashSet::new();
        let mut values = vec![value.to_owned()];
        while let Some(value) = values.pop() {
            // Where two ways meet, they go on as one.
            if seen.insert(value.clone()) {
                let before = self.step_back(&value)?;
                values.extend(before.into_iter().rev());
            }
        }
        Ok(())
    }

    /// The values from which `value` comes, on the way to a linear layer; none if it comes from one.
    fn step_back(&mut self, value: &str) -> Result<Vec<String>> {
        let no_head = |problem: String| {
            Error::invalid(format!("value '{value}'"), format!("{problem}; {FIX}"))
        };
        let Some(index) = self.topology.producer(value) else {
            return Err(no_head(
                "is an input of the graph, and no head was met".into(),
            ));
        };
        let node = &self.graph.nodes[index];
        let flowing: Vec<&str> = node
            .present_inputs()
            .filter(|name| self.constant(name).is_none())
            .collect();
        let layer = match (node.op.as_str(), flowing.as_slice()) {
            ("Gemm" | "MatMul" | "Conv", _) => self.layer(index, None),
            ("Add", &[product]) => {
                let product = self.topology.producer(product).unwrap_or(index);
                self.layer(product, Some(index))
            }
            // Heads whose sum or mean is taken.
            ("Add" | "Sum" | "Mean", [_, _, ..]) => {
                self.tail.push(index);
                return Ok(flowing.into_iter().map(str::to_owned).collect());
            }
            (op, [next, ..]) if self.passes(node, next) => {
                self.rectified |= matches!(op, "Relu" | "Clip");
                self.tail.push(index);
                return Ok(vec![(*next).to_owned()]);
            }
            (op, _) => Err(format!(
                "comes from a {op}; a head is a Gemm, a MatMul or a 1×1 Conv with nothing but \
                 pooling and changes of shape behind it"
            )),
        };
        self.layers.push(layer.map_err(no_head)?);
        Ok(Vec::new())
    }

    /// The layer whose product node `multiply` makes, and its number of classes.
    fn layer(&self, multiply: usize, add: Option<usize>) -> Result<(Layer, usize), String> {
        let node = &self.graph.nodes[multiply];
        let no_layer = || format!("comes from a {}, which is no linear layer", node.op);
        let features = node.input(0).ok_or_else(no_layer)?;
        let stored = node.input(1).ok_or_else(no_layer)?;
        let weight = self.constant(stored).ok_or_else(|| {
            format!(
                "comes from the {} '{}', whose weight '{stored}' the model computes instead of storing it",
                node.op,
                node.label()
            )
        })?;
        if self.constant(features).is_some() {
            return Err(no_layer());
        }
        if weight.dtype() != DataType::F32 {
            return Err(format!(
                "comes from the {} '{}', whose weight is {}, and a head is trained in 32-bit floats",
                node.op,
                node.label(),
                weight.dtype()
            ));
        }
        let rows = rows_are_classes(node).map_err(|error| error.to_string())?;
        let (first, second) = match (node.op.as_str(), weight.dims()) {
            ("Gemm" | "MatMul", &[first, second]) => (first, second),
            ("Conv", [first, second, kernel @ ..])
                if kernel.iter().all(|&size| size == 1) && self.is_plain(node) =>
            {
                (*first, *second)
            }
            ("Conv", _) => return Err("comes from a Conv with a kernel larger than 1×1".into()),
            _ => return Err(no_layer()),
        };
        let (classes, inputs) = if rows {
            (first, second)
        } else {
            (second, first)
        };
        if let Some(add) = add {
            let bias = self.graph.nodes[add]
                .present_inputs()
                .find_map(|name| self.constant(name));
            let one_each = bias.is_some_and(|bias: &Tensor| {
                bias.elements() == classes && bias.dims().last() == Some(&classes)
            });
            if node.op != "MatMul" || !one_each {
                return Err("is made by an addition that is no bias".into());
            }
        }
        let dims = self
            .inference
            .known(features)
            .map_err(|error| error.to_string())?;
        let &[1, ref sample @ ..] = dims.dims.as_slice() else {
            return Err(format!(
                "reads features of shape {:?}, of which the first dimension is not the batch",
                dims.dims
            ));
        };
        let layer = Layer {
            node: node.label().to_owned(),
            features: features.to_owned(),
            dims: sample.to_vec(),
            inputs,
            multiply,
            add,
        };
        Ok((layer, classes))
    }

    /// Whether a convolution does not skip, group or pad.
    fn is_plain(&self, node: &Node) -> bool {
        let all = |name: &str, wanted: i64| {
            let values = node.ints(name).ok().flatten().unwrap_or_default();
            values.iter().all(|&value| value == wanted)
        };
        all("strides", 1)
            && all("pads", 0)
            && node.int_or("group", 1).is_ok_and(|groups| groups == 1)
    }

    fn finish(self) -> Result<Head> {
        let classes = self.layers.first().map_or(0, |(_, classes)| *classes);
        if let Some((other, _)) = self.layers.iter().find(|(_, other)| *other != classes) {
            let problem = "makes another number of classes than the other head";
            return Err(Error::invalid(format!("node '{}'", other.node), problem));
        }
        Ok(Head {
            layers: self.layers.into_iter().map(|(layer, _)| layer).collect(),
            classes,
            rectified: self.rectified,
            tail: self.tail,
        })
    }

    /// The initializer behind `name`, through nodes that only rename it.
    fn constant(&self, name: &str) -> Option<&'g Tensor> {
        let mut name = name;
        loop {
            if let Some(tensor) = self.graph.initializers.get(name) {
                return Some(tensor);
            }
            let node = &self.graph.nodes[self.topology.producer(name)?];
            name = node.input(0).filter(|_| node.op == "Identity")?;
        }
    }

    /// Whether every class comes through `node`, as `flowing`, by itself.
    fn passes(&self, node: &Node, flowing: &str) -> bool {
        const PASS: [&str; 15] = [
            "Identity",
            "Dropout",
            "Cast",
            "Flatten",
            "Reshape",
            "Squeeze",
            "Unsqueeze",
            "Transpose",
            "GlobalAveragePool",
            "GlobalMaxPool",
            "AveragePool",
            "MaxPool",
            "ReduceMean",
            "Relu",
            "Clip",
        ];
        let single = |name: &str| {
            self.constant(name)
                .is_none_or(|tensor| tensor.elements() == 1)
        };
        let op = node.op.as_str();
        let scaled = op == "Mul" || (op == "Div" && node.input(0) == Some(flowing));
        PASS.contains(&op) || (scaled && node.present_inputs().all(single))
    }
}
