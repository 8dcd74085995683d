//! A model that is loaded, and the samples that go through it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use edgefit_engine::{Array, Copies, EngineName, Execution};
use edgefit_graph::{Graph, Preprocessing, Task, labels};

use crate::batches::count;
use crate::error::{Error, Result};
use crate::predicted::Predicted;
use crate::samples::{self, Batch, Image, LeftOut, Sample};

/// A model, the samples that it has seen so far, and what it made of each. Samples are read and run on all
/// threads side by side.
pub struct Predictor<'g> {
    path: PathBuf,
    graph: &'g Graph,
    engine: EngineName,
    execution: Execution,
    copies: Copies<'g>,
    task: Task,
    labels: Vec<String>,
    samples: Vec<Sample>,
    outputs: Vec<Vec<f32>>,
    left_out: Vec<LeftOut>,
    /// Images that were named and are none of those that are wanted.
    others: usize,
}

impl<'g> Predictor<'g> {
    /// Runs `graph`, which is from the file `path`, in `engine`.
    ///
    /// # Errors
    /// Its metadata contradict each other.
    pub fn new(path: &Path, graph: &'g Graph, engine: EngineName, threads: usize) -> Result<Self> {
        let task = Task::of(graph).map_err(Error::in_file(path))?;
        let labels = labels::of(graph).map_err(Error::in_file(path))?;
        Ok(Predictor {
            path: path.to_path_buf(),
            graph,
            engine,
            execution: Execution::Fused,
            copies: Copies::new(engine, graph, threads),
            task: task.unwrap_or(Task::Classes),
            labels: labels.unwrap_or_default(),
            samples: Vec::new(),
            outputs: Vec::new(),
            left_out: Vec::new(),
            others: 0,
        })
    }

    /// The same, that runs the model as `execution` says.
    pub fn with_execution(mut self, execution: Execution) -> Self {
        self.execution = execution;
        self.copies = self.copies.with_execution(execution);
        self
    }

    /// Runs the model on what lies at `path`: an image, a folder of them, or arrays, as an `.npz` file or a
    /// folder of `.npy` files; `only` may name some of them. Images of a folder that cannot be read are told
    /// to `warn` and left out, and targets that are no classes are told to it.
    ///
    /// # Errors
    /// There are no such samples, the image cannot be read, they do not go with the model, it does not say how
    /// images are to be prepared, or the engine cannot load or run it.
    pub fn run(
        &mut self,
        path: &Path,
        only: Option<&BTreeSet<String>>,
        warn: &mut dyn FnMut(&str),
    ) -> Result<()> {
        if samples::are_arrays(path, self.graph)? {
            let batch = samples::arrays(path, self.graph, only, warn)?;
            return self.run_arrays(batch).map_err(Error::in_file(path));
        }
        let images = samples::images(path, &self.labels, only, warn)?;
        let is_named_itself = !path.is_dir();
        self.others += usize::from(images.is_empty());
        self.run_images(&images, &mut |image, problem| {
            let words = format!("{}: {problem}", image.path.display());
            if is_named_itself {
                let words = format!("{words}; give another image, or leave it out");
                return Err(Error::invalid(words));
            }
            warn(&format!("{words}; left out"));
            Ok(())
        })
    }

    /// What the model made of all samples. `warn` is told how many images were named that are none of those that are
    /// wanted.
    ///
    /// # Errors
    /// There are none, or the model does not name all of its outputs.
    pub fn finish(self, warn: &mut dyn FnMut(&str)) -> Result<Predicted> {
        if self.samples.is_empty() {
            return Err(Error::invalid(
                "none of the images can be read, or is of --split; give images in PNG, JPEG, WebP, BMP or GIF",
            ));
        }
        if self.others > 0 {
            let others = self.others;
            warn(&format!(
                "--split leaves out {others} of the images that are named; it takes those of the run's test"
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
            execution: self.execution,
            task: self.task,
            names,
            samples: self.samples,
            outputs: self.outputs,
            left_out: self.left_out,
        })
    }

    fn run_images(
        &mut self,
        images: &[Image],
        leave_out: &mut dyn FnMut(&Image, &str) -> Result<()>,
    ) -> Result<()> {
        let path = self.path.clone();
        let preprocessing = Preprocessing::of(self.graph).map_err(Error::in_file(&path))?;
        let preprocessing = preprocessing.ok_or_else(|| {
            Error::invalid(format!(
                "{}: does not say how its images are to be prepared; say it with --preprocessing, one of \
                 imagenet, tf, lite, unit, raw",
                path.display()
            ))
        })?;
        for batches in self.copies.portions(images, self.copies.batch()) {
            let seen = self.copies.map(&batches, |images| {
                let batch = samples::batch(images, &preprocessing);
                (self.rows(&batch.inputs), batch.samples, batch.left_out)
            });
            for (rows, samples, left_out) in seen {
                for (image, problem) in left_out {
                    leave_out(&image, &problem)?;
                    let file = image.sample.name;
                    self.left_out.push(LeftOut { file, problem });
                }
                self.outputs.extend(rows.map_err(Error::in_file(&path))?);
                self.samples.extend(samples);
            }
        }
        Ok(())
    }

    fn run_arrays(&mut self, batch: Batch) -> Result<()> {
        let starts: Vec<usize> = (0..batch.samples.len())
            .step_by(self.copies.batch())
            .collect();
        let seen = self.copies.map(&starts, |&start| {
            let end = batch.samples.len().min(start + self.copies.batch());
            let inputs = batch.inputs.iter().map(|input| input.rows(start..end));
            self.rows(&inputs.collect::<Vec<Array>>())
        });
        for rows in seen {
            self.outputs.extend(rows?);
        }
        self.samples.extend(batch.samples);
        Ok(())
    }

    /// A row of the first output for each sample.
    fn rows(&self, inputs: &[Array]) -> Result<Vec<Vec<f32>>> {
        let samples = count(inputs);
        if samples == 0 {
            return Ok(Vec::new());
        }
        let made = self.copies.run(inputs)?;
        let output = made.first();
        let output = output.ok_or_else(|| Error::invalid("the model has no output"))?;
        let width = output.values.len() / samples;
        if width == 0 || output.dims.first() != Some(&samples) {
            return Err(Error::invalid(format!(
                "its first output has the shape {:?}, not a row for each of {samples} samples",
                output.dims
            )));
        }
        Ok(output.values.chunks(width).map(<[f32]>::to_vec).collect())
    }
}
