use edgefit_data::Dataset;
use edgefit_graph::rewrite::{
    CutSoftmax, Head, LayerWeights, cut_softmax, lift_constants, replace_head,
};
use edgefit_graph::{Graph, labels};
use edgefit_guards::Findings;

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::goal::Goal;
use crate::guards::{self, Original};
use crate::job::{Job, stopped};
use crate::preparation::Preparation;

mod input;

/// The backbone with its classifier, ending in what the loss wants.
pub(crate) struct Model {
    pub graph: Graph,
    softmax: Option<CutSoftmax>,
    pub head: Head,
    /// The node that the user named for the head.
    chosen: Option<String>,
    pub preparation: Preparation,
    /// What the outputs are to say, once it is known.
    pub goal: Goal,
    /// Names of the outputs.
    names: Vec<String>,
}

impl Model {
    pub fn load(
        job: &Job,
        dataset: &Dataset,
        findings: &mut Findings,
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let mut graph = Graph::load(&job.backbone)?;
        let problem = |problem: String| Error::Backbone {
            path: job.backbone.clone(),
            problem,
        };
        if let Some(shape) = &job.input_shape {
            input::fix_input(&mut graph, shape).map_err(problem)?;
        }
        lift_constants(&mut graph);
        guards::loaded(findings, &graph);
        stopped(findings)?;
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
            goal: Goal::unknown(dataset.task, dataset.classes.len()),
            names: dataset.classes.clone(),
            graph,
            softmax,
            head,
            chosen: job.head.clone(),
        })
    }

    /// Gives the model an untrained head for its goal.
    pub fn begin(&mut self) -> Result<()> {
        self.replace_head(&self.head.blank(&self.goal.bias()))
    }

    fn replace_head(&mut self, weights: &[LayerWeights]) -> Result<()> {
        replace_head(&mut self.graph, &self.head, weights)?;
        self.head = Head::of(&self.graph, self.chosen.as_deref())?;
        Ok(())
    }

    /// The model as it is exported: self-describing, and ending in answers.
    pub fn finished(&self) -> Graph {
        let mut graph = self.graph.clone();
        self.goal.finish(&mut graph, self.softmax.as_ref());
        self.preparation.store(&mut graph);
        labels::store(&mut graph, &self.names);
        graph
    }
}
