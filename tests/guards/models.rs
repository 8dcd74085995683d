//! Backbones with a mistake in them.

use std::path::{Path, PathBuf};

use edgefit::graph::rewrite::Head;
use edgefit::graph::{Attribute, Graph, Node, Tensor};
use tempfile::TempDir;

/// Copies of a backbone, each with a mistake.
pub struct Models<'b> {
    backbone: &'b Path,
    folder: TempDir,
}

impl<'b> Models<'b> {
    pub fn of(backbone: &'b Path) -> Self {
        Models {
            backbone,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn planted(&self, name: &str, change: impl FnOnce(&mut Graph)) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut graph = Graph::load(self.backbone).unwrap();
        change(&mut graph);
        graph.save(&path).unwrap();
        path
    }

    /// The folder that the files lie in.
    pub fn into_folder(self) -> TempDir {
        self.folder
    }
}

fn normalisations(graph: &Graph) -> Vec<usize> {
    let nodes = graph.nodes.iter().enumerate();
    let found = nodes.filter(|(_, node)| node.op == "BatchNormalization");
    found.map(|(index, _)| index).collect()
}

/// Normalisations of EfficientNet-Lite0, by whose numbers places in networks of any depth are named.
const DEPTH: usize = 49;

fn normalisation(graph: &Graph, nth: usize) -> &Node {
    let all = normalisations(graph);
    &graph.nodes[all[nth * all.len() / DEPTH]]
}

/// Puts the first `share` of the offsets of a normalisation so low that nothing passes behind it.
pub fn kill(graph: &mut Graph, nth: usize, share: f64) {
    let node = normalisation(graph, nth);
    let bias = node.inputs[2].clone();
    let mut values = graph.initializers[&bias].to_f32().unwrap();
    let dead = (share * values.len() as f64) as usize;
    values[..dead].fill(-1000.0);
    let tensor = Tensor::from_values(vec![values.len()], &values);
    graph.initializers.insert(bias, tensor);
}

/// Multiplies the scale and the offset of a normalisation.
pub fn shrink(graph: &mut Graph, nth: usize, factor: f32) {
    let node = normalisation(graph, nth);
    for name in [node.inputs[1].clone(), node.inputs[2].clone()] {
        let values = graph.initializers[&name].to_f32().unwrap();
        let values: Vec<f32> = values.iter().map(|value| value * factor).collect();
        let tensor = Tensor::from_values(vec![values.len()], &values);
        graph.initializers.insert(name, tensor);
    }
}

/// Multiplies what the head reads.
pub fn scale_features(graph: &mut Graph, factor: f32) {
    let head = Head::of(graph, None).unwrap();
    let features = head.features()[0].name.clone();
    let reader = graph
        .nodes
        .iter()
        .position(|node| node.inputs.contains(&features));
    let reader = reader.unwrap();
    graph
        .initializers
        .insert("factor".into(), Tensor::from_values(vec![], &[factor]));
    graph.nodes[reader].inputs[0] = "scaled features".into();
    let scale = Node::new("Mul", "scale", &[&features, "factor"], &["scaled features"]);
    graph.nodes.insert(reader, scale);
}

pub fn ends_with(graph: &mut Graph, op: &str) {
    let output = graph.outputs[0].name.clone();
    let last = graph
        .nodes
        .iter_mut()
        .find(|node| node.outputs.contains(&output))
        .unwrap();
    last.outputs[0] = "before the end".into();
    graph
        .nodes
        .push(Node::new(op, "end", &["before the end"], &[&output]));
}

pub fn in_training_mode(graph: &mut Graph) {
    let first = normalisations(graph)[0];
    let mode = Attribute::Int(1);
    graph.nodes[first] = graph.nodes[first].clone().with("training_mode", mode);
}

pub fn with_blue_first(graph: &mut Graph) {
    let key = "edgefit.preprocessing".to_owned();
    let swapped = graph.metadata[&key].replace("rgb", "bgr");
    graph.metadata.insert(key, swapped);
}

/// Takes 0 … 255 and scales it to −1 … 1 in front of the first layer.
pub fn scaling_inside(graph: &mut Graph) {
    let input = graph.inputs[0].name.clone();
    for node in &mut graph.nodes {
        for read in node.inputs.iter_mut().filter(|read| **read == input) {
            *read = "centred".into();
        }
    }
    for (name, value) in [("scale", 1.0f32 / 128.0), ("shift", -127.0 / 128.0)] {
        let tensor = Tensor::from_values(vec![], &[value]);
        graph.initializers.insert(name.into(), tensor);
    }
    let scale = Node::new("Mul", "rescale", &[&input, "scale"], &["rescaled"]);
    let shift = Node::new("Add", "offset", &["rescaled", "shift"], &["centred"]);
    graph.nodes.splice(0..0, [scale, shift]);
    graph.metadata.clear();
}

/// Weights as a library makes them before training: He et al. 2015 for convolutions, normalisation
/// that does nothing.
pub fn from_scratch(graph: &mut Graph) {
    let mut state = 1u32;
    let mut uniform = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    for tensor in graph.initializers.values_mut() {
        let dims = tensor.dims().to_vec();
        if dims.len() > 1 {
            let inputs: usize = dims[1..].iter().product();
            let bound = (6.0 / inputs as f32).sqrt();
            let values: Vec<f32> = (0..dims.iter().product())
                .map(|_| bound * uniform())
                .collect();
            *tensor = Tensor::from_values(dims, &values);
        }
    }
    for index in normalisations(graph) {
        for (input, value) in [(1, 1f32), (2, 0.0), (3, 0.0), (4, 1.0)] {
            let name = graph.nodes[index].inputs[input].clone();
            let count = graph.initializers[&name].dims()[0];
            let tensor = Tensor::from_values(vec![count], &vec![value; count]);
            graph.initializers.insert(name, tensor);
        }
    }
}
