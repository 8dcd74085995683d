//! The part of a model that a stage trains, and the frozen part in front of it. That of stage int8 is made in
//! `int8_part.rs`, and is one of these.

use std::collections::{BTreeMap, HashSet};

use edgefit_engine::EngineName;
use edgefit_graph::rewrite::{dropout_before, fold_batch_norm};
use edgefit_graph::{Graph, trainable_parameters};

use crate::config::job::Job;
use crate::config::recipe::OptimizerKind;
use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::prepare::model::Model;
use crate::stages::boundary::{Frozen, freeze};
use crate::stages::int8_part::Int8Part;
use crate::stages::multipliers::trained;
use crate::stages::stage_memory::StageMemory;
use crate::stages::training_memory::{FrozenPass, Optimizer, Steps};

/// The part of the model that a stage trains.
pub(crate) struct TrainedPart {
    /// The stage that trains it.
    pub stage: StageName,
    /// From the inputs of the model to those of `graph`; absent where that is the same.
    pub prefix: Option<Graph>,
    /// Node in front of the freeze boundary.
    pub frozen_to: Option<String>,
    /// From there to the outputs.
    pub graph: Graph,
    /// Weights of it that are trained, with their learning-rate multipliers.
    pub trained: BTreeMap<String, f64>,
}

impl TrainedPart {
    /// What `stage` trains of `model`.
    ///
    /// # Errors
    /// The model cannot be cut behind the node that the job names.
    pub fn of(model: &Model, job: &Job, stage: StageName) -> Result<Self> {
        let head = model.head.extract(&model.graph)?;
        let backbone = || -> Result<Graph> {
            // The frozen part never trains: folded, it runs faster in engines that do not fold.
            let mut backbone = model.head.backbone(&model.graph)?;
            fold_batch_norm(&mut backbone)?;
            Ok(backbone)
        };
        let features = model.head.features();
        let features: Vec<String> = features.into_iter().map(|info| info.name).collect();
        let (prefix, frozen_to, graph) = match stage {
            StageName::Probe => (Some(backbone()?), None, head.clone()),
            StageName::Top => {
                let choice = job.freeze_to.as_deref();
                let Some(Frozen {
                    node,
                    mut prefix,
                    suffix,
                }) = freeze(&model.graph, choice, &features)?
                else {
                    return Err(Error::Stopped(
                        "the model has no place in front of its last fifth where a single value \
                         carries everything; leave stage top out, or name one with --freeze-to"
                            .into(),
                    ));
                };
                fold_batch_norm(&mut prefix)?;
                (Some(prefix), Some(node), suffix)
            }
            StageName::Full => (None, None, model.graph.clone()),
            StageName::Int8 => return Ok(Int8Part::blank(model, job)?.part),
        };
        let names = trainable_parameters(&head).into_iter();
        let names: HashSet<String> = names.map(|(_, name)| name.to_owned()).collect();
        let recipe = job.recipe.stage(stage);
        let trained = trained(&graph, stage, recipe, &names);
        let graph = if recipe.dropout > 0.0 {
            dropout_before(&graph, &features, recipe.dropout as f32)
        } else {
            graph
        };
        Ok(TrainedPart {
            stage,
            prefix,
            frozen_to,
            graph,
            trained,
        })
    }

    /// Checks that the stage fits into `available` bytes of memory as `job` trains it; `rows` counts samples
    /// and views of them.
    ///
    /// # Errors
    /// It does not fit.
    pub fn fits(
        &self,
        job: &Job,
        engine: EngineName,
        rows: usize,
        available: u64,
    ) -> Result<StageMemory> {
        let recipe = job.recipe.stage(self.stage);
        let optimizer = match recipe.optimizer {
            OptimizerKind::Adamw => Optimizer::Adam,
            OptimizerKind::Sgd => Optimizer::Momentum,
        };
        let trained = |name: &str| self.trained.contains_key(name);
        StageMemory::check(self.stage, recipe.batch, available, |batch, recomputing| {
            let steps = Steps {
                graph: &self.graph,
                trained: &trained,
                optimizer,
                batch,
            };
            match &self.prefix {
                Some(prefix) => {
                    let pass = FrozenPass {
                        prefix,
                        engine,
                        threads: job.threads,
                        rows,
                    };
                    steps.need_behind(&pass, recomputing)
                }
                None => steps.need(recomputing),
            }
        })
    }
}
