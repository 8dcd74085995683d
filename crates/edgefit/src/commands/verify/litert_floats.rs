//! `verify --engine litert` of a model of floats: the `.tflite` file that is made of it against the engine that runs
//! the ONNX file.

use edgefit::assets::Cache;
use edgefit::engine::{Array, Engine, InProcess, fastest};
use edgefit::graph::{Graph, ImageInput};
use edgefit::litert::{Kernels, VERSION};
use edgefit::predict::SampleSet;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::verify::{FloatResults, LiteRtReport, Verdict};

use super::super::{discover, in_file, threads};
use super::integers::{samples_path, spread};
use super::{SAMPLES, SCHEMA, litert};
use crate::cli::Verify;
use crate::output::{Outcome, Output};
use crate::tflite_file::float_file;

/// Compares `graph`, which computes in floats.
pub fn run(args: &Verify, mut graph: Graph, output: &mut Output) -> anyhow::Result<Outcome> {
    let path = samples_path(args, "litert")?;
    let file = float_file(&args.model, &graph)?;
    if let Some(name) = args.preprocessing {
        let preprocessing = ImageInput::of(&graph).and_then(|input| input.preprocessing(name));
        preprocessing
            .map_err(in_file(&args.model))?
            .store(&mut graph);
    }
    let spinner = spinner("running LiteRT");
    let set = SampleSet::open(path, &graph, None, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })
    .map_err(in_file(&args.model))?;
    let count = args.samples.map_or(SAMPLES, |samples| samples as usize);
    let chosen = spread(set.samples().len(), count);
    let _ = discover(&Cache::of_user()?);
    let mut engine = InProcess::new(fastest(), threads(args.threads));
    engine.load(&graph)?;
    let (mut inputs, mut given) = (Vec::new(), Vec::new());
    for &at in &chosen {
        let batch = set.batch(&[at])?;
        given.extend(engine.run(&batch)?.into_iter().next());
        inputs.extend(batch.into_iter().next().map(|array| array.values));
    }
    let of = |kernels: Kernels| -> anyhow::Result<Vec<Array>> {
        let rows = litert::run_floats(&file, &inputs, kernels)?.into_iter();
        let arrays = rows.zip(&given).map(|(values, engine)| Array {
            dims: engine.dims.clone(),
            values,
        });
        Ok(arrays.collect())
    };
    let litert = [of(Kernels::Reference)?, of(Kernels::Default)?];
    drop(spinner);
    let report = LiteRtReport::of(FloatResults {
        model: args.model.clone(),
        engine: (fastest(), given),
        version: VERSION.to_owned(),
        litert,
        classes: chosen.iter().map(|&at| set.samples()[at].class).collect(),
    });
    output.result(SCHEMA, &report, || report::litert(&report))?;
    Ok((report.verdict == Verdict::Agree).into())
}
