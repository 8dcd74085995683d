//! One pass of the float model over the calibration samples.

use std::collections::BTreeMap;

use edgefit_engine::{Array, Engine};
use edgefit_graph::topology::Topology;
use edgefit_graph::{Graph, ValueInfo};

use crate::error::{Error, Result};
use crate::histogram::Histogram;

/// What calibration keeps of a value: its size does not depend on the number of samples.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// How often it was how large.
    pub histogram: Histogram,
    /// Sum over samples and positions for each channel, and how many they were.
    sums: Vec<f64>,
    count: u64,
}

impl Observed {
    /// Mean of each channel (second dimension).
    pub fn channel_means(&self) -> Vec<f64> {
        let count = self.count.max(1) as f64;
        self.sums.iter().map(|sum| sum / count).collect()
    }

    fn add(&mut self, array: &Array) {
        self.histogram.add(&array.values);
        let channels = array.dims.get(1).copied().unwrap_or(1);
        let positions: usize = array.dims.iter().skip(2).product();
        if channels == 0 || positions == 0 {
            return;
        }
        self.sums.resize(channels, 0.0);
        for (row, values) in array.values.chunks_exact(positions).enumerate() {
            let sum: f64 = values.iter().map(|&value| f64::from(value)).sum();
            self.sums[row % channels] += sum;
        }
        self.count += (array.values.len() / channels) as u64;
    }
}

/// Runs `graph` over `batches` of its inputs and watches `values`.
///
/// # Errors
/// There are no samples, the engine fails, or a value is NaN or infinite.
pub fn calibrate<'v>(
    graph: &Graph,
    values: impl IntoIterator<Item = &'v str>,
    batches: impl IntoIterator<Item = Result<Vec<Array>>>,
    engine: &mut dyn Engine,
) -> Result<BTreeMap<String, Observed>> {
    let values: Vec<&str> = values.into_iter().collect();
    let inputs: Vec<&str> = graph
        .free_inputs()
        .map(|input| input.name.as_str())
        .collect();
    let mut watched = graph.clone();
    watched.outputs = values
        .iter()
        .filter(|value| !inputs.contains(value))
        .map(|value| ValueInfo::float(value))
        .collect();
    engine.load(&watched)?;
    let mut observed: BTreeMap<String, Observed> = BTreeMap::new();
    let mut samples = 0;
    for batch in batches {
        let batch = batch?;
        let made = engine.run(&batch)?;
        let outputs = watched.outputs.iter().map(|output| output.name.as_str());
        let fed = inputs.iter().copied().zip(&batch);
        let fed = fed.filter(|(name, _)| values.contains(name));
        for (name, array) in outputs.zip(&made).chain(fed) {
            if let Some(at) = array.values.iter().position(|value| !value.is_finite()) {
                let rows = array.dims.first().copied().unwrap_or(1).max(1);
                let row = at / (array.values.len() / rows).max(1);
                return Err(non_finite(graph, name, samples + row + 1));
            }
            observed.entry(name.to_owned()).or_default().add(array);
        }
        samples += batch
            .first()
            .and_then(|array| array.dims.first().copied())
            .unwrap_or(0);
    }
    match samples {
        0 => Err(Error::NoSamples),
        _ => Ok(observed),
    }
}

fn non_finite(graph: &Graph, value: &str, sample: usize) -> Error {
    let producer = Topology::of(graph).producer(value);
    Error::NonFinite {
        value: value.to_owned(),
        node: producer.map_or_else(
            || "the samples themselves".to_owned(),
            |node| graph.nodes[node].place(),
        ),
        sample,
    }
}
