//! The exported model: its predictions, and how far engines agree on them.

use std::path::Path;

use edgefit_base::hash;
use edgefit_data::Sample;
use edgefit_engine::{Array, Copies, EngineName, onnxruntime};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_verify::{Pair, Tolerance, pairs};
use rayon::prelude::*;

use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::inference::Inference;
use crate::prepare::preparation::Preparation;

/// An exported model, with what it takes to feed it from files.
#[derive(Clone, Copy)]
pub(crate) struct ExportedModel<'a> {
    pub graph: &'a Graph,
    pub preparation: &'a Preparation,
}

impl ExportedModel<'_> {
    /// The first output for all `samples`, read anew from their files: samples × outputs, row-major.
    /// `task` is what the observer is told.
    ///
    /// # Errors
    /// A sample can no longer be read, or the engine fails.
    pub fn predict(
        &self,
        samples: &[&Sample],
        task: &str,
        inference: &mut Inference,
    ) -> Result<Vec<f32>> {
        let Inference {
            engine,
            threads,
            observer,
        } = inference;
        let copies = Copies::new(*engine, self.graph, *threads);
        let mut logits = Vec::new();
        let mut done = 0;
        observer.begin(task, samples.len() as u64);
        for batches in copies.portions(samples, copies.batch()) {
            let made = copies.map(&batches, |batch| -> Result<Vec<f32>> {
                let first = copies.run(&[self.inputs(batch)?])?.into_iter().next();
                Ok(first.map_or_else(Vec::new, |output| output.values))
            });
            for made in made {
                logits.extend(made?);
            }
            done += batches.iter().map(|batch| batch.len()).sum::<usize>();
            observer.progress(done as u64, "");
        }
        observer.end();
        Ok(logits)
    }

    /// How far each two of the `engines` are apart on all `samples`.
    ///
    /// # Errors
    /// As [`ExportedModel::predict`].
    pub fn parity(
        &self,
        samples: &[&Sample],
        engines: &[EngineName],
        inference: &mut Inference,
    ) -> Result<Vec<Pair>> {
        let mut results = Vec::with_capacity(engines.len());
        for &engine in engines {
            inference.engine = engine;
            let values = self.predict(samples, &format!("parity, {engine}"), inference)?;
            let dims = vec![samples.len(), values.len() / samples.len().max(1)];
            results.push((engine, vec![Array { dims, values }]));
        }
        Ok(pairs(&results, Tolerance::F32))
    }

    /// Samples as one input.
    ///
    /// # Errors
    /// A sample can no longer be read.
    pub fn inputs(&self, samples: &[&Sample]) -> Result<Array> {
        let rows = samples
            .par_iter()
            .map(|sample| self.preparation.clean(sample));
        let rows: Vec<Vec<f32>> = rows.collect::<Result<_>>()?;
        Ok(self.preparation.batch(&rows))
    }
}

/// The engines that an exported model like `graph` has to agree on: all that are there and run it.
/// What an engine cannot run is found here, before the training.
///
/// # Errors
/// `needed` or burn cannot run it, or nothing is left to compare burn with.
pub(crate) fn compared_engines(
    graph: &Graph,
    needed: EngineName,
    threads: usize,
    observer: &mut dyn Observer,
) -> Result<Vec<EngineName>> {
    let available =
        |engine: &EngineName| *engine != EngineName::OnnxRuntime || onnxruntime::found().is_some();
    let shapes = InputShapes::bind(graph, 1, None)?.0.into_iter();
    let sample: Vec<Array> = shapes
        .map(|(_, dims)| Array {
            values: vec![0.0; dims.iter().product()],
            dims,
        })
        .collect();
    let mut running = Vec::new();
    let mut failed = None;
    for engine in EngineName::ALL.iter().copied().filter(available) {
        let ran =
            edgefit_engine::load(engine, graph, threads).and_then(|mut loaded| loaded.run(&sample));
        match ran {
            Ok(_) => running.push(engine),
            Err(error) if engine == needed || engine == EngineName::Burn => {
                return Err(error.into());
            }
            Err(error) => {
                observer.warn(&format!("{error}; it is left out of the comparison"));
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if running.len() < 2 => Err(error.into()),
        _ => Ok(running),
    }
}

/// SHA-256 of a file, in hex.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let bytes = edgefit_base::file::read(path).map_err(|source| edgefit_graph::Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(hash::sha256_hex(&bytes))
}
