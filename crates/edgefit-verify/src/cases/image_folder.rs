//! Images of a folder, prepared as the model says, as a case.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use edgefit_data::{Content, Dataset, class_name, images_below};
use edgefit_engine::Array;
use edgefit_graph::{Graph, ImageInput, Preprocessing, labels};

use super::case::{Case, Source};
use super::images::{Images, array, prepared};
use crate::error::{Error, Result};
use crate::input_kind::InputKind;
use crate::samples::spread;

/// Samples of images without labels, where nothing else is said.
const SAMPLES: usize = 8;

/// The test images of a training run.
#[derive(Debug, Clone)]
pub struct HeldOut {
    /// The file that names them.
    pub file: PathBuf,
    /// Their paths below the folder of the images.
    pub relative: BTreeSet<String>,
}

/// Images to compare on.
#[derive(Debug, Clone)]
pub struct ImageFolder<'a> {
    /// The folder.
    pub path: &'a Path,
    /// Only these.
    pub held_out: Option<HeldOut>,
    /// At most this many.
    pub most: Option<usize>,
}

impl ImageFolder<'_> {
    /// Images below the folder. Where its folders are called as the model's labels, all of them or those
    /// of the test split, each with its label; else the first that can be read. Images that cannot be
    /// read are told to `warn`.
    ///
    /// # Errors
    /// It is no folder or has no readable images, the model has no preprocessing, or the images that
    /// were held out are not there.
    pub fn case(self, graph: &Graph, warn: &mut dyn FnMut(&str)) -> Result<Case> {
        if !self.path.is_dir() {
            let path = self.path.display();
            return Err(Error::invalid(format!("--data {path} is not a folder")));
        }
        let preprocessing = Preprocessing::of(graph)?.ok_or_else(|| {
            Error::invalid(
                "the model does not say how its images are to be prepared; say it with --preprocessing, one \
                 of imagenet, tf, lite, unit, raw",
            )
        })?;
        let preprocessing = match ImageInput::of(graph) {
            Ok(input) => preprocessing.suited_to(&input),
            Err(_) => preprocessing,
        };
        let mut known = None;
        let source = match labelled(graph, self.path) {
            Ok((samples, remarks)) => {
                for remark in remarks {
                    warn(&format!("{}: {remark}", self.path.display()));
                }
                let samples = match self.held_out {
                    Some(held_out) => test_split(samples, held_out, self.path)?,
                    None => samples,
                };
                let most = self.most.unwrap_or(samples.len());
                // Some of every class.
                let chosen = spread(samples.len(), most).map(|at| &samples[at]);
                let (paths, labels) = chosen
                    .map(|sample| (sample.path.clone(), sample.label))
                    .unzip();
                known = Some(labels);
                Source::Images(Images::new(paths, preprocessing))
            }
            Err(why) if self.held_out.is_some() => {
                return Err(Error::invalid(format!(
                    "--split needs images in folders that are called as the model's labels: {why}"
                )));
            }
            Err(why) => {
                // Of a model without labels no accuracy is expected.
                if !matches!(labels::of(graph), Ok(None)) {
                    let folder = self.path.display();
                    warn(&format!("--data {folder}: no accuracy is told: {why}"));
                }
                let most = self.most.unwrap_or(SAMPLES);
                let array = first_readable(self.path, &preprocessing, most, warn)?;
                Source::Arrays(vec![array])
            }
        };
        Ok(Case {
            kind: InputKind::Real,
            source,
            labels: known,
        })
    }
}

/// An image with its path below the folder.
struct Labelled {
    path: PathBuf,
    relative: String,
    label: usize,
}

/// All images with their labels and what was assumed of them, or why they have none.
fn labelled(graph: &Graph, folder: &Path) -> Result<(Vec<Labelled>, Vec<String>)> {
    let labels = labels::of(graph)?;
    let labels = labels
        .ok_or_else(|| Error::invalid("the model carries no labels; name them with --labels"))?;
    let dataset = Dataset::scan(folder)?;
    let composed: Vec<Cow<str>> = labels.iter().map(|label| class_name(label)).collect();
    let classes = dataset.classes.iter().map(|class| {
        let label = composed.iter().position(|label| label == class);
        label.ok_or_else(|| Error::invalid(format!("'{class}' is not a label of the model")))
    });
    let classes = classes.collect::<Result<Vec<usize>>>()?;
    let samples = dataset.samples.into_iter();
    let samples = samples.filter_map(|sample| match sample.content {
        Content::Image(path) => Some(Labelled {
            path,
            relative: sample.relative,
            label: classes[sample.class],
        }),
        Content::Values(_) => None,
    });
    Ok((samples.collect(), dataset.remarks))
}

/// The samples that a run held out to the end.
fn test_split(samples: Vec<Labelled>, held_out: HeldOut, folder: &Path) -> Result<Vec<Labelled>> {
    let HeldOut { file, mut relative } = held_out;
    let samples: Vec<Labelled> = samples
        .into_iter()
        .filter(|sample| relative.remove(&sample.relative))
        .collect();
    let file = file.display();
    if let Some(absent) = relative.first() {
        return Err(Error::invalid(format!(
            "{} has no {absent}, which {file} names; give the folder that the run was trained on",
            folder.display()
        )));
    }
    if samples.is_empty() {
        return Err(Error::invalid(format!("{file} holds no test images")));
    }
    Ok(samples)
}

/// The first readable images below `folder`, prepared as the model says.
fn first_readable(
    folder: &Path,
    preprocessing: &Preprocessing,
    count: usize,
    warn: &mut dyn FnMut(&str),
) -> Result<Array> {
    let (mut values, mut found) = (Vec::new(), 0);
    let (paths, remarks) = images_below(folder)?;
    for remark in remarks {
        warn(&format!("{}: {remark}", folder.display()));
    }
    for path in paths {
        if found == count {
            break;
        }
        match prepared(&path, preprocessing) {
            Ok(input) => {
                values.extend(input);
                found += 1;
            }
            Err(problem) => warn(&format!("{}: {problem}; left out", path.display())),
        }
    }
    if found == 0 {
        let folder = folder.display();
        return Err(Error::invalid(format!("{folder} holds no readable images")));
    }
    Ok(array(values, found, preprocessing))
}
