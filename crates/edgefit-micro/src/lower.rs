//! A QDQ graph into a [`Program`].
//!
//! A float between a DequantizeLinear and the QuantizeLinear behind it exists only in the graph: the ops
//! between the two are one integer op, made when the scale of its result is known.

mod elementwise;
mod fold;
mod function;
mod input;
mod known;
mod node;
mod spatial;
mod table;
mod view;
mod weighted;

use std::collections::HashMap;

use edgefit_graph::infer::{Inference, InputShapes, infer};
use edgefit_graph::ops::Op as Meaning;
use edgefit_graph::preprocessing::Layout;
use edgefit_graph::quantized::{Scaling, StandsFor, first_quantized, quantized_values};
use edgefit_graph::rewrite::prune;
use edgefit_graph::topology::Topology;
use edgefit_graph::{DataType, Graph, ImageInput, Node, Preprocessing, ValueInfo, labels};

use crate::error::{Error, Refusal, Result};
use crate::program::{Port, Program, Quantization, Source};
pub use input::fix_sample;
use input::only_input;
pub(crate) use input::scaler;
use known::{Known, Pending};
pub(crate) use spatial::within_padding;
use view::{Builder, View};
pub(crate) use view::{channels_last, output_order};
pub(crate) use weighted::{image, window};

/// Where quantised models of edgefit say how.
const QUANTIZATION: &str = "edgefit.quantization";

/// The scheme of this arithmetic.
const SCHEME: &str = "tflite";

/// The integer program of `graph`, whose input holds one sample.
///
/// # Errors
/// It is a model of floats or of another scheme, takes or gives more than one value, or has nodes without an
/// integer form, all of which the error lists.
pub fn lower(graph: &Graph) -> Result<Program> {
    let mut graph = graph.clone();
    prune(&mut graph);
    let graph = &graph;
    check_scheme(graph)?;
    let input = only_input(graph)?;
    let shapes = InputShapes::bind(graph, 1, None)?;
    let inference = infer(graph, &shapes)?;
    let topology = Topology::of(graph);
    let mut lowering = Lowering {
        graph,
        inference: &inference,
        topology: &topology,
        known: HashMap::new(),
        builder: Builder {
            values: Vec::new(),
            steps: Vec::new(),
        },
        input: None,
        refusals: Vec::new(),
    };
    lowering.known.insert(&input.name, Known::Input);
    for (node, op) in graph.nodes.iter().zip(&inference.ops) {
        lowering.node(node, op.as_ref());
    }
    lowering.finish(input)
}

/// Refuses floats, and integers of another scheme than TFLite's.
fn check_scheme(graph: &Graph) -> Result<()> {
    if first_quantized(graph).is_none() {
        return Err(Error::Float);
    }
    let said = graph.metadata.get(QUANTIZATION);
    let said = said.and_then(|json| serde_json::from_str::<serde_json::Value>(json).ok());
    let name = said.as_ref().and_then(|said| said["scheme"].as_str());
    if let Some(name) = name.filter(|name| *name != SCHEME) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        return Err(Error::Scheme(format!("in the scheme '{name}'")));
    }
    let values = quantized_values(graph);
    let other = values
        .iter()
        .find(|value| value.kind == StandsFor::Activation && value.scaling.dtype != DataType::I8);
    match other {
        Some(value) => Err(Error::Scheme(format!(
            "with '{}' as {}",
            value.name, value.scaling.dtype
        ))),
        None => Ok(()),
    }
}

/// A graph on its way into a program.
struct Lowering<'g> {
    graph: &'g Graph,
    inference: &'g Inference,
    topology: &'g Topology<'g>,
    known: HashMap<&'g str, Known<'g>>,
    builder: Builder,
    input: Option<Port>,
    refusals: Vec<Refusal>,
}

impl<'g> Lowering<'g> {
    /// Lowers one node, or notes why it cannot be.
    fn node(&mut self, node: &'g Node, op: Option<&'g Meaning>) {
        let mut outputs = node.present_outputs();
        let Some(output) = outputs.next() else {
            return;
        };
        if self.inference.is_folded(output) || matches!(op, Some(Meaning::Constant(_))) {
            return;
        }
        let behind_refused = node
            .present_inputs()
            .any(|name| matches!(self.known.get(name), Some(Known::Refused)));
        let made = match op {
            _ if behind_refused => Ok(Known::Refused),
            None => Err(self.why_unsupported(node)),
            Some(_) if outputs.next().is_some_and(|name| self.is_read(name)) => {
                Err("it has several outputs".into())
            }
            Some(op) => self.meaning(node, op, output),
        };
        let made = made.unwrap_or_else(|reason: String| self.refused(node, reason));
        self.known.insert(output, made);
    }

    fn is_read(&self, name: &str) -> bool {
        self.topology.is_output(name) || !self.topology.consumers(name).is_empty()
    }

    fn why_unsupported(&self, node: &Node) -> String {
        let mut listed = self.inference.unsupported.iter();
        let found = listed.find(|listed| listed.nodes.iter().any(|name| name == node.label()));
        found.map_or_else(
            || "this operator is not known".into(),
            |found| found.reason.to_string(),
        )
    }

    fn meaning(
        &mut self,
        node: &'g Node,
        op: &'g Meaning,
        output: &'g str,
    ) -> Result<Known<'g>, String> {
        let from = node.input(0).ok_or("its first input is missing")?;
        match op {
            Meaning::Quantize(_) => self.quantized(node, from),
            Meaning::Dequantize(_) => self.dequantized(node, from),
            _ => self.pending(node, op, (from, output)),
        }
    }

    /// What a QuantizeLinear makes: the op in front of it becomes one that writes its integers.
    fn quantized(&mut self, node: &'g Node, from: &'g str) -> Result<Known<'g>, String> {
        let to = self.quantization(node)?;
        match self.known.get(from).cloned() {
            Some(Known::Input) => self.input_view(from, to).map(Known::Integers),
            Some(Known::Floats(view)) => {
                let view = self.builder.requantized(node.label(), &view, to)?;
                Ok(Known::Integers(view))
            }
            // What cannot be written is the fault of the node in front, not of this one.
            Some(Known::Pending(pending)) => Ok(match self.written(&pending, to) {
                Ok(view) => Known::Integers(view),
                Err(reason) => self.refused(pending.node, reason),
            }),
            _ => Err("it quantises what is no float of the model".into()),
        }
    }

    /// Notes why a node has no integer form.
    fn refused(&mut self, node: &Node, reason: String) -> Known<'g> {
        self.refusals.push(Refusal {
            op: node.op.clone(),
            node: node.label().to_owned(),
            reason,
        });
        Known::Refused
    }

    fn dequantized(&mut self, node: &'g Node, from: &'g str) -> Result<Known<'g>, String> {
        if let Some(tensor) = self.graph.initializers.get(from) {
            let scaling = Scaling::of(self.graph, self.topology, node);
            let scaling = scaling.ok_or("its scale is no constant, or one for each block")?;
            return Ok(Known::Constant(weighted::Constant {
                tensor,
                scaling: Some(scaling),
            }));
        }
        let quantization = self.quantization(node)?;
        let view = match self.known.get(from).cloned() {
            Some(Known::Integers(view)) => view,
            _ => return Err("it reads what no QuantizeLinear made".into()),
        };
        Ok(Known::Floats(View {
            quantization,
            ..view
        }))
    }

    /// The one scale of a QuantizeLinear or DequantizeLinear of values.
    fn quantization(&self, node: &Node) -> Result<Quantization, String> {
        let scaling = Scaling::of(self.graph, self.topology, node);
        let scaling = scaling.ok_or("its scale is no constant, or one for each block")?;
        let ([scale], [zero_point]) = (&scaling.scales[..], &scaling.zero_points[..]) else {
            return Err("its value has a scale for each channel; TFLite's values have one".into());
        };
        let zero_point = i8::try_from(*zero_point).ok();
        match zero_point.filter(|_| scaling.dtype == DataType::I8) {
            Some(zero_point) if *scale > 0.0 && scale.is_finite() => Ok(Quantization {
                scale: *scale,
                zero_point,
            }),
            Some(_) => Err(format!("its scale is {scale}, which is not above 0")),
            None => Err(format!("its integers are {}, not int8", scaling.dtype)),
        }
    }

    /// The input of the program, of which there is one.
    fn input_view(&mut self, name: &str, quantization: Quantization) -> Result<View, String> {
        if self.input.is_some() {
            return Err("the input of the model is quantised twice; it has one scale".into());
        }
        let ty = self.inference.get(name).ok_or("its shape is not known")?;
        let dims = ty.dims.clone();
        let image = ImageInput::of(self.graph).ok();
        let order = match image.map(|image| image.layout) {
            Some(Layout::ChannelsLast) => (0..dims.len()).collect(),
            _ => channels_last(dims.len()),
        };
        let value = self.builder.value(ty.elements())?;
        let view = View {
            source: Source::Value(value),
            quantization,
            dims,
            order,
        };
        self.input = Some(Port {
            value,
            dims: view.memory_dims(),
            order: view.order.clone(),
            quantization,
        });
        Ok(view)
    }

    /// The program, once all nodes are lowered.
    fn finish(mut self, input: &ValueInfo) -> Result<Program> {
        let [output] = self.graph.outputs.as_slice() else {
            return Err(Error::Border {
                place: "graph outputs".into(),
                problem: format!("there are {}; a program has one", self.graph.outputs.len()),
            });
        };
        let found = self.known.get(output.name.as_str()).cloned();
        if !self.refusals.is_empty() {
            return Err(Error::Unsupported(self.refusals));
        }
        let fail = |problem: &str| Error::Border {
            place: format!("graph output '{}'", output.name),
            problem: problem.into(),
        };
        let view = match found {
            Some(Known::Floats(view) | Known::Integers(view)) => view,
            Some(Known::Pending(Pending { node, .. })) => {
                return Err(fail(&format!(
                    "{} gives floats that are not quantised; quantise it anew with edgefit quantize --scheme tflite \
                     --all-int8",
                    node.place()
                )));
            }
            _ => return Err(fail("it is not computed from the input")),
        };
        let order = output_order(&view.dims, &view.order);
        let view = self
            .builder
            .arranged(&output.name, &view, &order)
            .map_err(|problem| fail(&problem))?;
        let (Source::Value(value), Some(port)) = (&view.source, self.input.take()) else {
            return Err(Error::Border {
                place: format!("graph input '{}'", input.name),
                problem: "nothing that is quantised depends on it".into(),
            });
        };
        let output = Port {
            value: *value,
            dims: view.memory_dims(),
            order: view.order.clone(),
            quantization: view.quantization,
        };
        let mut program = self.builder.into_program(port, output);
        fold::fold_transpositions(&mut program);
        program.labels = labels::of(self.graph)?.unwrap_or_default();
        program.preprocessing = Preprocessing::of(self.graph)?;
        let input = &program.input;
        program.scaler = scaler(self.graph, (&input.dims, &input.order))?;
        Ok(program)
    }
}
