//! [`Options`]: what a user says of the inputs, and the cases that come of it.

use std::path::Path;

use edgefit_base::units::format;
use edgefit_cost::memory_plan::{ElementType, MemoryPlan};
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::preprocessing::PreprocessingName;
use edgefit_graph::rewrite::fix_input;
use edgefit_graph::{Graph, ImageInput, labels};

use super::{Case, HeldOut, ImageFolder, from_npz, synthetic};
use crate::error::{Error, Result};

/// Samples, where nothing else is said, and most samples of noise beside data.
pub const SAMPLES: usize = 8;

/// What a user says of the inputs that a model is compared on.
#[derive(Default)]
pub struct Options<'a> {
    /// Folder of images.
    pub images: Option<&'a Path>,
    /// Which of its images were held out; all are taken, if not given.
    pub held_out: Option<HeldOut>,
    /// An `.npz` archive of arrays.
    pub inputs: Option<&'a Path>,
    /// Most samples.
    pub samples: Option<usize>,
    /// Whole shape of the only input.
    pub input_shape: Option<&'a [usize]>,
    /// How images are prepared, whatever the model says.
    pub preprocessing: Option<PreprocessingName>,
    /// A file of the names of the classes, a line each.
    pub labels: Option<&'a Path>,
    /// Seed of the random inputs.
    pub seed: u64,
}

impl Options<'_> {
    /// All inputs that `graph`, the model in the file `path`, is compared on: what was given, and synthetic ones.
    ///
    /// # Errors
    /// What was given cannot be read or does not go with the model, or this machine has no memory for it.
    pub fn cases(
        self,
        graph: &Graph,
        path: &Path,
        warn: &mut dyn FnMut(&str),
    ) -> Result<Vec<Case>> {
        let names = self.labels.map(label_file).transpose()?;
        let described = self.described(graph, names.as_deref());
        let described = described.map_err(Error::in_file(path))?;
        let mut cases = Vec::new();
        if let Some(folder) = self.images {
            let folder = ImageFolder {
                path: folder,
                held_out: self.held_out,
                most: self.samples,
            };
            cases.push(
                folder
                    .case(&described, warn)
                    .map_err(Error::in_file(path))?,
            );
        } else if self.labels.is_some() && self.inputs.is_none() {
            warn("--labels is for the accuracy on --data or --inputs; there are neither");
        }
        let shapes = if let Some(arrays) = self.inputs {
            let given = from_npz(arrays, &described, warn)?;
            let given = given.first(self.samples, graph, warn);
            let shapes = given.shapes(SAMPLES, graph);
            cases.push(given);
            shapes
        } else if self.images.is_some() {
            let samples = self.samples.unwrap_or(SAMPLES).min(SAMPLES);
            // It may be the images' preprocessing alone that says how large they are.
            shapes(graph, &described, (samples, None)).map_err(Error::in_file(path))?
        } else {
            let mut given = self.input_shape.map(<[usize]>::to_vec);
            if let (Some(samples), Some(batch)) = (
                self.samples,
                given.as_mut().and_then(|shape| shape.first_mut()),
            ) {
                *batch = samples;
            }
            let asked = (self.samples.unwrap_or(SAMPLES), given.as_deref());
            shapes(graph, graph, asked).map_err(Error::in_file(path))?
        };
        cases.extend(synthetic(graph, &shapes, self.seed));
        Ok(cases)
    }

    /// The model with what the user says of it, for preparing inputs.
    fn described(&self, graph: &Graph, names: Option<&[String]>) -> Result<Graph> {
        let mut described = graph.clone();
        if let Some(shape) = self.input_shape.filter(|_| self.images.is_some()) {
            fix_input(&mut described, shape)?;
        }
        if let Some(name) = self.preprocessing {
            ImageInput::prepare_by(&mut described, name)?;
        }
        if let Some(names) = names {
            labels::store(&mut described, names);
        }
        Ok(described)
    }
}

/// The shapes of the inputs of `graph` as far as `sized` says them, for as many samples or of the shape that is
/// given. Refuses shapes that do not go together, and models that this machine has no memory for.
fn shapes(
    graph: &Graph,
    sized: &Graph,
    (samples, given): (usize, Option<&[usize]>),
) -> Result<Vec<Vec<usize>>> {
    let shapes = InputShapes::bind(sized, samples, given)?;
    let inference = infer(graph, &shapes)?;
    let need = MemoryPlan::of(graph, &inference, ElementType::AsStored).naive_bytes;
    let host = edgefit_device::host()?;
    let free = host.banks.iter().map(|bank| bank.free_bytes());
    let have = free.max().unwrap_or(0);
    if need > have {
        return Err(Error::invalid(format!(
            "its activations need {} and this machine has {} free; give fewer --samples or a smaller \
             --input-shape",
            format::bytes(need),
            format::bytes(have)
        )));
    }
    Ok(shapes.0.into_iter().map(|(_, dims)| dims).collect())
}

/// The lines of a file of labels.
fn label_file(path: &Path) -> Result<Vec<String>> {
    let place = format!("--labels {}", path.display());
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
        what: place.clone(),
        source,
    })?;
    let lines = text.lines().map(str::trim_end);
    let labels: Vec<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if labels.is_empty() {
        return Err(Error::invalid(format!(
            "{place} holds no label; write one a line"
        )));
    }
    Ok(labels)
}
