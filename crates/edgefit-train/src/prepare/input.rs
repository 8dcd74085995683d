//! How the inputs of a backbone are prepared, and their shape.

use edgefit_data::{Dataset, Sample, prepare};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_graph::{Dim, Graph, Preprocessing, StandardScaler, ValueInfo};
use edgefit_guards::Findings;
use rayon::prelude::*;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::prepare::detect_preprocessing::Original;
use crate::prepare::preparation::{Preparation, image};
use crate::prepare::split::assign;

/// Number of samples on which a model of arrays is tried.
const ARRAYS: usize = 32;

/// How images are prepared according to the user or the model, if either says; and their width and height.
fn stated(
    job: &Job,
    graph: &Graph,
    observer: &mut dyn Observer,
) -> Result<(Option<Preprocessing>, [u32; 2]), String> {
    let carried = Preprocessing::of(graph).map_err(|error| error.to_string())?;
    let known = match (job.preprocessing, carried) {
        (Some(name), carried) => {
            let named = named(name, graph)?;
            if let Some(carried) = carried.filter(|carried| *carried != named) {
                observer.warn(&format!(
                    "the model says its images are {carried}; going on with {name}, as asked"
                ));
            }
            Some(named)
        }
        (None, carried) => carried,
    };
    let size = match &known {
        Some(known) => [known.width, known.height],
        None => size(graph)?,
    };
    Ok((known, size))
}

/// Finds how images are prepared (EF06), and whether the original model ends in logits (EF04).
pub(crate) fn of_images(
    job: &Job,
    dataset: &Dataset,
    original: &Original,
    findings: &mut Findings,
    observer: &mut dyn Observer,
) -> Result<Preparation> {
    let problem = |problem: String| Error::Backbone {
        path: job.backbone.clone(),
        problem,
    };
    let (stated, size) = stated(job, original.graph, observer).map_err(problem)?;
    let [width, height] = size.map(|side| side as usize);
    let what =
        "its preprocessing makes it; export it with channels first, or correct the preprocessing";
    takes(original.graph, &[3, height, width], what).map_err(problem)?;
    let images =
        |preprocessing: &Preprocessing, most: usize| Ok(some_images(dataset, preprocessing, most));
    let chosen = original.try_out(stated.as_ref(), size, images, findings)?;
    if chosen.guessed {
        observer.warn(&format!(
            "{} does not say how its images are to be prepared (EF06); going on with what fits \
             best, {}; --preprocessing names another",
            job.backbone.display(),
            chosen.preprocessing
        ));
    }
    Ok(Preparation::Images(chosen.preprocessing))
}

/// The scaler that the model carries, or one that is fitted to the training samples; and whether the
/// original model ends in logits (EF04).
pub(crate) fn of_arrays(
    job: &Job,
    dataset: &Dataset,
    dims: &[usize],
    original: &Original,
    findings: &mut Findings,
) -> Result<Preparation> {
    let problem = |problem: String| Error::Backbone {
        path: job.backbone.clone(),
        problem,
    };
    if let Some(name) = &job.preprocessing {
        return Err(problem(format!(
            "--preprocessing {name} is for images, and {} holds arrays; leave it out",
            job.data.display()
        )));
    }
    let what = format!("the samples of {} are", job.data.display());
    takes(original.graph, dims, &what).map_err(problem)?;
    let samples: Vec<&Sample> = dataset.samples.iter().collect();
    let carried = StandardScaler::of(original.graph).map_err(|error| problem(error.to_string()))?;
    let preparation = match carried {
        Some(scaler) if scaler.dims == dims => Preparation::Arrays(scaler),
        Some(scaler) => {
            return Err(problem(format!(
                "scales samples of shape {:?}, and those of {} are of {dims:?}",
                scaler.dims,
                job.data.display()
            )));
        }
        None => Preparation::fitted(&samples, &assign(job, dataset, &samples)?, dims)
            .ok_or_else(|| Error::Stopped("there are no training samples".into()))?,
    };
    let step = samples.len().div_ceil(ARRAYS).max(1);
    let some = samples.iter().step_by(step);
    let some: Vec<Vec<f32>> = some
        .map(|sample| preparation.clean(sample))
        .collect::<Result<_>>()?;
    original.try_arrays(&some, &preparation, findings)?;
    Ok(preparation)
}

/// Declares the only input of a graph to be of the given shape, but for the batch.
pub(crate) fn fix_input(graph: &mut Graph, shape: &[usize]) -> Result<(), String> {
    // Shapes that the exporter stored are those of other sizes.
    graph.value_info.clear();
    let shapes = InputShapes::bind(graph, 1, Some(shape)).map_err(|error| error.to_string())?;
    for (name, dims) in shapes.0 {
        let sample = dims.into_iter().skip(1).map(Dim::Known);
        let dims = std::iter::once(Dim::Symbol("batch".into())).chain(sample);
        let declared = ValueInfo::f32(&name, dims.collect());
        let old = graph.inputs.iter_mut().find(|input| input.name == name);
        old.into_iter().for_each(|old| *old = declared.clone());
    }
    Ok(())
}

/// Some images of the dataset, `most` at most and spread over all of it, prepared; those that cannot be read are left
/// out.
fn some_images(dataset: &Dataset, preprocessing: &Preprocessing, most: usize) -> Vec<Vec<f32>> {
    let step = dataset.samples.len().div_ceil(most).max(1);
    let some: Vec<&Sample> = dataset.samples.iter().step_by(step).collect();
    some.par_iter()
        .filter_map(|sample| image(sample, |image| prepare(image, preprocessing)).ok())
        .collect()
}

/// Checks that the graph's declared input takes samples of the shape `made`; `what` says where that
/// shape comes from.
fn takes(graph: &Graph, made: &[usize], what: &str) -> Result<(), String> {
    let inputs: Vec<_> = graph.free_inputs().collect();
    let [input] = inputs.as_slice() else {
        return Err(format!("has {} inputs; a backbone has one", inputs.len()));
    };
    let fits = |dims: &[Dim]| {
        let sizes = dims.iter().skip(1).zip(made);
        dims.len() == made.len() + 1
            && sizes.into_iter().all(|(dim, size)| match dim {
                Dim::Known(known) => known == size,
                _ => true,
            })
    };
    match input.dims() {
        Some(dims) if !fits(dims) => {
            let sizes: Vec<String> = made.iter().map(ToString::to_string).collect();
            Err(format!(
                "its input '{}' is not (batch, {}), as {what}",
                input.name,
                sizes.join(", ")
            ))
        }
        _ => Ok(()),
    }
}

/// Width and height of the input that the graph declares.
fn size(graph: &Graph) -> Result<[u32; 2], String> {
    let input = graph.free_inputs().next().and_then(|input| input.dims());
    let Some(&[_, _, Dim::Known(height), Dim::Known(width)]) = input else {
        return Err(
            "its input has no fixed size (batch, 3, height, width); give one with --input-shape, such \
             as 1x3x224x224"
                .into(),
        );
    };
    let side = |size: usize| u32::try_from(size).map_err(|_| "its input is too large".to_owned());
    Ok([side(width)?, side(height)?])
}

/// The preprocessing called `name` for the input size that the graph declares.
fn named(name: PreprocessingName, graph: &Graph) -> Result<Preprocessing, String> {
    let [width, height] = size(graph)?;
    Ok(Preprocessing::named(name, width, height))
}
