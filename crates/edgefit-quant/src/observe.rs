//! One pass of the float model over the calibration samples, which says how large its values are.

use std::collections::{BTreeMap, BTreeSet};

use edgefit_engine::{Array, Engine, fixed_batch};
use edgefit_graph::ops::{Conv, Op, OpReader};
use edgefit_graph::rewrite::prune;
use edgefit_graph::{Graph, Node, ValueInfo};
use edgefit_predict::{Error as Unusable, Samples, batches_of, count};
use rayon::prelude::*;

use crate::channels::Channels;
use crate::error::Result;
use crate::histogram::Histogram;
use crate::moments::Moments;
use crate::plan::Plan;
use crate::rounding::InputStatistics;

/// What calibration keeps of a value: its size does not depend on the number of samples.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// How often it was how large.
    pub histogram: Histogram,
    /// Sum over samples and positions for each channel, and how many they were.
    sums: Vec<f64>,
    count: u64,
    /// Largest value of each channel.
    highest: Vec<f32>,
}

impl Observed {
    /// Mean of each channel (second dimension).
    pub fn channel_means(&self) -> Vec<f64> {
        let count = self.count.max(1) as f64;
        self.sums.iter().map(|sum| sum / count).collect()
    }

    /// Largest value of each channel (second dimension), at least 0.
    pub fn channel_highest(&self) -> &[f32] {
        &self.highest
    }

    pub(crate) fn add(&mut self, array: &Array) {
        self.histogram.add(&array.values);
        let channels = array.dims.get(1).copied().unwrap_or(1);
        let positions: usize = array.dims.iter().skip(2).product();
        if channels == 0 || positions == 0 {
            return;
        }
        self.sums.resize(channels, 0.0);
        self.highest.resize(channels, 0.0);
        for (row, values) in array.values.chunks_exact(positions).enumerate() {
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            let channel = row % channels;
            self.sums[channel] += sum;
            let highest = values.iter().copied().fold(self.highest[channel], f32::max);
            self.highest[channel] = highest;
        }
        self.count += (array.values.len() / channels) as u64;
    }
}

/// What was observed of a model on calibration samples.
#[derive(Debug, Default)]
pub(crate) struct Observations {
    /// Of each value that is quantised.
    pub values: BTreeMap<String, Observed>,
    /// Of the inputs of each layer with a weight, by the index of its node.
    pub inputs: BTreeMap<usize, InputStatistics>,
}

/// How much is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The values.
    Values,
    /// The values, and how the inputs of each layer vary together.
    ValuesAndInputs,
}

/// Runs `graph` over `samples` and watches the values and the layers of `plan`.
///
/// # Errors
/// There are no samples, the engine fails, or a value is NaN or infinite.
pub(crate) fn observe(
    graph: &Graph,
    plan: &Plan,
    detail: Detail,
    samples: &dyn Samples,
    engine: &mut dyn Engine,
) -> Result<Observations> {
    let rescaled = plan.rescales.iter().map(|rescale| rescale.to.as_str());
    let values: BTreeSet<&str> = plan.values().chain(rescaled).collect();
    let inputs: Vec<&str> = graph
        .free_inputs()
        .map(|input| input.name.as_str())
        .collect();
    let made = graph.nodes.iter().flat_map(Node::present_outputs);
    let made: Vec<&str> = made.filter(|value| values.contains(value)).collect();
    let mut watched = graph.clone();
    watched.outputs = made.iter().map(|value| ValueInfo::float(value)).collect();
    prune(&mut watched);
    engine.load(&watched)?;
    let fed: Vec<usize> = (0..inputs.len())
        .filter(|&input| values.contains(inputs[input]))
        .collect();
    let names = fed.iter().map(|&input| inputs[input]).chain(made);
    let mut observed: Vec<(&str, Observed)> =
        names.map(|name| (name, Observed::default())).collect();
    let mut layers = match detail {
        Detail::Values => Vec::new(),
        Detail::ValuesAndInputs => layers(graph, plan),
    };
    let mut seen = 0;
    // Of a model for one batch size, not every value inside begins with the batch: none can be cut.
    for batch in batches_of(samples, fixed_batch(&watched)) {
        let batch = batch?;
        let rows = count(&batch).max(1);
        let outputs = engine.run(&batch)?;
        let arrays: Vec<&Array> = fed.iter().map(|&at| &batch[at]).chain(&outputs).collect();
        let pairs = observed.par_iter_mut().zip(&arrays);
        let watched = pairs.map(|((name, observed), array)| {
            if let Some(at) = array.values.iter().position(|value| !value.is_finite()) {
                let row = at / (array.values.len() / rows).max(1);
                return Err(Unusable::non_finite(graph, name, seen + row + 1));
            }
            observed.add(array);
            Ok(())
        });
        // Of several values that are not finite, the first is the one to name.
        let watched: Vec<Result<(), Unusable>> = watched.collect();
        watched.into_iter().collect::<Result<(), Unusable>>()?;
        layers.par_iter_mut().for_each(|layer| {
            let at = observed.iter().position(|(name, _)| *name == layer.input);
            if let Some(at) = at {
                layer.add(arrays[at]);
            }
        });
        seen += count(&batch);
    }
    match seen {
        0 => Err(Unusable::NoSamples.into()),
        _ => Ok(Observations {
            values: observed
                .into_iter()
                .map(|(name, observed)| (name.to_owned(), observed))
                .collect(),
            inputs: layers
                .par_iter()
                .map(|layer| (layer.node, InputStatistics::of(&layer.moments)))
                .collect(),
        }),
    }
}

/// A layer whose inputs are watched.
struct Layer<'g> {
    node: usize,
    input: &'g str,
    /// Of a convolution, and the shape of its weight.
    conv: Option<(Conv, &'g [usize])>,
    moments: Moments,
}

impl Layer<'_> {
    fn add(&mut self, x: &Array) {
        match &self.conv {
            Some((conv, weight)) => self.moments.add_convolved(conv, x, weight),
            None => self.moments.add_rows(x),
        }
    }
}

/// The layers of `plan` that have a weight.
fn layers<'g>(graph: &'g Graph, plan: &Plan) -> Vec<Layer<'g>> {
    let reader = OpReader::new(graph);
    let groups = plan.groups.iter();
    groups
        .filter_map(|group| {
            let node = &graph.nodes[group.node];
            let weight = graph.initializers.get(node.input(1)?)?;
            let channels = Channels::of(node, weight)?;
            let conv = match reader.read(node).ok()? {
                Op::Conv(conv) => Some((conv, weight.dims())),
                _ => None,
            };
            Some(Layer {
                node: group.node,
                input: node.input(0)?,
                conv,
                moments: Moments::of(channels),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use edgefit_engine::{EngineName, InProcess};
    use edgefit_graph::infer::{InputShapes, infer};
    use edgefit_graph::{Attribute, Dim, Tensor};

    use super::*;
    use crate::scheme::Scheme;

    #[test]
    fn a_model_for_one_sample_may_move_the_batch_inside() {
        let mut graph = Graph::new("g", 17);
        let dims = [1, 2, 2].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        let eye = Tensor::from_values(vec![2, 2], &[1f32, 0.0, 0.0, 1.0]);
        graph.initializers.insert("w".into(), eye);
        let perm = Attribute::Ints(vec![1, 0, 2]);
        graph.nodes = vec![
            Node::new("MatMul", "first", &["x", "w"], &["m"]),
            Node::new("Transpose", "turn", &["m"], &["t"]).with("perm", perm),
            Node::new("MatMul", "second", &["t", "w"], &["y"]),
        ];
        let shapes = InputShapes::bind(&graph, 1, None).unwrap();
        let inference = infer(&graph, &shapes).unwrap();
        let scheme = Scheme::named("onnxruntime-x86").unwrap();
        let plan = Plan::of(&graph, &inference, &scheme, &HashSet::new());
        let samples = [vec![Array {
            dims: vec![4, 2, 2],
            values: (0..16u8).map(f32::from).collect(),
        }]];
        let mut engine = InProcess::new(EngineName::Tract, 1);
        let detail = Detail::ValuesAndInputs;
        let observed = observe(&graph, &plan, detail, &samples, &mut engine).unwrap();
        assert_eq!(observed.values["t"].histogram.range(), (0.0, 15.0));
    }
}
