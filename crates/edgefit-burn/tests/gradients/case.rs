//! A case: one node between a weight, which is trained, and a sum that reads every element of the
//! result differently.

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
pub fn wave(count: usize, phase: f32, apart: f32) -> Vec<f32> {
    (0..count)
        .map(|index| {
            let value = (index as f32 * 0.77 + phase).sin();
            let value = value * (0.96 - apart) + apart.copysign(value);
            (value * 1024.0).round() / 1024.0
        })
        .collect()
}

/// A case: a node that reads `w` first, and the tensors that it reads besides.
pub struct Case {
    /// Nodes in front of it, the first of which reads `w`.
    before: Vec<Node>,
    pub node: Node,
    x: Vec<usize>,
    /// Whether `w` is all above 0.
    positive: bool,
    pub others: Vec<(&'static str, Stored)>,
    opset: i64,
    /// Elements of a weight from one whose slope is checked to the next.
    step: usize,
    /// What is not trained.
    frozen: Vec<&'static str>,
}

impl Case {
    pub fn new(op: &str, x: &[usize]) -> Self {
        Case {
            before: Vec::new(),
            frozen: Vec::new(),
            step: 1,
            node: Node::new(op, op, &["moved"], &["y"]),
            x: x.to_vec(),
            positive: false,
            others: Vec::new(),
            opset: 22,
        }
    }

    /// One more node, which reads the values `inputs`; the result of the node so far is called `made`.
    pub fn then(mut self, made: &str, op: &str, inputs: &[&str]) -> Self {
        let next = Node::new(op, made, inputs, &["y"]);
        let mut before = std::mem::replace(&mut self.node, next);
        before.outputs = vec![made.into()];
        self.before.push(before);
        self
    }

    /// A tensor that is stored, for nodes to come.
    pub fn constant(mut self, name: &'static str, dims: &[usize], values: &[f32]) -> Self {
        self.others
            .push((name, Stored::from_values(dims.to_vec(), values)));
        self
    }

    /// Checks some slopes of each weight only.
    pub fn some(mut self) -> Self {
        self.step = 389;
        self
    }

    pub fn freeze(mut self, names: &[&'static str]) -> Self {
        self.frozen = names.to_vec();
        self
    }

    pub fn positive(mut self) -> Self {
        self.positive = true;
        self
    }

    pub fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    pub fn int(mut self, name: &str, value: i64) -> Self {
        self.node = self.node.with(name, Attribute::Int(value));
        self
    }

    pub fn float(mut self, name: &str, value: f32) -> Self {
        self.node = self.node.with(name, Attribute::Float(value));
        self
    }

    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.node = self.node.with(name, Attribute::from(value));
        self
    }

    pub fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.node = self.node.with(name, Attribute::Ints(values.to_vec()));
        self
    }

    /// One more input, a float tensor; it is trained if its role is that of a parameter.
    pub fn weight(self, name: &'static str, dims: &[usize]) -> Self {
        let values = wave(dims.iter().product(), 0.4, 0.25);
        self.stored(name, Stored::from_values(dims.to_vec(), &values))
    }

    /// One more input, all above 0.
    pub fn scale(self, name: &'static str, dims: &[usize]) -> Self {
        let values: Vec<f32> = wave(dims.iter().product(), 0.9, 0.25)
            .into_iter()
            .map(f32::abs)
            .collect();
        self.stored(name, Stored::from_values(dims.to_vec(), &values))
    }

    /// One more input of integers.
    pub fn list(self, name: &'static str, values: &[i64]) -> Self {
        self.stored(name, Stored::from_values(vec![values.len()], values))
    }

    pub fn stored(mut self, name: &'static str, tensor: Stored) -> Self {
        self.node.inputs.push(name.into());
        self.others.push((name, tensor));
        self
    }

    pub fn absent(mut self) -> Self {
        self.node.inputs.push(String::new());
        self
    }

    pub fn outputs(mut self, count: usize) -> Self {
        self.node.outputs = (0..count).map(|index| format!("y{index}")).collect();
        self
    }

    /// (zero + w) → node → outputs.
    pub fn graph(&self) -> Graph {
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
        graph.nodes = vec![Node::new("Add", "move", &["zero", "w"], &["moved"])];
        graph.nodes.extend(self.before.iter().cloned());
        graph.nodes.push(self.node.clone());
        graph
    }

    pub fn loss(&self, module: &mut TrainModule) -> Tensor<1> {
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

    pub fn module(&self, graph: &Graph) -> TrainModule {
        let module = EvalModule::from_graph(graph, &device()).unwrap();
        module.into_train(|name| !self.frozen.contains(&name))
    }

    /// Holds the loss and the gradients of weights against those of the definition, each by its name.
    pub fn holds(&self, graph: &Graph, loss: f64, wanted: &[(&str, &[f64])]) {
        let near = |made: f64, wanted: f64| (made - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
        let mut module = self.module(graph);
        let made = self.loss(&mut module);
        let gradients = GradientsParams::from_grads(made.backward(), &module);
        let made = made.into_scalar::<f64>();
        assert!(near(made, loss), "{made} {loss}");
        for (name, wanted) in wanted {
            let parameter = module.parameters().find(|(known, _)| known == name);
            let made = slopes(&gradients, parameter.unwrap().1).unwrap();
            assert_eq!(made.len(), wanted.len());
            for (at, (&made, &wanted)) in made.iter().zip(*wanted).enumerate() {
                assert!(near(made, wanted), "{name}[{at}]: {made} {wanted}");
            }
        }
    }

    /// Checks the gradients of all weights and returns how many slopes there were.
    pub fn check(&self, what: &str) -> usize {
        let graph = self.graph();
        let mut module = self.module(&graph);
        let gradients = self.loss(&mut module).backward();
        let gradients = GradientsParams::from_grads(gradients, &module);
        let mut checked = 0;
        for (name, parameter) in module.parameters() {
            let slopes = slopes(&gradients, parameter)
                .unwrap_or_else(|| panic!("{what}: no gradient reaches '{name}'"));
            for (index, &slope) in slopes.iter().enumerate().step_by(self.step) {
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

pub fn slopes(gradients: &GradientsParams, parameter: &Parameter) -> Option<Vec<f64>> {
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

pub fn check_all(cases: Vec<(&str, Case)>) {
    for (what, case) in cases {
        case.check(what);
    }
}
