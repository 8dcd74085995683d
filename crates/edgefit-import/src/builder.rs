//! Builds a graph layer by layer from the weights of a checkpoint.

use std::collections::BTreeSet;

use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor, ValueInfo};

use crate::error::{Error, Missing, Result};
use crate::imported::Imported;
use crate::layout::{Layout, Wanted};
use crate::variant::Variant;
use crate::weight_set::WeightSet;

const OPSET: i64 = 17;

/// Shape of a square two-dimensional convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvShape {
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub groups: usize,
}

impl ConvShape {
    pub fn dense(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Self {
        ConvShape {
            inputs,
            outputs,
            kernel,
            stride,
            groups: 1,
        }
    }

    pub fn depthwise(channels: usize, kernel: usize, stride: usize) -> Self {
        ConvShape {
            groups: channels,
            ..ConvShape::dense(channels, channels, kernel, stride)
        }
    }

    /// The padding that PyTorch's models use: as much on both sides.
    pub fn even_pads(self) -> (usize, usize) {
        (self.kernel / 2, self.kernel / 2)
    }

    /// TensorFlow's SAME padding of one dimension of `side` elements: (before, after).
    pub fn same_pads(self, side: usize) -> (usize, usize) {
        let covered = (side.div_ceil(self.stride) - 1) * self.stride + self.kernel;
        let total = covered.saturating_sub(side);
        (total / 2, total - total / 2)
    }
}

/// How the size of a pool's output is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// A last, partial window does not count.
    Down,
    /// A last, partial window counts.
    Up,
}

/// Where a network's weights come from.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'c> {
    /// A file.
    Checkpoint(&'c WeightSet<'c>),
    /// Nowhere: what is wanted is only listed, in that layout and for one class.
    None(Layout),
    /// Zeros, in the layout of torchvision, for so many classes.
    Zeros { classes: usize },
}

/// Builds a graph layer by layer, taking each weight from the checkpoint under PyTorch's names.
///
/// Missing weights are collected: [`Builder::finish`] reports all of them.
pub(crate) struct Builder<'c> {
    graph: Graph,
    resolution: usize,
    weights: Weights<'c>,
    variant: Option<Variant>,
    used: BTreeSet<String>,
    wanted: Vec<Wanted>,
    missing: Vec<Missing>,
    failure: Option<Error>,
}

impl<'c> Builder<'c> {
    pub fn new(arch: &str, resolution: u32, weights: Weights<'c>) -> Self {
        let mut graph = Graph::new(arch, OPSET);
        let resolution = resolution as usize;
        let side = Dim::Known(resolution);
        let dims = vec![
            Dim::Symbol("batch".into()),
            Dim::Known(3),
            side.clone(),
            side,
        ];
        graph.inputs.push(ValueInfo::f32("input", dims));
        Builder {
            graph,
            resolution,
            weights,
            variant: None,
            used: BTreeSet::new(),
            wanted: Vec::new(),
            missing: Vec::new(),
            failure: None,
        }
    }

    pub fn with_variant(self, variant: Option<Variant>) -> Self {
        Builder { variant, ..self }
    }

    /// Which of two networks with the same keys is built.
    pub fn variant(&self) -> Option<Variant> {
        self.variant
    }

    pub fn resolution(&self) -> usize {
        self.resolution
    }

    /// Whether the keys are called as timm's.
    pub fn is_timm(&self) -> bool {
        let layout = match self.weights {
            Weights::Checkpoint(set) => set.layout(),
            Weights::None(layout) => layout,
            Weights::Zeros { .. } => Layout::Other,
        };
        layout == Layout::Timm
    }

    pub fn conv(&mut self, key: &str, x: &str, shape: ConvShape, pads: (usize, usize)) -> String {
        let weight = self.conv_weight(key, shape);
        self.convolution(key, &[x, &weight], shape, pads)
    }

    pub fn conv_with_bias(
        &mut self,
        key: &str,
        x: &str,
        shape: ConvShape,
        pads: (usize, usize),
    ) -> String {
        let weight = self.conv_weight(key, shape);
        let bias = self.weight(&format!("{key}.bias"), &[shape.outputs]);
        self.convolution(key, &[x, &weight, &bias], shape, pads)
    }

    fn conv_weight(&mut self, key: &str, shape: ConvShape) -> String {
        let kernel = shape.kernel;
        let dims = [shape.outputs, shape.inputs / shape.groups, kernel, kernel];
        self.weight(&format!("{key}.weight"), &dims)
    }

    fn convolution(
        &mut self,
        key: &str,
        inputs: &[&str],
        shape: ConvShape,
        (before, after): (usize, usize),
    ) -> String {
        let node = Node::new("Conv", key, inputs, &[])
            .with("kernel_shape", ints(&[shape.kernel; 2]))
            .with("strides", ints(&[shape.stride; 2]))
            .with("pads", ints(&[before, before, after, after]))
            .with("group", Attribute::Int(shape.groups as i64));
        self.push(node)
    }

    pub fn batch_norm(&mut self, key: &str, x: &str, channels: usize, epsilon: f32) -> String {
        let [scale, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
            .map(|part| self.weight(&format!("{key}.{part}"), &[channels]));
        // PyTorch counts batches for a momentum that these networks do not use.
        self.used.insert(format!("{key}.num_batches_tracked"));
        let inputs = [x, &scale, &bias, &mean, &variance];
        let node = Node::new("BatchNormalization", key, &inputs, &[])
            .with("epsilon", Attribute::Float(epsilon));
        self.push(node)
    }

    pub fn relu6(&mut self, name: &str, x: &str) -> String {
        for (limit, value) in [("relu6.min", 0f32), ("relu6.max", 6.0)] {
            self.graph
                .initializers
                .entry(limit.into())
                .or_insert_with(|| Tensor::from_values(vec![], &[value]));
        }
        self.push(Node::new("Clip", name, &[x, "relu6.min", "relu6.max"], &[]))
    }

    pub fn add(&mut self, name: &str, a: &str, b: &str) -> String {
        self.push(Node::new("Add", name, &[a, b], &[]))
    }

    pub fn mul(&mut self, name: &str, a: &str, b: &str) -> String {
        self.push(Node::new("Mul", name, &[a, b], &[]))
    }

    /// A node of one input and no attributes.
    pub fn unary(&mut self, op: &str, name: &str, x: &str) -> String {
        self.push(Node::new(op, name, &[x], &[]))
    }

    /// max(0, min(1, x/6 + 1/2)), as PyTorch's hard sigmoid is.
    pub fn hard_sigmoid(&mut self, name: &str, x: &str) -> String {
        let node = Node::new("HardSigmoid", name, &[x], &[]);
        self.push(node.with("alpha", Attribute::Float(1.0 / 6.0)))
    }

    pub fn concat(&mut self, name: &str, a: &str, b: &str) -> String {
        self.push(Node::new("Concat", name, &[a, b], &[]).with("axis", Attribute::Int(1)))
    }

    /// Maximum of windows of 3×3 with stride 2.
    pub fn max_pool(&mut self, name: &str, x: &str, pad: usize, rounding: Rounding) -> String {
        let node = Node::new("MaxPool", name, &[x], &[])
            .with("kernel_shape", ints(&[3; 2]))
            .with("strides", ints(&[2; 2]))
            .with("pads", ints(&[pad; 4]))
            .with(
                "ceil_mode",
                Attribute::Int((rounding == Rounding::Up).into()),
            );
        self.push(node)
    }

    pub fn global_average_pool(&mut self, name: &str, x: &str) -> String {
        self.unary("GlobalAveragePool", name, x)
    }

    pub fn flatten(&mut self, name: &str, x: &str) -> String {
        self.unary("Flatten", name, x)
    }

    /// A linear layer.
    pub fn linear(&mut self, key: &str, x: &str, inputs: usize, outputs: usize) -> String {
        let weight = self.weight(&format!("{key}.weight"), &[outputs, inputs]);
        let bias = self.weight(&format!("{key}.bias"), &[outputs]);
        let node = Node::new("Gemm", key, &[x, &weight, &bias], &[]);
        self.push(node.with("transB", Attribute::Int(1)))
    }

    /// Number of classes of the checkpoint, whose last layer has the weight `key`.
    pub fn classes(&self, key: &str) -> usize {
        match self.weights {
            Weights::Checkpoint(set) => {
                let dims = set.shape(&format!("{key}.weight"));
                dims.and_then(|dims| dims.first().copied()).unwrap_or(1)
            }
            Weights::None(_) => 1,
            Weights::Zeros { classes } => classes,
        }
    }

    /// The last layer, a linear one: any number of classes, as many as the checkpoint has.
    pub fn classifier(&mut self, key: &str, x: &str, inputs: usize) {
        let classes = self.classes(key);
        self.linear(key, x, inputs, classes);
        self.logits(classes);
    }

    /// Makes the output of the last node the logits.
    pub fn logits(&mut self, classes: usize) {
        if let Some(last) = self.graph.nodes.last_mut() {
            last.outputs = vec!["logits".into()];
        }
        let dims = vec![Dim::Symbol("batch".into()), Dim::Known(classes)];
        self.graph.outputs.push(ValueInfo::f32("logits", dims));
    }

    /// The network with the weights of `set`, beside which the checkpoint has `others`.
    pub fn finish(self, set: &WeightSet, others: Vec<String>) -> Result<Imported> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let unused_keys = set.unused(&self.used, &others);
        if !self.missing.is_empty() {
            return Err(Error::WrongArchitecture {
                path: set.checkpoint.path().to_path_buf(),
                arch: self.graph.name,
                missing: self.missing,
                unexpected: unused_keys,
            });
        }
        Ok(Imported {
            graph: self.graph,
            unused_keys,
            prefix: set.prefix.clone(),
            wrappers: Vec::new(),
            other_prefixes: others,
            renamed: set.renamed.clone(),
            variant: self.variant,
        })
    }

    /// The network, of which nothing can be missing: its weights are zeros.
    pub fn blank(self) -> Graph {
        self.graph
    }

    /// The tensors that the network is made of, where no weights were given.
    pub fn wanted(self) -> Vec<Wanted> {
        self.wanted
    }

    /// Appends a node whose only output is named after it.
    fn push(&mut self, mut node: Node) -> String {
        let output = format!("{}.out", node.name);
        node.outputs = vec![output.clone()];
        self.graph.nodes.push(node);
        output
    }

    /// Moves the tensor `key` into the graph and returns its name there.
    fn weight(&mut self, key: &str, dims: &[usize]) -> String {
        self.used.insert(key.to_owned());
        let set = match self.weights {
            Weights::Checkpoint(set) => set,
            Weights::None(_) => {
                let (key, dims) = (key.to_owned(), dims.to_vec());
                self.wanted.push(Wanted {
                    key: key.clone(),
                    dims,
                });
                return key;
            }
            Weights::Zeros { .. } => {
                let zeros = vec![0f32; dims.iter().product()];
                let zeros = Tensor::from_values(dims.to_vec(), &zeros);
                self.graph.initializers.insert(key.to_owned(), zeros);
                return key.to_owned();
            }
        };
        match set.shape(key) {
            found if found != Some(dims) => self.missing.push(Missing {
                key: key.to_owned(),
                dims: dims.to_vec(),
                found: found.map(<[usize]>::to_vec),
            }),
            _ => match set.tensor(key) {
                Ok(tensor) => {
                    self.graph
                        .initializers
                        .extend(tensor.map(|tensor| (key.to_owned(), tensor)));
                }
                Err(error) => {
                    self.failure.get_or_insert(error);
                }
            },
        }
        key.to_owned()
    }
}

fn ints(values: &[usize]) -> Attribute {
    Attribute::Ints(values.iter().map(|&value| value as i64).collect())
}

#[cfg(test)]
mod tests {
    use super::ConvShape;

    #[test]
    fn same_padding_is_tensorflows() {
        let pads = |kernel, stride, side| ConvShape::depthwise(8, kernel, stride).same_pads(side);
        assert_eq!(pads(3, 2, 224), (0, 1));
        assert_eq!(pads(5, 2, 56), (1, 2));
        assert_eq!(pads(3, 1, 14), (1, 1));
        assert_eq!(pads(1, 1, 7), (0, 0));
        assert_eq!(pads(3, 2, 7), (1, 1));
    }
}
