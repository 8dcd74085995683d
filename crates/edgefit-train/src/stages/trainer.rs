//! What the stages train on: samples, their targets, and the inputs that a stage reads.

use edgefit_data::{Augmentation, Sample, Splits};
use edgefit_engine::EngineName;

use crate::config::job::Job;
use crate::config::recipe::StageRecipe;
use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::features::{Shown, Views, extract_all};
use crate::prepare::inference::Inference;
use crate::prepare::model::Model;
use crate::prepare::source::{Cached, Live, Source};
use crate::prepare::split::SplitSamples;
use crate::prepare::targets::Targets;
use crate::stages::fit::problem::Problem;
use crate::stages::trained_part::TrainedPart;

/// What the stages train on.
#[derive(Clone, Copy)]
pub(crate) struct Trainer<'a> {
    pub job: &'a Job,
    /// Engine of the frozen part.
    pub engine: EngineName,
    pub splits: &'a Splits<SplitSamples<'a>>,
    pub train_targets: &'a Targets,
    pub val_targets: &'a Targets,
    /// Learning rate of the first stage, instead of the recipe's.
    pub first_learning_rate: Option<f64>,
}

/// Inputs of the samples that a stage trains on, and of those that it is judged on.
pub(crate) struct Sources<'s> {
    pub train: Box<dyn Source + 's>,
    pub val: Box<dyn Source + 's>,
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
            teacher: None,
        }
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
            let train = Live {
                samples: &train.samples,
                augmentation: augmentation.clone(),
                ..self.live_val(model)
            };
            return Ok(Sources {
                train: Box::new(train),
                val: Box::new(self.live_val(model)),
            });
        };
        let cache = self.job.feature_cache();
        let mut frozen = |views: Views, samples: &[&Sample]| {
            let shown = Shown {
                samples,
                preparation: &model.preparation,
                views,
            };
            let inference = Inference {
                engine: self.engine,
                threads: self.job.threads,
                batch: recipe.stage(part.stage).batch,
                observer: &mut *observer,
            };
            extract_all(prefix, shown, &cache, inference)
        };
        let augmented = Views::Augmented {
            augmentation,
            seed: recipe.seed,
            count: recipe.views - 1,
        };
        let more = if recipe.views > 1 && !augmentation.is_off() {
            by_view(&frozen(augmented, &train.samples)?, recipe.views - 1)
        } else {
            Vec::new()
        };
        if part.stage == StageName::Probe {
            return Ok(Sources {
                train: Box::new(train.features(&more)),
                val: Box::new(val.features(&[])),
            });
        }
        let cached = |rows: Vec<Vec<f32>>, more: Vec<Vec<f32>>| -> Box<dyn Source + 's> {
            let width = rows.first().map_or(0, Vec::len);
            Box::new(Cached::new(width, [vec![rows.concat()], more].concat()))
        };
        let train = frozen(Views::Clean, &train.samples)?;
        let val = frozen(Views::Clean, &val.samples)?;
        Ok(Sources {
            train: cached(train, more),
            val: cached(val, Vec::new()),
        })
    }
}

/// Rows that hold `count` views each, sorted by view.
fn by_view(rows: &[Vec<f32>], count: usize) -> Vec<Vec<f32>> {
    let of = |view: usize| {
        let view = rows.iter().flat_map(move |row| {
            let width = row.len() / count;
            row[view * width..(view + 1) * width].iter().copied()
        });
        view.collect()
    };
    (0..count).map(of).collect()
}
