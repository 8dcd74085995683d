//! The stages of a run, one behind the other, from the weights of the best one so far.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use edgefit_burn::Weights;
use edgefit_data::{Augmentation, Sample};
use edgefit_engine::EngineName;
use edgefit_graph::rewrite::{dropout_before, fold_batch_norm};
use edgefit_graph::{Graph, Tensor, trainable_parameters};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::events::Observer;
use crate::features::{Pass, Views, extract};
use crate::fit::{Cached, Ended, Hooks, Problem, Source, State, evaluate, fit_from};
use crate::job::Job;
use crate::memory::{self, Optimizer, StageMemory};
use crate::model::Model;
use crate::parts::PartSamples;
use crate::preparation::Live;
use crate::recipe::{OptimizerKind, StageName, StageRecipe};
use crate::run_folder::RunFolder;
use crate::stages::{Done, Frozen, Stage, freeze, trained};
use crate::task::Targets;

/// Least time between two checkpoints of a stage.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Share of the time that may go into checkpoints.
const SAVING: u32 = 20;

/// The part of the model that a stage trains.
pub(crate) struct Part {
    /// From the inputs of the model to those of `graph`; absent where that is the same.
    prefix: Option<Graph>,
    /// Node in front of the freeze boundary.
    frozen_to: Option<String>,
    /// From there to the outputs.
    pub graph: Graph,
    /// What is trained of it, with shares of the rate.
    pub trained: BTreeMap<String, f64>,
}

impl Part {
    /// What the stage `name` trains of `model`.
    ///
    /// # Errors
    /// The freeze boundary that the job names is none.
    pub fn of(model: &Model, job: &Job, name: StageName) -> Result<Self> {
        let head = model.head.extract(&model.graph)?;
        let backbone = || -> Result<Graph> {
            // The frozen part never trains: folded, it runs faster in engines that do not fold.
            let mut backbone = model.head.backbone(&model.graph)?;
            fold_batch_norm(&mut backbone)?;
            Ok(backbone)
        };
        let features = model.head.features();
        let features: Vec<String> = features.into_iter().map(|info| info.name).collect();
        let (prefix, frozen_to, graph) = match name {
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
                        "the model has no place in front of its last quarter where a single value \
                         carries everything; leave stage top out, or name one with --freeze-to"
                            .into(),
                    ));
                };
                fold_batch_norm(&mut prefix)?;
                (Some(prefix), Some(node), suffix)
            }
            StageName::Full => (None, None, model.graph.clone()),
        };
        let names = trainable_parameters(&head).into_iter();
        let names: HashSet<String> = names.map(|(_, name)| name.to_owned()).collect();
        let recipe = job.recipe.stage(name);
        let trained = trained(&graph, name, recipe, &names);
        let graph = match recipe.dropout > 0.0 {
            true => dropout_before(&graph, &features, recipe.dropout as f32),
            false => graph,
        };
        Ok(Part {
            prefix,
            frozen_to,
            graph,
            trained,
        })
    }

    /// Holds what the stage needs of memory against what is free.
    ///
    /// # Errors
    /// It does not fit.
    pub fn fits(
        &self,
        name: StageName,
        recipe: &StageRecipe,
        engine: EngineName,
        rows: usize,
        available: u64,
    ) -> Result<StageMemory> {
        let optimizer = match recipe.optimizer {
            OptimizerKind::Adamw => Optimizer::Adam,
            OptimizerKind::Sgd => Optimizer::Momentum,
        };
        let trained = |name: &str| self.trained.contains_key(name);
        StageMemory::check(name, recipe.batch, available, |batch| match &self.prefix {
            Some(prefix) => {
                memory::frozen(prefix, &self.graph, trained, optimizer, engine, batch, rows)
            }
            None => memory::whole(&self.graph, trained, optimizer, batch),
        })
    }
}

/// What the stages work on.
#[derive(Clone, Copy)]
pub(crate) struct Training<'a> {
    pub job: &'a Job,
    pub engine: EngineName,
    pub parts: &'a [PartSamples<'a>; 3],
    pub train_targets: &'a Targets,
    pub val_targets: &'a Targets,
    /// Rate of the first stage, instead of the recipe's.
    pub first_rate: Option<f64>,
}

impl Training<'_> {
    /// Trains the stages that `checkpoint` does not have yet, and puts the best weights into `model`.
    /// Says whether the user wanted it to end before.
    ///
    /// # Errors
    /// A stage cannot run, or the run folder cannot be written.
    pub fn all(
        &self,
        model: &mut Model,
        checkpoint: &mut Checkpoint,
        run: &mut RunFolder,
        observer: &mut dyn Observer,
    ) -> Result<bool> {
        put(&mut model.graph, &checkpoint.kept)?;
        for &name in &self.job.stages {
            if checkpoint.done.iter().any(|done| done.stage.name == name) {
                continue;
            }
            let (done, weights) = self.stage(name, model, checkpoint, run, observer)?;
            let ended = done.stage.ended;
            for epoch in &done.stage.epochs {
                run.event(&serde_json::json!({"event": "epoch", "stage": name, "epoch": epoch}))?;
            }
            if done.stage.kept {
                put(&mut model.graph, &weights)?;
                checkpoint.kept.extend(weights);
            }
            if ended == Ended::Interrupted {
                // The checkpoint stays in the middle of the stage, to go on from there.
                checkpoint.done.push(done);
                return Ok(true);
            }
            checkpoint.current = None;
            checkpoint.done.push(done);
            run.save(checkpoint)?;
        }
        Ok(false)
    }

    fn stage(
        &self,
        name: StageName,
        model: &Model,
        checkpoint: &mut Checkpoint,
        run: &RunFolder,
        observer: &mut dyn Observer,
    ) -> Result<(Done, Weights)> {
        let started = Instant::now();
        let mut recipe = self.job.recipe.stage(name).clone();
        if let (Some(rate), Some(&first)) = (self.first_rate, self.job.stages.first())
            && first == name
        {
            recipe.rate = rate;
        }
        let part = Part::of(model, self.job, name)?;
        let augmentation = self.job.recipe.augmentation_of(name);
        let [train, val] = self.sources(name, model, &part, &augmentation, observer)?;
        let sources = [train, val];
        let problem = self.problem(name, &part, &sources, &recipe);
        let [train, val] = &sources;
        let resumed = match checkpoint.current.take() {
            Some((stage, state)) if stage == name => Some(state),
            _ => None,
        };
        observer.begin(&name.to_string(), (recipe.epochs * train.len()) as u64);
        let (mut saved, mut wait) = (Instant::now(), SAVE_EVERY);
        let mut save = |state: &dyn Fn() -> Result<State>, now: bool| -> Result<()> {
            if now || saved.elapsed() > wait {
                let began = Instant::now();
                checkpoint.current = Some((name, state()?));
                run.save(checkpoint)?;
                wait = SAVE_EVERY.max(SAVING * began.elapsed());
                saved = Instant::now();
            }
            Ok(())
        };
        let mut hooks = Hooks {
            observer,
            save: &mut save,
        };
        let fitted = fit_from(&problem, resumed, &mut hooks)?;
        observer.end();
        let module = fitted.module(&part.graph)?;
        let (outputs, val_loss) = evaluate(
            &part.graph,
            &module,
            val.as_ref(),
            self.val_targets,
            recipe.batch,
        )?;
        let parameters = part
            .trained
            .keys()
            .filter_map(|name| fitted.weights.get(name));
        let mut stage = Stage {
            name,
            rate: recipe.rate,
            kept: true,
            frozen_to: part.frozen_to,
            parameters: parameters.map(Vec::len).sum(),
            best_epoch: fitted.best_epoch,
            epochs: fitted.epochs,
            ended: fitted.ended,
            val_accuracy: self.val_targets.share_right(&outputs),
            val_loss,
            peak_bytes: edgefit_engine::peak_rss_bytes(),
            duration_ns: u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX),
        };
        let kept = checkpoint.done.iter().rfind(|done| done.stage.kept);
        stage.kept = kept.is_none_or(|best| stage.beats(&best.stage));
        let done = Done {
            stage,
            watch: fitted.watch,
        };
        Ok((done, fitted.weights))
    }

    /// What a stage fits to the training samples and is judged on, the two `sources`, by a recipe.
    pub fn problem<'p>(
        &'p self,
        name: StageName,
        part: &'p Part,
        [train, val]: &'p [Box<dyn Source + 'p>; 2],
        recipe: &'p StageRecipe,
    ) -> Problem<'p> {
        Problem {
            graph: &part.graph,
            trained: &part.trained,
            train: train.as_ref(),
            train_targets: self.train_targets,
            val: val.as_ref(),
            val_targets: self.val_targets,
            recipe,
            sampling: self.job.recipe.sampling,
            seed: self.job.recipe.seed,
            stage: name,
        }
    }

    /// Inputs of the training samples, with the given augmentation, and of the validation samples.
    ///
    /// # Errors
    /// A sample can no longer be read, or the engine fails.
    pub fn sources<'s>(
        &'s self,
        name: StageName,
        model: &'s Model,
        part: &Part,
        augmentation: &Augmentation,
        observer: &mut dyn Observer,
    ) -> Result<[Box<dyn Source + 's>; 2]> {
        let [train, val, _] = self.parts;
        let recipe = &self.job.recipe;
        let Some(prefix) = &part.prefix else {
            let live = |part: &'s PartSamples| -> Box<dyn Source + 's> {
                Box::new(Live {
                    samples: &part.samples,
                    preparation: &model.preparation,
                    augmentation: augmentation.clone(),
                    seed: recipe.seed,
                })
            };
            return Ok([live(train), live(val)]);
        };
        let augmented = Views::Augmented {
            augmentation,
            seed: recipe.seed,
            count: recipe.views - 1,
        };
        let mut pass = |views: Views, samples: &[&Sample]| {
            self.rows(
                prefix,
                model,
                recipe.stage(name).batch,
                views,
                samples,
                observer,
            )
        };
        let more = match recipe.views > 1 && !augmentation.is_off() {
            true => views(&pass(augmented, &train.samples)?, recipe.views - 1),
            false => Vec::new(),
        };
        if name == StageName::Probe {
            return Ok([Box::new(train.features(&more)), Box::new(val.features(&[]))]);
        }
        let clean = |rows: Vec<Vec<f32>>, more: Vec<Vec<f32>>| -> Box<dyn Source + 's> {
            let width = rows.first().map_or(0, Vec::len);
            Box::new(Cached::new(width, [vec![rows.concat()], more].concat()))
        };
        let train = pass(Views::Clean, &train.samples)?;
        let val = pass(Views::Clean, &val.samples)?;
        Ok([clean(train, more), clean(val, Vec::new())])
    }

    /// What `prefix` makes of the `views` of samples that could be read before.
    fn rows(
        &self,
        prefix: &Graph,
        model: &Model,
        batch: usize,
        views: Views,
        samples: &[&Sample],
        observer: &mut dyn Observer,
    ) -> Result<Vec<Vec<f32>>> {
        let pass = Pass {
            engine: self.engine,
            threads: self.job.threads,
            batch,
        };
        let cache = self.job.cache.join("features");
        let preparation = &model.preparation;
        let extracted = extract(prefix, preparation, views, pass, samples, &cache, observer)?;
        let rows = extracted.entries.into_iter().zip(samples);
        rows.map(|(entry, sample)| {
            let entry = entry.map_err(|detail| edgefit_data::Error::Image {
                path: sample.place().to_path_buf(),
                detail,
            })?;
            Ok(entry.features)
        })
        .collect()
    }
}

/// Rows that hold `count` views each, sorted by view.
fn views(rows: &[Vec<f32>], count: usize) -> Vec<Vec<f32>> {
    let of = |view: usize| {
        let view = rows.iter().flat_map(move |row| {
            let width = row.len() / count;
            row[view * width..(view + 1) * width].iter().copied()
        });
        view.collect()
    };
    (0..count).map(of).collect()
}

/// Puts weights into the graph that they were trained in, or a part of it.
///
/// # Errors
/// The graph has no such weight.
pub(crate) fn put(graph: &mut Graph, weights: &Weights) -> Result<()> {
    for (name, values) in weights {
        let old = graph.initializers.get_mut(name);
        let written = old.and_then(|old| {
            let values: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
            *old = Tensor::from_f64(old.dtype(), old.dims().to_vec(), &values)?;
            Some(())
        });
        written.ok_or_else(|| Error::Stopped(format!("the model has no weight '{name}'")))?;
    }
    Ok(())
}
