//! A model that is loaded, and the samples that go through it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use edgefit_engine::{Array, EngineName, Loaded, load};
use edgefit_graph::{Graph, Preprocessing, Task, labels};

use crate::error::{Error, Result};
use crate::predicted::Predicted;
use crate::samples::{self, Batch, Image, Sample};

/// Samples that go through the model at once.
const BATCH: usize = 16;

/// A model that is loaded, the samples that it has seen so far, and what it made of each.
pub struct Predictor {
    path: PathBuf,
    graph: Graph,
    engine: EngineName,
    loaded: Loaded,
    task: Task,
    labels: Vec<String>,
    samples: Vec<Sample>,
    outputs: Vec<Vec<f32>>,
}

impl Predictor {
    /// Loads `graph`, which is from the file `path`.
    ///
    /// # Errors
    /// The engine cannot load it, or its metadata contradict each other.
    pub fn load(path: &Path, graph: Graph, engine: EngineName, threads: usize) -> Result<Self> {
        let loaded = load(engine, &graph, threads)?;
        let task = Task::of(&graph).map_err(Error::in_file(path))?;
        let labels = labels::of(&graph).map_err(Error::in_file(path))?;
        Ok(Predictor {
            path: path.to_path_buf(),
            graph,
            engine,
            loaded,
            task: task.unwrap_or(Task::Classes),
            labels: labels.unwrap_or_default(),
            samples: Vec::new(),
            outputs: Vec::new(),
        })
    }

    /// Runs the model on what lies at `path`: an image, a folder of them, of which `only` may name some,
    /// or an `.npz` file. Images that cannot be read are told to `warn` and left out.
    ///
    /// # Errors
    /// There are no such samples, they do not go with the model, it does not say how images are to be
    /// prepared, or the engine fails.
    pub fn run(
        &mut self,
        path: &Path,
        only: Option<&BTreeSet<String>>,
        warn: &mut dyn FnMut(&str),
    ) -> Result<()> {
        if path.extension().is_some_and(|extension| extension == "npz") {
            let batch = samples::arrays(path, &self.graph, &self.labels)?;
            self.run_batch(batch).map_err(Error::in_file(path))
        } else {
            let images = samples::images(path, &self.labels, only, warn)?;
            self.run_images(&images, warn)
        }
    }

    /// What the model made of all samples.
    ///
    /// # Errors
    /// There are none, or the model does not name all of its outputs.
    pub fn finish(self) -> Result<Predicted> {
        if self.samples.is_empty() {
            return Err(Error::invalid(
                "none of the images can be read; give images in PNG, JPEG, WebP, BMP or GIF",
            ));
        }
        let width = self.outputs.first().map_or(0, Vec::len);
        let names = if self.labels.is_empty() {
            (0..width).map(|output| output.to_string()).collect()
        } else {
            self.labels
        };
        if names.len() != width || self.outputs.iter().any(|row| row.len() != width) {
            return Err(Error::invalid(format!(
                "the model carries {} names for {width} outputs",
                names.len()
            )));
        }
        Ok(Predicted {
            model: self.path,
            engine: self.engine,
            task: self.task,
            names,
            samples: self.samples,
            outputs: self.outputs,
        })
    }

    fn run_images(&mut self, images: &[Image], warn: &mut dyn FnMut(&str)) -> Result<()> {
        let path = self.path.clone();
        let preprocessing = Preprocessing::of(&self.graph).map_err(Error::in_file(&path))?;
        let preprocessing = preprocessing.ok_or_else(|| {
            Error::invalid(format!(
                "{}: does not say how its images are to be prepared; say it with --preprocessing, one of \
                 imagenet, tf, lite, unit, raw",
                path.display()
            ))
        })?;
        for images in images.chunks(BATCH) {
            let batch = samples::batch(images, &preprocessing, warn);
            self.run_batch(batch).map_err(Error::in_file(&path))?;
        }
        Ok(())
    }

    /// Keeps a row of the first output for each sample.
    fn run_batch(&mut self, batch: Batch) -> Result<()> {
        let count = batch.samples.len();
        for start in (0..count).step_by(BATCH) {
            let end = count.min(start + BATCH);
            let inputs: Vec<Array> = batch
                .inputs
                .iter()
                .map(|input| input.rows(start..end))
                .collect();
            let made = self.loaded.run(&inputs)?;
            let output = made.first();
            let output = output.ok_or_else(|| Error::invalid("the model has no output"))?;
            let width = output.values.len() / (end - start);
            if width == 0 || output.dims.first() != Some(&(end - start)) {
                return Err(Error::invalid(format!(
                    "its first output has the shape {:?}, not a row for each of {} samples",
                    output.dims,
                    end - start
                )));
            }
            self.outputs
                .extend(output.values.chunks(width).map(<[f32]>::to_vec));
        }
        self.samples.extend(batch.samples);
        Ok(())
    }
}
