//! The model that is trained: the backbone with a head for the task.

use edgefit_base::names::listed;
use edgefit_data::Dataset;
use edgefit_graph::quantized::first_quantized;
use edgefit_graph::rewrite::{
    CutSoftmax, Head, LayerWeights, cut_softmax, fix_input, fold_moved_weights, lift_constants,
    replace_head, single_precision,
};
use edgefit_graph::{Dim, Graph, Task, Tensor, labels, trainable_parameters};
use edgefit_guards::Findings;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::prepare::detect_preprocessing::Original;
use crate::prepare::input;
use crate::prepare::preparation::Preparation;
use crate::prepare::target_transform::TargetTransform;

/// The backbone as the job's file has it, its input of the shape that the job wants, its floats of 32 bits
/// and its weights where they are read.
///
/// # Errors
/// The file cannot be read, is quantised, has weights that are not finite, or its input cannot have that
/// shape.
pub(crate) fn load_backbone(job: &Job, observer: &mut dyn Observer) -> Result<Graph> {
    let problem = |problem: String| Error::Backbone {
        path: job.backbone.clone(),
        problem,
    };
    let mut graph = Graph::load(&job.backbone)?;
    if let Some(node) = first_quantized(&graph) {
        return Err(problem(format!(
            "is quantised ({} at node '{}'), and training needs its weights as floats; start from the \
             float model that it was made from",
            node.op,
            node.label()
        )));
    }
    if let Some(shape) = &job.input_shape {
        fix_input(&mut graph, shape).map_err(|error| problem(error.to_string()))?;
    }
    lift_constants(&mut graph);
    if let Some(dtype) = single_precision(&mut graph) {
        observer.warn(&format!(
            "{} holds {dtype}; it is trained and exported in 32-bit floats, inputs and outputs included",
            job.backbone.display()
        ));
    }
    fold_moved_weights(&mut graph);
    let refused = fixed_batch(&graph).map_or(Ok(()), Err);
    refused.and_then(|()| finite(&graph)).map_err(problem)?;
    Ok(graph)
}

/// What is to be said of a model that insists on several samples at once. One is no more than an exporter's
/// default.
fn fixed_batch(graph: &Graph) -> Option<String> {
    let mut inputs = graph.free_inputs();
    let ([Dim::Known(batch @ 2..), sample @ ..], None) = (inputs.next()?.dims()?, inputs.next())
    else {
        return None;
    };
    let sample: Vec<String> = sample.iter().map(Dim::to_string).collect();
    Some(format!(
        "was exported for batches of {batch} samples, and training takes others; open its batch with \
         --input-shape 1x{}, or export it with a dynamic one",
        sample.join("x")
    ))
}

/// Refuses a model that does not answer what the targets of the data ask for, where its head stays.
fn answers(graph: &Graph, dataset: &Dataset) -> Result<(), String> {
    const FIX: &str = "train its head first, with --stages probe,int8";
    if dataset.task == Task::Regression {
        return Err(format!(
            "ends in the units of the targets, and stage int8 trains on standard scores; {FIX}"
        ));
    }
    let task = Task::of(graph).map_err(|error| error.to_string())?;
    let named = labels::of(graph).map_err(|error| error.to_string())?;
    if task == Some(dataset.task) && named.as_ref() == Some(&dataset.classes) {
        return Ok(());
    }
    Err(match named {
        None => format!("does not say what its outputs mean, and stage int8 keeps its head; {FIX}"),
        Some(named) => format!(
            "tells {}, and the data are of {}; stage int8 keeps its head: {FIX}",
            listed(&named),
            listed(&dataset.classes)
        ),
    })
}

/// Refuses weights that are NaN or infinite.
fn finite(graph: &Graph) -> Result<(), String> {
    for (index, name) in trainable_parameters(graph) {
        let Some(values) = graph.initializers.get(name).map(Tensor::to_f32) else {
            continue;
        };
        let values = values.map_err(|error| error.to_string())?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            return Err(format!(
                "{count} of {} values of '{name}', which {} reads, are NaN or infinite, as an overflow of \
                 16-bit floats leaves them; export it again in 32 bits, from a checkpoint \
                 that is finite",
                values.len(),
                graph.nodes[index].place()
            ));
        }
    }
    Ok(())
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
        if job.keeps_head() {
            answers(&graph, dataset).map_err(problem)?;
        }
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

#[cfg(test)]
mod tests {
    use edgefit_graph::{Node, ValueInfo};

    use super::*;

    /// One convolution with this weight, for a batch of `batch`.
    fn graph(batch: Dim, weight: f32) -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = vec![batch, Dim::Known(1), Dim::Known(2), Dim::Known(2)];
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::float("y"));
        graph
            .nodes
            .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
        let weight = Tensor::from_values(vec![1, 1, 1, 1], &[weight]);
        graph.initializers.insert("w".into(), weight);
        graph
    }

    #[test]
    fn a_model_for_several_samples_at_once_is_told_how_to_take_others() {
        let said = fixed_batch(&graph(Dim::Known(4), 1.0)).unwrap();
        assert!(
            said.contains("batches of 4") && said.contains("--input-shape 1x1x2x2"),
            "{said}"
        );
        for batch in [Dim::Known(1), Dim::Symbol("n".into()), Dim::Unknown] {
            assert_eq!(fixed_batch(&graph(batch, 1.0)), None);
        }
    }

    #[test]
    fn a_weight_that_is_no_number_is_named() {
        for broken in [f32::NAN, f32::NEG_INFINITY] {
            let said = finite(&graph(Dim::Known(1), broken)).unwrap_err();
            assert!(
                said.starts_with("1 of 1 values of 'w', which node 'conv' (Conv) reads"),
                "{said}"
            );
        }
        assert_eq!(finite(&graph(Dim::Known(1), 1.0)), Ok(()));
    }
}
