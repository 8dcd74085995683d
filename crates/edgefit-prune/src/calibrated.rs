//! [`Calibrated`]: a structure whose model was run over samples, so that it is known how the channels that
//! its layers read vary together.

use std::collections::BTreeMap;

use edgefit_engine::{Array, Engine};
use edgefit_graph::rewrite::prune;
use edgefit_graph::{Graph, Node, ValueInfo};
use edgefit_predict::{Error as Unusable, Samples, count};
use rayon::prelude::*;

use crate::covariance::Covariance;
use crate::error::Result;
use crate::layer::{Grouping, Layer};
use crate::rows::rows;
use crate::structure::Structure;

/// A structure, and how the inputs of its layers vary on calibration samples.
#[derive(Debug)]
pub struct Calibrated<'s> {
    /// The structure.
    pub structure: &'s Structure,
    /// How many samples it was run over.
    pub samples: usize,
    /// Of the values that layers read channels of, along a dimension.
    pub(crate) inputs: BTreeMap<(String, usize), Covariance>,
}

impl<'s> Calibrated<'s> {
    /// Runs the model of `structure` over `samples`, once.
    ///
    /// # Errors
    /// There are no samples or they cannot be read, the engine fails, or a value is NaN or infinite.
    pub fn new(
        structure: &'s Structure,
        samples: &dyn Samples,
        engine: &mut dyn Engine,
    ) -> Result<Self> {
        let graph = &structure.graph;
        let readers = structure
            .layers
            .iter()
            .filter(|layer| makes_up(structure, layer));
        let mut inputs: BTreeMap<(String, usize), Covariance> = BTreeMap::new();
        for layer in readers {
            let value = graph.nodes[layer.node].inputs[layer.input].clone();
            let size = [layer.inputs; 2];
            inputs
                .entry((value, layer.axis))
                .or_insert_with(|| Covariance::new(size));
        }
        let values = inputs.keys().map(|(value, _)| value.as_str());
        let watched = with_outputs(graph, values);
        engine.load(&watched)?;
        let mut seen = 0;
        for (number, batch) in samples.batches().enumerate() {
            let batch = batch?;
            check_finite(
                graph,
                graph.free_inputs().map(|input| input.name.as_str()),
                &batch,
                seen,
            )?;
            let made = engine.run(&batch)?;
            let names = || watched.outputs.iter().map(|output| output.name.as_str());
            check_finite(graph, names(), &made, seen)?;
            let made: BTreeMap<&str, &Array> = names().zip(&made).collect();
            inputs
                .par_iter_mut()
                .for_each(|((value, axis), covariance)| {
                    if let Some(array) = made.get(value.as_str()) {
                        let rows = rows(array, *axis, number);
                        covariance.add(&rows, &rows);
                    }
                });
            seen += count(&batch);
        }
        match seen {
            0 => Err(Unusable::NoSamples.into()),
            samples => Ok(Calibrated {
                structure,
                samples,
                inputs,
            }),
        }
    }

    /// What is known of the channels that `layer` reads.
    pub(crate) fn input_of(&self, layer: &Layer) -> Option<&Covariance> {
        let node = &self.structure.graph.nodes[layer.node];
        let key = (node.inputs[layer.input].clone(), layer.axis);
        self.inputs.get(&key)
    }
}

/// Whether `layer` reads channels that can go, and has a weight of its own to make up for them.
pub(crate) fn makes_up(structure: &Structure, layer: &Layer) -> bool {
    let can_go = |&channel: &u32| structure.units[channel as usize].is_some();
    let reads = layer.read.as_ref();
    layer.grouping != Grouping::Whole && reads.is_some_and(|read| read.iter().any(can_go))
}

/// `graph` with the values of these names as its outputs.
pub(crate) fn with_outputs<'n>(graph: &Graph, names: impl Iterator<Item = &'n str>) -> Graph {
    let mut made = graph.clone();
    let wanted: std::collections::BTreeSet<&str> = names.collect();
    let outputs = graph.nodes.iter().flat_map(Node::present_outputs);
    let outputs = outputs.filter(|output| wanted.contains(output));
    made.outputs = outputs.map(ValueInfo::float).collect();
    prune(&mut made);
    // What nothing reads any more stays an input, so that samples go on fitting.
    made.inputs.clone_from(&graph.inputs);
    made.inputs.retain(|input| {
        !graph.initializers.contains_key(&input.name) || made.initializers.contains_key(&input.name)
    });
    made
}

fn check_finite<'n>(
    graph: &Graph,
    names: impl Iterator<Item = &'n str>,
    arrays: &[Array],
    seen: usize,
) -> Result<()> {
    for (name, array) in names.zip(arrays) {
        if let Some(at) = array.values.iter().position(|value| !value.is_finite()) {
            let samples = array.dims.first().copied().unwrap_or(1).max(1);
            let sample = at / (array.values.len() / samples).max(1);
            return Err(Unusable::non_finite(graph, name, seen + sample + 1).into());
        }
    }
    Ok(())
}
