//! The gradient of every differentiable op against central differences.
//!
//! The whole executor runs in 64-bit floats here, so that the differences are good to about 1e-8
//! and a wrong factor, edge or axis cannot hide in rounding. Each case is one node between a
//! weight, which is trained, and a sum that reads every element of the result differently.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

use std::sync::Once;

use edgefit_burn::burn::optim::GradientsParams;
use edgefit_burn::burn::tensor::{Device, FloatDType, Tensor};
use edgefit_burn::{EvalModule, Floats, Parameter, TrainModule, Value};
use edgefit_graph::{Attribute, Dim, Graph, Node, Tensor as Stored, ValueInfo};

/// Half the distance of the two points of a difference; exact in binary, as the weights are.
const STEP: f32 = 1.0 / 8192.0;

/// Largest difference that counts as none, relative to the larger of the slope and 1.
const TOLERANCE: f64 = 2e-6;

fn device() -> Device {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| Device::flex().configure(FloatDType::F64).unwrap());
    Device::flex()
}

/// Values that are neither round nor alike, multiples of 1/1024 within ±0.96, away from 0 by at
/// least `apart`.
fn wave(count: usize, phase: f32, apart: f32) -> Vec<f32> {
    (0..count)
        .map(|index| {
            let value = (index as f32 * 0.77 + phase).sin();
            let value = value * (0.96 - apart) + apart.copysign(value);
            (value * 1024.0).round() / 1024.0
        })
        .collect()
}

/// A case: a node that reads `w` first, and the tensors that it reads besides.
struct Case {
    node: Node,
    x: Vec<usize>,
    /// Whether `w` is all above 0.
    positive: bool,
    others: Vec<(&'static str, Stored)>,
    opset: i64,
}

impl Case {
    fn new(op: &str, x: &[usize]) -> Self {
        Case {
            node: Node::new(op, op, &["moved"], &["y"]),
            x: x.to_vec(),
            positive: false,
            others: Vec::new(),
            opset: 22,
        }
    }

    fn positive(mut self) -> Self {
        self.positive = true;
        self
    }

    fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    fn int(mut self, name: &str, value: i64) -> Self {
        self.node = self.node.with(name, Attribute::Int(value));
        self
    }

    fn float(mut self, name: &str, value: f32) -> Self {
        self.node = self.node.with(name, Attribute::Float(value));
        self
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        self.node = self.node.with(name, Attribute::from(value));
        self
    }

    fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.node = self.node.with(name, Attribute::Ints(values.to_vec()));
        self
    }

    /// One more input, a float tensor; it is trained if its role is that of a parameter.
    fn weight(self, name: &'static str, dims: &[usize]) -> Self {
        let values = wave(dims.iter().product(), 0.4, 0.25);
        self.stored(name, Stored::from_values(dims.to_vec(), &values))
    }

    /// One more input, all above 0.
    fn scale(self, name: &'static str, dims: &[usize]) -> Self {
        let values: Vec<f32> = wave(dims.iter().product(), 0.9, 0.25)
            .into_iter()
            .map(f32::abs)
            .collect();
        self.stored(name, Stored::from_values(dims.to_vec(), &values))
    }

    /// One more input of integers.
    fn list(self, name: &'static str, values: &[i64]) -> Self {
        self.stored(name, Stored::from_values(vec![values.len()], values))
    }

    fn stored(mut self, name: &'static str, tensor: Stored) -> Self {
        self.node.inputs.push(name.into());
        self.others.push((name, tensor));
        self
    }

    fn absent(mut self) -> Self {
        self.node.inputs.push(String::new());
        self
    }

    fn outputs(mut self, count: usize) -> Self {
        self.node.outputs = (0..count).map(|index| format!("y{index}")).collect();
        self
    }

    /// (zero + w) → node → outputs.
    fn graph(&self) -> Graph {
        let mut graph = Graph::new("case", self.opset);
        let dims = self.x.iter().map(|&size| Dim::Known(size)).collect();
        graph.inputs.push(ValueInfo::f32("zero", dims));
        for output in &self.node.outputs {
            graph.outputs.push(ValueInfo::float(output));
        }
        let mut values = wave(self.x.iter().product(), 0.1, 0.2);
        if self.positive {
            values.iter_mut().for_each(|value| *value = value.abs());
        }
        let w = Stored::from_values(self.x.clone(), &values);
        graph.initializers.insert("w".into(), w);
        for (name, tensor) in &self.others {
            graph.initializers.insert((*name).into(), tensor.clone());
        }
        graph.nodes = vec![
            Node::new("Add", "move", &["zero", "w"], &["moved"]),
            self.node.clone(),
        ];
        graph
    }

    fn loss(&self, module: &mut TrainModule) -> Tensor<1> {
        let zeros = vec![0.0; self.x.iter().product()];
        let zero = Value::new(zeros, &self.x, &device()).unwrap();
        let outputs = module.forward(vec![zero]).unwrap();
        let mut loss: Option<Tensor<1>> = None;
        for (index, output) in outputs.into_iter().enumerate() {
            let Value::Floats(output) = output else {
                continue;
            };
            let count = output.dims().iter().product();
            let output: Tensor<1> = output.reshape(&[count]).unwrap().try_into().unwrap();
            let readers = wave(count, 0.6 + index as f32, 0.1);
            let readers = Floats::new(readers, &[count], &device()).unwrap();
            let readers: Tensor<1> = readers.try_into().unwrap();
            let part = (output * readers.autodiff()).sum();
            loss = Some(match loss {
                Some(loss) => loss + part,
                None => part,
            });
        }
        loss.unwrap()
    }

    fn module(&self, graph: &Graph) -> TrainModule {
        let module = EvalModule::from_graph(graph, &device()).unwrap();
        module.into_train(|_| true)
    }

    /// Checks the gradients of all weights and returns how many slopes there were.
    fn check(&self, what: &str) -> usize {
        let graph = self.graph();
        let mut module = self.module(&graph);
        let gradients = self.loss(&mut module).backward();
        let gradients = GradientsParams::from_grads(gradients, &module);
        let mut checked = 0;
        for (name, parameter) in module.parameters() {
            let slopes = slopes(&gradients, parameter)
                .unwrap_or_else(|| panic!("{what}: no gradient reaches '{name}'"));
            for (index, &slope) in slopes.iter().enumerate() {
                let moved = |by: f32| {
                    let mut graph = graph.clone();
                    let tensor = graph.initializers.get_mut(name).unwrap();
                    let mut values = tensor.to_f32().unwrap();
                    values[index] += by;
                    *tensor = Stored::from_values(tensor.dims().to_vec(), &values);
                    self.loss(&mut self.module(&graph)).into_scalar::<f64>()
                };
                let numeric = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
                assert!(
                    (numeric - slope).abs() <= TOLERANCE * numeric.abs().max(1.0),
                    "{what}, {name}[{index}]: {slope}, by differences {numeric}"
                );
                checked += 1;
            }
        }
        assert!(checked > 0, "{what}: nothing is trained");
        checked
    }
}

fn slopes(gradients: &GradientsParams, parameter: &Parameter) -> Option<Vec<f64>> {
    let data = match parameter {
        Parameter::R1(param) => gradients.get::<1>(param.id)?.into_data(),
        Parameter::R2(param) => gradients.get::<2>(param.id)?.into_data(),
        Parameter::R3(param) => gradients.get::<3>(param.id)?.into_data(),
        Parameter::R4(param) => gradients.get::<4>(param.id)?.into_data(),
        Parameter::R5(param) => gradients.get::<5>(param.id)?.into_data(),
        other => panic!("{other:?}"),
    };
    data.try_into_vec().ok()
}

fn check_all(cases: Vec<(&str, Case)>) {
    for (what, case) in cases {
        case.check(what);
    }
}

#[test]
fn functions_of_one_element() {
    let x = &[2, 3, 5];
    let mut cases: Vec<(&str, Case)> = [
        "Identity",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Tanh",
        "Softplus",
        "Mish",
        "Gelu",
        "Erf",
        "Exp",
        "Neg",
        "Abs",
        "Sin",
        "Cos",
    ]
    .into_iter()
    .map(|op| (op, Case::new(op, x)))
    .collect();
    for op in ["Sqrt", "Log", "Reciprocal"] {
        cases.push((op, Case::new(op, x).positive()));
    }
    cases.push((
        "Gelu, tanh",
        Case::new("Gelu", x).text("approximate", "tanh"),
    ));
    let limit = |value: f32| Stored::from_values(vec![], &[value]);
    cases.push((
        "Clip",
        Case::new("Clip", x)
            .stored("lo", limit(-0.501))
            .stored("hi", limit(0.601)),
    ));
    check_all(cases);
}

#[test]
fn steps_have_no_slope() {
    for op in ["Ceil", "Floor", "Round", "Sign"] {
        Case::new(op, &[7]).check(op);
    }
}

#[test]
fn functions_of_several_elements() {
    let mut cases = Vec::new();
    // Broadcast from the left, from the right, and both ways at once.
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"] {
        cases.push((op, Case::new(op, &[2, 3, 5]).weight("v", &[5])));
        cases.push((op, Case::new(op, &[3, 1]).weight("v", &[2, 1, 4])));
        cases.push((op, Case::new(op, &[2, 3]).weight("v", &[2, 3])));
    }
    cases.push((
        "Pow",
        Case::new("Pow", &[2, 3]).positive().weight("v", &[3]),
    ));
    for exponent in [2.0, 3.0, 0.5, -1.5] {
        let exponent = Stored::from_values(vec![], &[exponent]);
        cases.push((
            "Pow",
            Case::new("Pow", &[2, 3]).positive().stored("e", exponent),
        ));
    }
    let square = Stored::from_values(vec![], &[2f32]);
    cases.push(("Pow, signed", Case::new("Pow", &[2, 3]).stored("e", square)));
    cases.push((
        "Mod",
        Case::new("Mod", &[7]).int("fmod", 1).scale("v", &[1]),
    ));
    cases.push(("PRelu", Case::new("PRelu", &[2, 3, 4]).weight("v", &[3, 1])));
    let mask: Vec<u8> = vec![1, 0, 1];
    let mask = Stored::from_values(vec![3, 1], &mask);
    let mask = Stored::new(
        edgefit_graph::DataType::Bool,
        vec![3, 1],
        mask.bytes().clone(),
    );
    let mut choice = Case::new("Where", &[2, 3, 4]).weight("v", &[4]);
    choice.node.inputs.insert(0, "mask".into());
    choice.others.push(("mask", mask.unwrap()));
    cases.push(("Where", choice));
    check_all(cases);
}

#[test]
fn convolutions() {
    let conv = || Case::new("Conv", &[2, 4, 5, 7]);
    check_all(vec![
        (
            "odd sizes",
            conv()
                .weight("k", &[3, 4, 3, 3])
                .weight("b", &[3])
                .ints("strides", &[2, 2]),
        ),
        (
            "asymmetric pads",
            conv()
                .weight("k", &[3, 4, 3, 2])
                .ints("pads", &[0, 1, 2, 0])
                .ints("strides", &[2, 3]),
        ),
        (
            "groups",
            conv()
                .weight("k", &[6, 2, 3, 3])
                .weight("b", &[6])
                .int("group", 2),
        ),
        (
            "depthwise",
            conv()
                .weight("k", &[4, 1, 3, 3])
                .int("group", 4)
                .ints("strides", &[2, 2])
                .ints("pads", &[1, 1, 1, 1]),
        ),
        (
            "depthwise, wide and lopsided",
            Case::new("Conv", &[2, 2, 9, 11])
                .weight("k", &[2, 1, 5, 3])
                .weight("b", &[2])
                .int("group", 2)
                .ints("pads", &[2, 0, 1, 2]),
        ),
        (
            "depthwise, with steps between elements and padding beyond the image",
            Case::new("Conv", &[2, 2, 5, 6])
                .weight("k", &[2, 1, 3, 2])
                .int("group", 2)
                .ints("strides", &[3, 2])
                .ints("dilations", &[2, 3])
                .ints("pads", &[4, 1, 3, 5]),
        ),
        (
            "dilation",
            conv()
                .weight("k", &[2, 4, 2, 3])
                .ints("dilations", &[2, 2])
                .ints("pads", &[1, 2, 1, 2]),
        ),
        (
            "pointwise",
            conv().weight("k", &[3, 4, 1, 1]).weight("b", &[3]),
        ),
        (
            "pointwise, the weight larger than the images",
            Case::new("Conv", &[3, 5, 1, 2])
                .weight("k", &[6, 5, 1, 1])
                .weight("b", &[6]),
        ),
        (
            "auto_pad",
            conv()
                .weight("k", &[2, 4, 3, 2])
                .text("auto_pad", "SAME_LOWER")
                .ints("strides", &[2, 2]),
        ),
        (
            "one dimension",
            Case::new("Conv", &[2, 3, 8])
                .weight("k", &[4, 3, 3])
                .ints("strides", &[2])
                .ints("pads", &[2, 0]),
        ),
    ]);
}

#[test]
fn transposed_convolutions() {
    let conv = || Case::new("ConvTranspose", &[2, 4, 3, 2]);
    check_all(vec![
        ("plain", conv().weight("k", &[4, 3, 3, 3]).weight("b", &[3])),
        (
            "strides and asymmetric pads",
            conv()
                .weight("k", &[4, 2, 3, 3])
                .ints("strides", &[2, 3])
                .ints("pads", &[0, 1, 1, 0]),
        ),
        (
            "groups and output padding",
            conv()
                .weight("k", &[4, 2, 2, 3])
                .int("group", 2)
                .ints("strides", &[2, 2])
                .ints("output_padding", &[1, 0]),
        ),
        (
            "dilation",
            conv().weight("k", &[4, 1, 2, 2]).ints("dilations", &[2, 2]),
        ),
        (
            "output shape",
            conv()
                .weight("k", &[4, 2, 3, 3])
                .ints("strides", &[2, 2])
                .ints("output_shape", &[6, 5]),
        ),
        (
            "one dimension",
            Case::new("ConvTranspose", &[2, 3, 4])
                .weight("k", &[3, 2, 3])
                .ints("strides", &[2]),
        ),
    ]);
}

#[test]
fn pools() {
    let mut cases = Vec::new();
    for op in ["MaxPool", "AveragePool"] {
        let pool = || Case::new(op, &[2, 2, 5, 7]).ints("kernel_shape", &[3, 2]);
        cases.push((op, pool()));
        cases.push((
            op,
            pool().ints("strides", &[2, 2]).ints("pads", &[1, 0, 0, 1]),
        ));
        cases.push((op, pool().ints("strides", &[2, 3]).int("ceil_mode", 1)));
        cases.push((op, pool().ints("dilations", &[2, 1])));
        cases.push((
            op,
            Case::new(op, &[2, 3, 7])
                .ints("kernel_shape", &[3])
                .ints("strides", &[2]),
        ));
        cases.push((
            op,
            Case::new(op, &[1, 2, 4, 3, 5]).ints("kernel_shape", &[2, 2, 2]),
        ));
    }
    cases.push((
        "AveragePool, padding counted",
        Case::new("AveragePool", &[1, 2, 5, 5])
            .ints("kernel_shape", &[3, 3])
            .ints("pads", &[1, 1, 1, 1])
            .ints("strides", &[2, 2])
            .int("count_include_pad", 1)
            .int("ceil_mode", 1),
    ));
    cases.push((
        "GlobalAveragePool",
        Case::new("GlobalAveragePool", &[2, 3, 3, 5]),
    ));
    cases.push(("GlobalMaxPool", Case::new("GlobalMaxPool", &[2, 3, 3, 5])));
    check_all(cases);
}

#[test]
fn reductions() {
    let mut cases = Vec::new();
    for op in [
        "ReduceMean",
        "ReduceSum",
        "ReduceMax",
        "ReduceMin",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
        "ReduceProd",
    ] {
        cases.push((op, Case::new(op, &[2, 3, 5]).list("axes", &[-1])));
        cases.push((
            op,
            Case::new(op, &[2, 3, 5])
                .list("axes", &[0, 2])
                .int("keepdims", 0),
        ));
        cases.push((op, Case::new(op, &[2, 3])));
    }
    cases.push(("CumSum", Case::new("CumSum", &[3, 4]).list("axis", &[1])));
    cases.push((
        "CumSum",
        Case::new("CumSum", &[3, 4])
            .list("axis", &[0])
            .int("exclusive", 1)
            .int("reverse", 1),
    ));
    check_all(cases);
}

#[test]
fn normalisations() {
    let bn = |dims: &[usize]| {
        Case::new("BatchNormalization", dims)
            .weight("g", &[3])
            .weight("b", &[3])
            .weight("m", &[3])
            .scale("v", &[3])
    };
    check_all(vec![
        ("batch, two dimensions", bn(&[2, 3, 2, 3])),
        ("batch, none", bn(&[4, 3])),
        (
            "layer",
            Case::new("LayerNormalization", &[2, 3, 5])
                .weight("g", &[5])
                .weight("b", &[5]),
        ),
        (
            "layer, from the second dimension",
            Case::new("LayerNormalization", &[2, 3, 4])
                .int("axis", 1)
                .weight("g", &[3, 4])
                .outputs(3),
        ),
        (
            "instance",
            Case::new("InstanceNormalization", &[2, 3, 4, 3])
                .weight("g", &[3])
                .weight("b", &[3]),
        ),
        (
            "group",
            Case::new("GroupNormalization", &[2, 4, 3, 3])
                .int("num_groups", 2)
                .weight("g", &[4])
                .weight("b", &[4]),
        ),
        (
            "group, before opset 21",
            Case::new("GroupNormalization", &[2, 4, 5])
                .int("num_groups", 2)
                .opset(18)
                .weight("g", &[2])
                .weight("b", &[2]),
        ),
        ("softmax", Case::new("Softmax", &[2, 3, 4]).int("axis", 1)),
        (
            "softmax before opset 13",
            Case::new("Softmax", &[2, 3, 4]).opset(11),
        ),
        ("log softmax", Case::new("LogSoftmax", &[2, 5])),
    ]);
}

#[test]
fn products() {
    check_all(vec![
        (
            "matrices",
            Case::new("MatMul", &[3, 4]).weight("v", &[4, 2]),
        ),
        (
            "batches, broadcast",
            Case::new("MatMul", &[2, 1, 3, 4]).weight("v", &[5, 4, 2]),
        ),
        (
            "a vector on the left",
            Case::new("MatMul", &[4]).weight("v", &[3, 4, 2]),
        ),
        (
            "a vector on the right",
            Case::new("MatMul", &[3, 4]).weight("v", &[4]),
        ),
        (
            "Gemm",
            Case::new("Gemm", &[4, 3])
                .weight("v", &[2, 4])
                .weight("c", &[2])
                .int("transA", 1)
                .int("transB", 1)
                .float("alpha", 0.5)
                .float("beta", 1.5),
        ),
        (
            "Einsum",
            Case::new("Einsum", &[2, 3, 4])
                .text("equation", "bij,bkj->bik")
                .weight("v", &[2, 5, 4]),
        ),
        (
            "Einsum, diagonal",
            Case::new("Einsum", &[2, 3, 3]).text("equation", "...ii->...i"),
        ),
    ]);
}

#[test]
fn moves() {
    let x = &[2, 3, 4];
    let bounds = |case: Case, starts: &[i64], ends: &[i64], axes: &[i64], steps: &[i64]| {
        case.list("starts", starts)
            .list("ends", ends)
            .list("axes", axes)
            .list("steps", steps)
    };
    let indices = Stored::from_values(vec![2, 2], &[0i64, -1, 0, 1]);
    let rows = Stored::from_values(vec![2, 2], &[0i64, 1, 1, 2]);
    check_all(vec![
        (
            "Concat",
            Case::new("Concat", x)
                .weight("v", &[2, 1, 4])
                .int("axis", -2),
        ),
        (
            "Split",
            Case::new("Split", x)
                .list("sizes", &[1, 3])
                .int("axis", 2)
                .outputs(2),
        ),
        (
            "Slice",
            bounds(
                Case::new("Slice", &[5, 7]),
                &[1, -2],
                &[5, 0],
                &[0, 1],
                &[2, -3],
            ),
        ),
        (
            "Gather",
            Case::new("Gather", x).stored("i", indices).int("axis", 1),
        ),
        (
            "GatherND",
            Case::new("GatherND", x).stored("i", rows.clone()),
        ),
        (
            "ScatterND",
            Case::new("ScatterND", x)
                .stored("i", rows)
                .weight("v", &[2, 4]),
        ),
        (
            "Transpose",
            Case::new("Transpose", x).ints("perm", &[2, 0, 1]),
        ),
        ("Reshape", Case::new("Reshape", x).list("shape", &[4, -1])),
        ("Flatten", Case::new("Flatten", x)),
        (
            "Squeeze",
            Case::new("Squeeze", &[2, 1, 3]).list("axes", &[1]),
        ),
        ("Unsqueeze", Case::new("Unsqueeze", x).list("axes", &[1])),
        (
            "Expand",
            Case::new("Expand", &[3, 1]).list("shape", &[2, 1, 4]),
        ),
        ("Tile", Case::new("Tile", &[2, 3]).list("repeats", &[2, 3])),
        (
            "Pad",
            Case::new("Pad", &[3, 4]).list("pads", &[1, -1, 0, 2]),
        ),
        (
            "Pad, reflect",
            Case::new("Pad", &[3, 4])
                .list("pads", &[1, 2, 2, 3])
                .text("mode", "reflect"),
        ),
        (
            "Pad, edge",
            Case::new("Pad", &[3, 4])
                .list("pads", &[1, 2, 2, 3])
                .text("mode", "edge"),
        ),
        (
            "DepthToSpace",
            Case::new("DepthToSpace", &[1, 8, 2, 3]).int("blocksize", 2),
        ),
        (
            "DepthToSpace, CRD",
            Case::new("DepthToSpace", &[1, 8, 2, 3])
                .int("blocksize", 2)
                .text("mode", "CRD"),
        ),
        (
            "SpaceToDepth",
            Case::new("SpaceToDepth", &[1, 2, 4, 6]).int("blocksize", 2),
        ),
        ("Cast", Case::new("Cast", x).int("to", 1)),
        (
            "TopK",
            Case::new("TopK", &[3, 5]).list("k", &[2]).outputs(2),
        ),
    ]);
}

#[test]
fn resampling() {
    let mut cases = Vec::new();
    for mode in ["nearest", "linear", "cubic"] {
        for coordinates in [
            "half_pixel",
            "align_corners",
            "asymmetric",
            "pytorch_half_pixel",
        ] {
            let case = Case::new("Resize", &[1, 2, 3, 5])
                .absent()
                .absent()
                .list("sizes", &[1, 2, 5, 4]);
            let case = case
                .text("mode", mode)
                .text("coordinate_transformation_mode", coordinates);
            cases.push((mode, case));
        }
    }
    check_all(cases);
}

#[test]
fn quantisation_lets_the_gradient_through() {
    let scale = Stored::from_values(vec![], &[0.125f32]);
    let zero = Stored::from_values(vec![], &[3i8]);
    let case = Case::new("QuantizeLinear", &[7])
        .stored("s", scale)
        .stored("z", zero);
    let graph = case.graph();
    let mut module = case.module(&graph);
    let gradients = case.loss(&mut module).backward();
    let gradients = GradientsParams::from_grads(gradients, &module);
    let (_, parameter) = module.parameters().next().unwrap();
    let slopes = slopes(&gradients, parameter).unwrap();
    // Straight through the rounding: the slope of x / scale.
    for (slope, reader) in slopes.iter().zip(wave(7, 0.6, 0.1)) {
        assert!(
            (slope - 8.0 * f64::from(reader)).abs() < 1e-9,
            "{slope} {reader}"
        );
    }
}
