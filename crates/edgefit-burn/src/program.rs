use std::collections::{HashMap, HashSet};

use burn::tensor::Device;
use edgefit_graph::Graph;
use edgefit_graph::infer::TensorType;
use edgefit_graph::ops::{BatchNormalization, Op, OpReader, Role};
use edgefit_graph::{DataType, trainable_parameters};

use crate::error::{Error, Result};
use crate::ops::{self, Operands};
use crate::value::Value;

/// A graph made ready to run: values are numbered, ops typed, the last use of each value known.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    slots: usize,
    /// Weights by slot, in the order of `Weights`.
    pub weights: Vec<Weight>,
}

#[derive(Debug)]
struct Step {
    node: String,
    op: Op,
    inputs: Vec<Option<usize>>,
    output: usize,
    /// Slots that nothing reads after this step.
    dead: Vec<usize>,
}

/// An initializer, or a constant, that flows through the graph.
#[derive(Debug)]
pub(crate) struct Weight {
    pub name: String,
    pub slot: usize,
    /// Whether training may change it.
    pub trainable: bool,
}

/// What differs between eval and train mode.
pub(crate) trait Mode {
    /// Value of the weight at `index` in [`Program::weights`].
    fn weight(&self, index: usize) -> Value;

    /// Normalises the first of `operands`: x, scale, bias, mean, variance; `statistics` are the
    /// indices of mean and variance among the weights, if they are weights.
    fn batch_normalization(
        &mut self,
        op: &BatchNormalization,
        operands: &mut Operands,
        statistics: [Option<usize>; 2],
    ) -> Result<Value, String>;

    /// Drops out elements of `x`.
    fn dropout(&mut self, ratio: f32, x: Value) -> Value;
}

impl Program {
    pub fn of(graph: &Graph) -> Result<Self> {
        let ops = Op::of_all(graph)?;
        let optional: Vec<Option<Op>> = ops.iter().cloned().map(Some).collect();
        let trainable: HashSet<&str> = trainable_parameters(graph, &optional)
            .into_iter()
            .map(|(_, name)| name)
            .collect();

        let mut slot_of: HashMap<&str, usize> = HashMap::new();
        let mut slots = 0;
        let mut new_slot = || {
            slots += 1;
            slots - 1
        };
        let mut inputs = Vec::new();
        for input in graph.free_inputs() {
            let index = new_slot();
            slot_of.insert(&input.name, index);
            inputs.push(index);
        }
        let mut weights = Vec::new();
        let mut steps = Vec::with_capacity(graph.nodes.len());
        for (node, op) in graph.nodes.iter().zip(ops) {
            let output = node.outputs.first().map_or("", String::as_str);
            if let Op::Constant(tensor) = &op {
                // Constants that are not floats configure other ops, which have read them already.
                if tensor.dtype().is_float() {
                    let slot = new_slot();
                    slot_of.insert(output, slot);
                    weights.push(Weight {
                        name: output.to_owned(),
                        slot,
                        trainable: false,
                    });
                }
                continue;
            }
            let mut operands = Vec::with_capacity(node.inputs.len());
            for (index, name) in node.inputs.iter().enumerate() {
                if name.is_empty() || op.role(index) == Role::Configuration {
                    operands.push(None);
                    continue;
                }
                if let (None, Some(tensor)) =
                    (slot_of.get(name.as_str()), graph.initializers.get(name))
                {
                    if !tensor.dtype().is_float() {
                        return Err(Error::Node {
                            node: node.place(),
                            problem: format!("reads '{name}', which is not of a float type"),
                        });
                    }
                    let index = new_slot();
                    slot_of.insert(name, index);
                    weights.push(Weight {
                        name: name.clone(),
                        slot: index,
                        trainable: trainable.contains(name.as_str()),
                    });
                }
                operands.push(slot_of.get(name.as_str()).copied());
            }
            let index = new_slot();
            slot_of.insert(output, index);
            steps.push(Step {
                node: node.place(),
                op,
                inputs: operands,
                output: index,
                dead: Vec::new(),
            });
        }
        let outputs = graph
            .outputs
            .iter()
            .map(|output| {
                slot_of
                    .get(output.name.as_str())
                    .copied()
                    .ok_or_else(|| Error::Node {
                        node: format!("graph output '{}'", output.name),
                        problem: "is an initializer; nothing computes it".into(),
                    })
            })
            .collect::<Result<Vec<_>>>()?;

        let mut seen = vec![false; slots];
        for &output in &outputs {
            seen[output] = true;
        }
        for step in steps.iter_mut().rev() {
            for &input in step.inputs.iter().flatten() {
                if !std::mem::replace(&mut seen[input], true) {
                    step.dead.push(input);
                }
            }
        }
        Ok(Program {
            steps,
            inputs,
            outputs,
            slots,
            weights,
        })
    }

    /// The weights of `graph`, in the order of [`Program::weights`].
    pub fn load(&self, graph: &Graph, device: &Device) -> Result<Vec<Value>> {
        let reader = OpReader::new(graph);
        self.weights
            .iter()
            .map(|weight| {
                let tensor =
                    reader
                        .constant(&weight.name)
                        .ok_or_else(|| edgefit_graph::Error::Invalid {
                            at: format!("initializer '{}'", weight.name),
                            problem: "is gone; load the weights from the graph that was compiled"
                                .into(),
                        })?;
                Value::new(tensor.to_f32()?, tensor.dims(), device).map_err(|problem| Error::Node {
                    node: format!("initializer '{}'", weight.name),
                    problem,
                })
            })
            .collect()
    }

    pub fn run(&self, inputs: Vec<Value>, mode: &mut impl Mode) -> Result<Vec<Value>> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::Inputs {
                given: inputs.len(),
                expected: self.inputs.len(),
            });
        }
        let mut slots: Vec<Option<Value>> = vec![None; self.slots];
        for (&slot, input) in self.inputs.iter().zip(inputs) {
            slots[slot] = Some(input);
        }
        let mut weight_of = HashMap::new();
        for (index, weight) in self.weights.iter().enumerate() {
            slots[weight.slot] = Some(mode.weight(index));
            weight_of.insert(weight.slot, index);
        }
        for step in &self.steps {
            let problem = |problem: String| Error::Node {
                node: step.node.clone(),
                problem,
            };
            // A value that dies here is moved, so that burn may write into its memory.
            let mut operands = Operands(
                step.inputs
                    .iter()
                    .map(|slot| {
                        let slot = (*slot)?;
                        let uses = step
                            .inputs
                            .iter()
                            .filter(|other| **other == Some(slot))
                            .count();
                        match uses == 1 && step.dead.contains(&slot) {
                            true => slots[slot].take(),
                            false => slots[slot].clone(),
                        }
                    })
                    .collect(),
            );
            // burn panics on shapes that do not go together, so they are held to the op's rules
            // first.
            let types: Vec<Option<TensorType>> = operands
                .0
                .iter()
                .map(|value| Some(ty(value.as_ref()?)))
                .collect();
            let types: Vec<Option<&TensorType>> = types.iter().map(Option::as_ref).collect();
            let expected = step.op.infer(&types).map_err(problem)?;
            let value = match &step.op {
                Op::BatchNormalization(op) => {
                    let statistics = [3, 4].map(|index| {
                        let slot = step.inputs.get(index).copied().flatten()?;
                        weight_of.get(&slot).copied()
                    });
                    mode.batch_normalization(op, &mut operands, statistics)
                }
                Op::Dropout { ratio } => operands.take(0).map(|x| mode.dropout(*ratio, x)),
                op => ops::forward(op, operands, &expected.dims),
            };
            slots[step.output] = Some(value.map_err(problem)?);
            for &slot in &step.dead {
                slots[slot] = None;
            }
        }
        Ok(self
            .outputs
            .iter()
            .filter_map(|&slot| slots[slot].clone())
            .collect())
    }
}

fn ty(value: &Value) -> TensorType {
    TensorType {
        dtype: DataType::F32,
        dims: value.dims(),
    }
}
