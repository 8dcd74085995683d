//! The model that is trained: the backbone with a head for the task.

use edgefit_data::Dataset;
use edgefit_graph::rewrite::{
    CutSoftmax, Head, LayerWeights, cut_softmax, lift_constants, replace_head,
};
use edgefit_graph::{Graph, labels};
use edgefit_guards::Findings;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::prepare::detect_preprocessing::Original;
use crate::prepare::input;
use crate::prepare::preparation::Preparation;
use crate::prepare::target_transform::TargetTransform;

/// The backbone as the job's file has it, its input of the shape that the job wants.
///
/// # Errors
/// The file cannot be read, or its input cannot have that shape.
pub(crate) fn load_backbone(job: &Job) -> Result<Graph> {
    let mut graph = Graph::load(&job.backbone)?;
    if let Some(shape) = &job.input_shape {
        input::fix_input(&mut graph, shape).map_err(|problem| Error::Backbone {
            path: job.backbone.clone(),
            problem,
        })?;
    }
    lift_constants(&mut graph);
    Ok(graph)
}

/// The backbone with its head, ending in what the loss is computed from.
#[derive(Clone)]
pub(crate) struct Model {
    pub graph: Graph,
    softmax: Option<CutSoftmax>,
    pub head: Head,
    /// The node that the user named for the head.
    chosen: Option<String>,
    pub preparation: Preparation,
    /// Between outputs and targets; fitted once the training samples are known.
    pub transform: TargetTransform,
    /// Names of the outputs.
    names: Vec<String>,
}

impl Model {
    /// Finds the head of the backbone `graph`, and how its inputs are prepared (EF04, EF06).
    ///
    /// # Errors
    /// The backbone has no head, or does not take the samples.
    pub fn of(
        mut graph: Graph,
        job: &Job,
        dataset: &Dataset,
        findings: &mut Findings,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let problem = |problem: String| Error::Backbone {
            path: job.backbone.clone(),
            problem,
        };
        let softmax = cut_softmax(&mut graph);
        let head = Head::of(&graph, job.head.as_deref());
        let head = head.map_err(|error| problem(error.to_string()))?;
        let original = Original {
            graph: &graph,
            cut: softmax.as_ref().map(CutSoftmax::node),
            engine: job.engine.unwrap_or_else(edgefit_engine::fastest),
            threads: job.threads,
        };
        let preparation = match &dataset.dims {
            None => input::of_images(job, dataset, &original, findings, observer)?,
            Some(dims) => input::of_arrays(job, dataset, dims, &original, findings)?,
        };
        Ok(Model {
            preparation,
            transform: TargetTransform::identity(dataset.task, dataset.classes.len()),
            names: dataset.classes.clone(),
            graph,
            softmax,
            head,
            chosen: job.head.clone(),
        })
    }

    /// Gives the model an untrained head for its task.
    pub fn reset_head(&mut self) -> Result<()> {
        self.replace_head(&self.head.blank(&self.transform.initial_bias()))
    }

    fn replace_head(&mut self, weights: &[LayerWeights]) -> Result<()> {
        replace_head(&mut self.graph, &self.head, weights)?;
        self.head = Head::of(&self.graph, self.chosen.as_deref())?;
        Ok(())
    }

    /// The model as it is exported: self-describing, and ending in predictions.
    pub fn to_export(&self) -> Graph {
        let mut graph = self.graph.clone();
        self.transform
            .end_in_predictions(&mut graph, self.softmax.as_ref());
        self.preparation.store(&mut graph);
        labels::store(&mut graph, &self.names);
        graph
    }
}
