//! How the inputs of a backbone are prepared, and their shape.

use edgefit_data::{Dataset, Sample};
use edgefit_graph::preprocessing::Layout;
use edgefit_graph::{Graph, ImageInput, Preprocessing, StandardScaler, ValueInfo, ValueType};
use edgefit_guards::Findings;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::prepare::array_shape::require_fit;
use crate::prepare::assignment::assign;
use crate::prepare::detect_preprocessing::Original;
use crate::prepare::preparation::Preparation;
use crate::prepare::some_images::SomeImages;

/// Number of samples on which a model of arrays is tried.
const ARRAYS: usize = 32;

/// How images are prepared according to the user or the model, if either says.
fn stated(
    job: &Job,
    graph: &Graph,
    input: &ImageInput,
    observer: &mut dyn Observer,
) -> Result<Option<Preprocessing>, String> {
    input.size().map_err(|error| error.to_string())?;
    let carried = Preprocessing::of(graph).map_err(|error| error.to_string())?;
    let carried = carried.map(|carried| carried.suited_to(input));
    let Some(name) = job.preprocessing else {
        return Ok(carried);
    };
    let named = input
        .preprocessing(name)
        .map_err(|error| error.to_string())?;
    if let Some(carried) = carried.filter(|carried| *carried != named) {
        observer.warn(&format!(
            "the model says its images are {carried}; going on with {name}, as asked"
        ));
    }
    Ok(Some(named))
}

/// The input of the model, of the size that its preprocessing has where it leaves it open.
fn image_input(job: &Job, graph: &Graph) -> Result<ImageInput, String> {
    let mut input = ImageInput::of(graph).map_err(|error| error.to_string())?;
    if !(input.dtype.is_float() || input.takes_bytes()) {
        return Err(format!(
            "its input '{}' is {}, as quantised models have it; start from the float model",
            input.name, input.dtype
        ));
    }
    let carried = Preprocessing::of(graph).map_err(|error| error.to_string())?;
    let Some(carried) = carried else {
        return Ok(input);
    };
    let made = [carried.height, carried.width].map(|side| side as usize);
    let mut sides = [input.height, input.width].into_iter().zip(made);
    let asked = job.input_shape.is_some() || job.preprocessing.is_some();
    if !asked && sides.any(|(side, made)| side.is_some_and(|side| side != made)) {
        return Err(format!(
            "its input '{}' is {}, and its preprocessing makes images of {}×{}; correct the preprocessing",
            input.name,
            input.shape(),
            carried.width,
            carried.height
        ));
    }
    input.height.get_or_insert(made[0]);
    input.width.get_or_insert(made[1]);
    Ok(input)
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
    let input = image_input(job, original.graph).map_err(problem)?;
    let stated = stated(job, original.graph, &input, observer).map_err(problem)?;
    if input.channels == 1 {
        observer.warn(&format!(
            "{} takes one channel, so images are made grey (0.299 R + 0.587 G + 0.114 B)",
            job.backbone.display()
        ));
    }
    let images = SomeImages::of(dataset);
    let chosen = original.try_out(stated.as_ref(), &input, images, findings)?;
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
    let data = job.data.display().to_string();
    require_fit(original.graph, dims, &data).map_err(problem)?;
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
        None if takes_whole_numbers(original.graph) => Preparation::untouched(dims),
        None => {
            let layout = match dims.len() {
                3 => ImageInput::of(original.graph).map_or(Layout::default(), |input| input.layout),
                _ => Layout::default(),
            };
            Preparation::fitted(&samples, &assign(job, dataset, &samples)?, dims, layout)
                .ok_or_else(|| Error::Stopped("there are no training samples".into()))?
        }
    };
    let step = samples.len().div_ceil(ARRAYS).max(1);
    let some = samples.iter().step_by(step);
    let some: Vec<Vec<f32>> = some
        .map(|sample| preparation.clean(sample))
        .collect::<Result<_>>()?;
    original.try_arrays(&some, &preparation, findings)?;
    Ok(preparation)
}

/// Whether the model reads integers, of which standardised values would leave nothing.
fn takes_whole_numbers(graph: &Graph) -> bool {
    let whole = |input: &ValueInfo| match input.ty {
        ValueType::Tensor { dtype, .. } => !dtype.is_float(),
        ValueType::Opaque(_) => false,
    };
    graph.free_inputs().any(whole)
}
