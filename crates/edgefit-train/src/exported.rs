use std::path::Path;

use edgefit_data::Sample;
use edgefit_verify::{Pair, Tolerance, pairs};
use edgefit_engine::{Array, EngineName, onnxruntime};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::events::Observer;
use crate::preparation::Preparation;

/// Images of a batch through the exported model.
const BATCH: usize = 16;

/// The model's input for `samples`, read anew from their files.
fn inputs(samples: &[&Sample], preparation: &Preparation) -> Result<Array> {
    let rows = samples.par_iter().map(|sample| preparation.clean(sample));
    Ok(preparation.batch(&rows.collect::<Result<Vec<Vec<f32>>>>()?))
}

/// The first output of the exported model in `engine` for all `samples`: samples × outputs.
pub(crate) fn predict(
    model: &Graph,
    preparation: &Preparation,
    engine: EngineName,
    threads: usize,
    samples: &[&Sample],
    what: &str,
    observer: &mut dyn Observer,
) -> Result<Vec<f32>> {
    let mut engine = edgefit_engine::load(engine, model, threads)?;
    let mut logits = Vec::new();
    observer.begin(what, samples.len() as u64);
    for (index, batch) in samples.chunks(BATCH).enumerate() {
        let outputs = engine.run(&[inputs(batch, preparation)?])?;
        logits.extend(
            outputs
                .into_iter()
                .next()
                .map(|output| output.values)
                .unwrap_or_default(),
        );
        observer.progress((index * BATCH + batch.len()) as u64, "");
    }
    observer.end();
    Ok(logits)
}

/// How far the engines are apart on all `samples`.
pub(crate) fn parity(
    model: &Graph,
    preparation: &Preparation,
    samples: &[&Sample],
    engines: &[EngineName],
    threads: usize,
    observer: &mut dyn Observer,
) -> Result<Vec<Pair>> {
    let mut results = Vec::with_capacity(engines.len());
    for &engine in engines {
        let what = format!("parity, {engine}");
        let values = predict(
            model,
            preparation,
            engine,
            threads,
            samples,
            &what,
            observer,
        )?;
        let dims = vec![samples.len(), values.len() / samples.len().max(1)];
        results.push((engine, vec![Array { dims, values }]));
    }
    Ok(pairs(&results, Tolerance::F32))
}

/// The engines that an exported model like `graph` has to agree on: all that are there and run it.
/// What an engine cannot run is better known now than after the training.
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

pub(crate) fn sha256(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|source| edgefit_graph::Error::Read {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(base16ct::lower::encode_string(&Sha256::digest(bytes)))
}
