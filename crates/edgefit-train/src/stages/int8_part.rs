//! What stage int8 trains: the quantised model, of the form that it is exported in; a
//! [`TrainedPart`] with what else that stage needs.

use std::collections::HashSet;

use edgefit_graph::rewrite::prune;
use edgefit_graph::{Graph, ValueInfo, trainable_parameters};
use edgefit_quant::{Calibrated, Quantized, Scheme, Trainable};

use crate::config::device_scheme::device_scheme;
use crate::config::job::Job;
use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::prepare::model::Model;
use crate::stages::multipliers::trained;
use crate::stages::trained_part::TrainedPart;

/// Learning-rate multiplier of scales: a rate of 1e-5, at which weights change by a hundredth of a step of
/// their integers, moves scales by a ten-thousandth of their size.
const SCALE_MULTIPLIER: f64 = 10.0;

/// The quantised model as stage int8 trains it, and the float model as its teacher.
pub(crate) struct Int8Part {
    pub part: TrainedPart,
    pub trainable: Trainable,
    /// From the inputs to the logits.
    pub teacher: Graph,
}

impl Int8Part {
    /// That of a model that is not calibrated yet: of the same shape.
    ///
    /// # Errors
    /// The scheme does not take the model.
    pub fn blank(model: &Model, job: &Job) -> Result<Self> {
        let calibrated = Calibrated::blank(&model.to_export(), &scheme_of(job)?)?;
        let quantized = calibrated.quantize(&HashSet::new())?;
        Int8Part::of(model, job, &calibrated, &quantized)
    }

    /// That of the exported `model`, as it was `calibrated` and `quantized`.
    ///
    /// # Errors
    /// The logits are not found in it.
    pub fn of(
        model: &Model,
        job: &Job,
        calibrated: &Calibrated,
        quantized: &Quantized,
    ) -> Result<Self> {
        let lost = || {
            Error::Stopped(
                "the node that makes the logits is not in the quantised model any more; leave stage int8 out"
                    .into(),
            )
        };
        let last = last_node(&model.graph).ok_or_else(lost)?;
        let trainable = calibrated.trainable(quantized)?;
        let trainable = trainable.ending_in(&last).ok_or_else(lost)?;
        let teacher = ending_in(&calibrated.graph, &last).ok_or_else(lost)?;
        let head = model.head.extract(&model.graph)?;
        let names = trainable_parameters(&head).into_iter();
        let names: HashSet<String> = names.map(|(_, name)| name.to_owned()).collect();
        let recipe = job.recipe.stage(StageName::Int8);
        let mut multipliers = trained(&trainable.graph, StageName::Int8, recipe, &names);
        multipliers.retain(|name, _| trainable.parameters.contains(name));
        for name in &trainable.scales {
            multipliers.insert(name.clone(), SCALE_MULTIPLIER);
        }
        Ok(Int8Part {
            part: TrainedPart {
                stage: StageName::Int8,
                prefix: None,
                frozen_to: None,
                graph: trainable.graph.clone(),
                trained: multipliers,
            },
            trainable,
            teacher,
        })
    }
}

/// The scheme that the job names, else that of its device.
///
/// # Errors
/// As [`device_scheme`].
pub(crate) fn scheme_of(job: &Job) -> Result<Scheme> {
    match &job.scheme {
        Some(scheme) => Ok(scheme.clone()),
        None => device_scheme(&job.device),
    }
}

/// Label of the node that makes the first output.
fn last_node(graph: &Graph) -> Option<String> {
    let output = &graph.outputs.first()?.name;
    let makes = |node: &&edgefit_graph::Node| node.present_outputs().any(|made| made == output);
    let node = graph.nodes.iter().find(makes)?;
    Some(node.label().to_owned())
}

/// `graph` up to the node `label`.
fn ending_in(graph: &Graph, label: &str) -> Option<Graph> {
    let node = graph.nodes.iter().find(|node| node.label() == label)?;
    let output = ValueInfo::float(node.outputs.first()?);
    let mut graph = graph.clone();
    graph.outputs = vec![output];
    prune(&mut graph);
    Some(graph)
}
