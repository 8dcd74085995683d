use edgefit_data::Dataset;

use crate::error::Result;
use crate::events::Observer;
use crate::fit::{Problem, evaluate, fit};
use crate::goal::Goal;
use crate::job::Job;
use crate::linear::linear;
use crate::metrics::{Classification, Metrics};
use crate::model::Model;
use crate::parts::PartSamples;
use crate::preparation::Preparation;
use crate::recipe::{Recipe, Sampling, StageName, StageRecipe};
use crate::report::Baseline;

/// Number of raw inputs from which on they are many.
const MANY: usize = 1000;

/// The same answer for all samples, and a linear layer on small thumbnails or on the values.
pub(crate) fn baselines(
    job: &Job,
    dataset: &Dataset,
    model: &Model,
    parts: &[PartSamples; 3],
    observer: &mut dyn Observer,
) -> Result<Vec<Baseline>> {
    let [training, validation, test] = parts;
    // What edgefit fits by itself does not change with the recipe, but for the seed.
    let defaults = Recipe::default();
    let goal = Goal::fit(dataset.task, dataset.classes.len(), training, &defaults);
    let constant = constant(&goal, training);
    let blind = Baseline {
        name: match goal {
            Goal::Numbers(_) => "mean",
            _ => "majority",
        },
        sees_input: false,
        val: constant(validation),
        test: constant(test),
    };

    let raw = training.raw(&model.preparation)?;
    let recipe = StageRecipe {
        // Thousands of raw inputs want smaller steps than features do.
        rate: match raw.width() {
            ..MANY => defaults.probe.rate,
            _ => 3e-4,
        },
        ..defaults.probe
    };
    let name = match model.preparation {
        Preparation::Images(_) => "raw pixels",
        Preparation::Arrays(_) => "raw values",
    };
    let graph = linear(raw.width(), &goal.bias());
    observer.begin(name, (recipe.epochs * training.samples.len()) as u64);
    let fitted = fit(
        &Problem {
            graph: &graph,
            trained: &[("weight".to_owned(), 1.0), ("bias".to_owned(), 1.0)].into(),
            train: &raw,
            train_targets: &goal.targets(training),
            val: &validation.raw(&model.preparation)?,
            val_targets: &goal.targets(validation),
            recipe: &recipe,
            sampling: Sampling::Shuffled,
            seed: job.recipe.seed,
            stage: StageName::Probe,
        },
        observer,
    )?;
    observer.end();
    let module = fitted.module(&graph)?;
    let measured = |part: &PartSamples| -> Result<Metrics> {
        let (rows, targets) = (part.raw(&model.preparation)?, goal.targets(part));
        let (outputs, _) = evaluate(&graph, &module, &rows, &targets, recipe.batch)?;
        Ok(goal.metrics(&goal.answers(outputs), part))
    };
    let linear = Baseline {
        name,
        sees_input: true,
        val: measured(validation)?,
        test: measured(test)?,
    };
    Ok(vec![blind, linear])
}

/// Figures of the best answer for all samples alike: the most frequent class, the labels that more
/// than half have, the mean.
fn constant(goal: &Goal, training: &PartSamples) -> impl Fn(&PartSamples) -> Metrics {
    let classes = match goal {
        Goal::Classes { weights, .. } => weights.len(),
        _ => 0,
    };
    let most = (0..classes)
        .rev()
        .max_by_key(|&class| training.count(class))
        .unwrap_or(0);
    let rows = training.samples.len().max(1) as f32;
    let answer: Vec<f32> = match goal {
        Goal::Classes { .. } => Vec::new(),
        Goal::Labels { bias } => {
            let counts = training.having(bias.len()).into_iter();
            counts.map(|count| count as f32 / rows).collect()
        }
        Goal::Numbers(scaler) => scaler.mean.clone(),
    };
    let goal = goal.clone();
    move |part| match goal {
        // A class alone is no probability.
        Goal::Classes { .. } => {
            let said = vec![most; part.samples.len()];
            let of = Classification::of_predictions(&said, &part.labels(), classes);
            Metrics::Classification(of)
        }
        _ => goal.metrics(&answer.repeat(part.samples.len()), part),
    }
}
