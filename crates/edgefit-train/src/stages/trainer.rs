//! What the stages train on: samples, their targets, and the inputs that a stage reads.

use edgefit_burn::Recomputation;
use edgefit_data::{Augmentation, Sample, Splits};
use edgefit_engine::EngineName;
use edgefit_graph::Graph;

use crate::config::job::Job;
use crate::config::recipe::StageRecipe;
use crate::config::stage_name::StageName;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::prepare::features::{Shown, Views, extract_all};
use crate::prepare::inference::Inference;
use crate::prepare::model::Model;
use crate::prepare::preparation::Preparation;
use crate::prepare::source::{Cached, Live, Source};
use crate::prepare::split::SplitSamples;
use crate::prepare::targets::Targets;
use crate::prepare::teacher_model::TeacherModel;
use crate::stages::stage_memory::StageMemory;
use crate::stages::trained_part::TrainedPart;
use crate::stages::training::problem::Problem;

/// What the stages train on.
#[derive(Clone, Copy)]
pub(crate) struct Trainer<'a> {
    pub job: &'a Job,
    /// Engine of the frozen part.
    pub engine: EngineName,
    pub splits: &'a Splits<SplitSamples<'a>>,
    /// What the stages take.
    pub memory: &'a [StageMemory],
    pub train_targets: &'a Targets,
    pub val_targets: &'a Targets,
    /// The teacher of the float stages.
    pub teacher: Option<&'a TeacherModel>,
    /// Learning rate of the first stage, instead of the recipe's.
    pub first_learning_rate: Option<f64>,
}

/// Inputs of the samples that a stage trains on, and of those that it is judged on.
pub(crate) struct Sources<'s> {
    pub train: Box<dyn Source + 's>,
    pub val: Box<dyn Source + 's>,
    /// What the job's teacher answers to the training samples.
    pub answers: Option<Box<dyn Source + 's>>,
}

impl Trainer<'_> {
    /// The recipe of a stage, with the learning rate that was found for the first.
    pub fn recipe(&self, name: StageName) -> StageRecipe {
        let mut recipe = self.job.recipe.stage(name).clone();
        if let (Some(learning_rate), Some(&first)) =
            (self.first_learning_rate, self.job.stages.first())
            && first == name
        {
            recipe.learning_rate = learning_rate;
        }
        recipe
    }

    /// What a stage fits to the training samples, by a recipe.
    pub fn problem<'p>(
        &'p self,
        part: &'p TrainedPart,
        sources: &'p Sources<'p>,
        recipe: &'p StageRecipe,
    ) -> Problem<'p> {
        Problem {
            graph: &part.graph,
            trained: &part.trained,
            train: sources.train.as_ref(),
            train_targets: self.train_targets,
            val: sources.val.as_ref(),
            val_targets: self.val_targets,
            recipe,
            sampling: self.job.recipe.sampling,
            seed: self.job.recipe.seed,
            stage: part.stage,
            backend: self.job.backend,
            recomputation: self.recomputation(part.stage),
            teacher: None,
            answers: sources.answers.as_deref(),
        }
    }

    /// What the steps of a stage compute twice.
    fn recomputation(&self, stage: StageName) -> Recomputation {
        let mut memory = self.memory.iter();
        let of_stage = memory.find(|memory| memory.stage == stage);
        of_stage.map_or_else(Recomputation::default, |memory| {
            memory.recomputation.clone()
        })
    }

    /// The validation samples, read when they are wanted.
    pub fn live_val<'s>(&'s self, model: &'s Model) -> Live<'s> {
        Live {
            samples: &self.splits.val.samples,
            preparation: &model.preparation,
            augmentation: Augmentation::none(),
            seed: self.job.recipe.seed,
        }
    }

    /// Inputs of the training samples, with the given augmentation, and of the validation samples.
    ///
    /// # Errors
    /// A sample can no longer be read, or the engine fails.
    pub fn sources<'s>(
        &'s self,
        model: &'s Model,
        part: &TrainedPart,
        augmentation: &Augmentation,
        observer: &mut dyn Observer,
    ) -> Result<Sources<'s>> {
        let Splits { train, val, .. } = self.splits;
        let recipe = &self.job.recipe;
        let Some(prefix) = &part.prefix else {
            let augmented = || Live {
                samples: &train.samples,
                augmentation: augmentation.clone(),
                ..self.live_val(model)
            };
            return Ok(Sources {
                train: Box::new(augmented()),
                val: Box::new(self.live_val(model)),
                answers: self.live_answers(part.stage, augmented()),
            });
        };
        let cache = self.job.feature_cache();
        let mut frozen =
            |prefix: &Graph, preparation: &Preparation, views: Views, samples: &[&Sample]| {
                let shown = Shown {
                    samples,
                    through: None,
                    preparation,
                    views,
                };
                let inference = Inference {
                    engine: self.engine,
                    threads: self.job.threads,
                    observer: &mut *observer,
                };
                extract_all(prefix, shown, &cache, inference)
            };
        let augmented = Views::Augmented {
            augmentation,
            seed: recipe.seed,
            count: recipe.views - 1,
        };
        let mut all_views = |prefix: &Graph, preparation: &Preparation, clean: Clean| {
            let more = if recipe.views > 1 && !augmentation.is_off() {
                let rows = frozen(prefix, preparation, augmented, &train.samples)?;
                by_view(&rows, recipe.views - 1)
            } else {
                Vec::new()
            };
            let clean = match clean {
                Clean::Known => return Ok(more),
                Clean::Computed => frozen(prefix, preparation, Views::Clean, &train.samples)?,
            };
            Ok::<_, Error>([vec![clean.concat()], more].concat())
        };
        let answers: Option<Box<dyn Source>> = match self.taught_by(part.stage) {
            None => None,
            Some(TeacherModel {
                graph, preparation, ..
            }) => {
                let views = all_views(graph, preparation, Clean::Computed)?;
                Some(Box::new(cached(views, train.samples.len())))
            }
        };
        let kept = match part.stage {
            StageName::Probe => Some((train.features(), val.features())),
            _ => train.boundary().zip(val.boundary()),
        };
        let (train, val) = match kept {
            Some((clean, val)) => {
                let more = all_views(prefix, &model.preparation, Clean::Known)?;
                (clean.with_views(more), val)
            }
            None => {
                let views = all_views(prefix, &model.preparation, Clean::Computed)?;
                let of_val = frozen(prefix, &model.preparation, Views::Clean, &val.samples)?;
                let of_val = cached(vec![of_val.concat()], val.samples.len());
                (cached(views, train.samples.len()), of_val)
            }
        };
        Ok(Sources {
            train: Box::new(train),
            val: Box::new(val),
            answers,
        })
    }

    /// The teacher of a stage, if it has one and the recipe gives it a share.
    fn taught_by(&self, stage: StageName) -> Option<&TeacherModel> {
        let teacher = self.teacher?;
        let wanted = stage != StageName::Int8 && self.recipe(stage).teacher > 0.0;
        wanted.then_some(teacher)
    }

    /// What the teacher of a stage answers to `samples`.
    fn live_answers<'s>(
        &'s self,
        stage: StageName,
        samples: Live<'s>,
    ) -> Option<Box<dyn Source + 's>> {
        let teacher = self.taught_by(stage)?;
        Some(Box::new(teacher.live(
            samples,
            self.engine,
            self.job.threads,
        )))
    }
}

/// Whether the clean view of samples is computed, or was kept from before.
enum Clean {
    Known,
    Computed,
}

/// Views of so many samples as a source.
fn cached(views: Vec<Vec<f32>>, samples: usize) -> Cached {
    let width = views.first().map_or(0, Vec::len) / samples.max(1);
    Cached::new(width, views)
}

/// Rows that hold `count` views each, sorted by view.
fn by_view(rows: &[Vec<f32>], count: usize) -> Vec<Vec<f32>> {
    let of = |view: usize| {
        let view = rows.iter().map(|row| {
            let width = row.len() / count;
            &row[view * width..(view + 1) * width]
        });
        view.collect::<Vec<_>>().concat()
    };
    (0..count).map(of).collect()
}
