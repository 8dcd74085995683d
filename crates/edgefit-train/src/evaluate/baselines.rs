//! Baselines: what can be reached without a pretrained network.

use edgefit_burn::Recomputation;
use edgefit_data::{Dataset, Splits};
use serde::Serialize;

use crate::config::job::Job;
use crate::config::recipe::{Recipe, Sampling, StageRecipe};
use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::evaluate::metrics::{Classification, Metrics};
use crate::evaluate::split_metrics::metrics;
use crate::observer::Observer;
use crate::prepare::features::THUMBNAIL;
use crate::prepare::preparation::Preparation;
use crate::prepare::split::SplitSamples;
use crate::prepare::target_transform::TargetTransform;
use crate::stages::linear_layer::linear;
use crate::stages::training::epoch::Ended;
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::fitted::fit;
use crate::stages::training::problem::Problem;

/// A model without a pretrained network.
#[derive(Debug, Serialize)]
pub struct Baseline {
    /// `majority` or `mean`, the same answer for all; `raw pixels` or `raw values`, a linear layer on
    /// them.
    pub name: &'static str,
    /// Whether it looks at the sample.
    pub sees_input: bool,
    /// Figures on the validation samples.
    pub val: Metrics,
    /// Figures on the test samples.
    pub test: Metrics,
}

/// Number of raw inputs from which on they are many.
const MANY: usize = 1000;

/// Weights of the layer on thumbnails from which on these are made smaller, but for the smallest.
const MANY_WEIGHTS: usize = 1 << 19;

/// Times that the side of a thumbnail is halved at most: to 8 pixels.
const HALVINGS: u32 = 2;

/// Weights times samples, over all epochs, that the layer may be fitted with: 60 epochs of 100,000
/// thumbnails of 10 classes. What only says whether a network was worth it must not take longer than
/// the network.
const MOST_WORK: usize = 200_000_000_000;

/// The same answer for all samples, and a linear layer on small thumbnails or on the values; not the layer where the user
/// ended its fit.
pub(crate) fn baselines(
    job: &Job,
    dataset: &Dataset,
    preparation: &Preparation,
    splits: &Splits<SplitSamples>,
    observer: &mut dyn Observer,
) -> Result<Vec<Baseline>> {
    let Splits { train, val, test } = splits;
    // What edgefit fits by itself does not change with the recipe, but for the seed.
    let defaults = Recipe::default();
    let transform = TargetTransform::fit(dataset.task, dataset.classes.len(), train, &defaults);
    let constant = constant(&transform, train);
    let blind = Baseline {
        name: match transform {
            TargetTransform::Regression(_) => "mean",
            _ => "majority",
        },
        sees_input: false,
        val: constant(val),
        test: constant(test),
    };

    let outputs = transform.initial_bias().len();
    let halvings = halvings(outputs);
    let raw_of = |split: &SplitSamples| split.raw(preparation, halvings);
    let raw = raw_of(train)?;
    let epochs = affordable_epochs(outputs * raw.width(), train.samples.len());
    let recipe = StageRecipe {
        epochs: epochs.min(defaults.probe.epochs),
        // Thousands of raw inputs need smaller steps than features do.
        learning_rate: match raw.width() {
            ..MANY => defaults.probe.learning_rate,
            _ => 3e-4,
        },
        ..defaults.probe
    };
    let name = match preparation {
        Preparation::Images(_) => "raw pixels",
        Preparation::Arrays(_) => "raw values",
    };
    let graph = linear(raw.width(), &transform.initial_bias());
    observer.begin(name, (recipe.epochs * train.samples.len()) as u64);
    let fitted = fit(
        &Problem {
            graph: &graph,
            trained: &[("weight".to_owned(), 1.0), ("bias".to_owned(), 1.0)].into(),
            train: &raw,
            train_targets: &transform.targets(train),
            val: &raw_of(val)?,
            val_targets: &transform.targets(val),
            recipe: &recipe,
            sampling: Sampling::Shuffled,
            seed: job.recipe.seed,
            stage: StageName::Probe,
            backend: job.backend,
            recomputation: Recomputation::default(),
            teacher: None,
            answers: None,
        },
        observer,
    )?;
    observer.end();
    if fitted.ended == Ended::Interrupted {
        return Ok(vec![blind]);
    }
    let module = fitted.module(&graph)?;
    let measured = |split: &SplitSamples| -> Result<Metrics> {
        let (rows, targets) = (raw_of(split)?, transform.targets(split));
        let (outputs, _) = evaluate(&graph, &module, &rows, &targets, recipe.batch)?;
        Ok(metrics(&transform, &transform.predictions(outputs), split))
    };
    let linear = Baseline {
        name,
        sees_input: true,
        val: measured(val)?,
        test: measured(test)?,
    };
    Ok(vec![blind, linear])
}

/// How often the sides of thumbnails are halved for a layer of so many outputs.
fn halvings(outputs: usize) -> u32 {
    let pixels = 3 * (THUMBNAIL * THUMBNAIL) as usize;
    let is_small = |halvings: &u32| outputs * (pixels >> (2 * halvings)) <= MANY_WEIGHTS;
    (0..HALVINGS).find(is_small).unwrap_or(HALVINGS)
}

/// Epochs that fit into [`MOST_WORK`], at least one.
fn affordable_epochs(weights: usize, samples: usize) -> usize {
    let epoch = weights.saturating_mul(samples).max(1);
    (MOST_WORK / epoch).max(1)
}

/// Figures of the best answer for all samples alike: the most frequent class, the labels that more
/// than half have, the mean.
fn constant(
    transform: &TargetTransform,
    train: &SplitSamples,
) -> impl Fn(&SplitSamples) -> Metrics {
    let classes = match transform {
        TargetTransform::Classes { weights, .. } => weights.len(),
        _ => 0,
    };
    let most = (0..classes)
        .rev()
        .max_by_key(|&class| train.count(class))
        .unwrap_or(0);
    let rows = train.samples.len().max(1) as f32;
    let answer: Vec<f32> = match transform {
        TargetTransform::Classes { .. } => Vec::new(),
        TargetTransform::MultiLabel { bias } => {
            let counts = train.label_counts(bias.len()).into_iter();
            counts.map(|count| count as f32 / rows).collect()
        }
        TargetTransform::Regression(scaler) => scaler.mean.clone(),
    };
    let transform = transform.clone();
    move |split| match transform {
        // A class alone is no probability.
        TargetTransform::Classes { .. } => {
            let predicted = vec![most; split.samples.len()];
            let of = Classification::of_predictions(&predicted, &split.labels(), classes);
            Metrics::Classification(of)
        }
        _ => metrics(&transform, &answer.repeat(split.samples.len()), split),
    }
}

#[cfg(test)]
mod tests {
    use edgefit_data::{Content, Sample, Split};
    use edgefit_graph::Task;

    use super::*;
    use crate::prepare::sample_features::SampleFeatures;
    use crate::prepare::split::divide;

    /// A user who lets go on, or not.
    struct User {
        ends: bool,
    }

    impl Observer for User {
        fn begin(&mut self, _: &str, _: u64) {}
        fn progress(&mut self, _: u64, _: &str) {}
        fn end(&mut self) {}
        fn warn(&mut self, _: &str) {}
        fn stop(&self) -> bool {
            self.ends
        }
    }

    #[test]
    fn a_layer_whose_fit_was_ended_is_no_baseline() {
        let sample = |at: usize| Sample {
            content: Content::Values(vec![at as f32, (at % 2) as f32]),
            relative: at.to_string(),
            class: at % 2,
            targets: Vec::new(),
            split: None,
            group: None,
        };
        let dataset = Dataset {
            root: "data".into(),
            task: Task::Classes,
            classes: vec!["a".into(), "b".into()],
            dims: Some(vec![2]),
            samples: (0..12).map(sample).collect(),
            remarks: Vec::new(),
        };
        let entries = SampleFeatures::none(12);
        let parts = [Split::Train, Split::Val, Split::Test].map(|split| [Some(split); 4]);
        let splits = divide(&dataset, &entries, &parts.concat());
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let job = Job::new("data".as_ref(), "m.onnx".as_ref(), device, "run".as_ref());
        let names = |ends: bool| {
            let preparation = Preparation::untouched(&[2]);
            let found = baselines(&job, &dataset, &preparation, &splits, &mut User { ends });
            let names = found.unwrap().into_iter().map(|baseline| baseline.name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(true), ["majority"]);
        assert_eq!(names(false), ["majority", "raw values"]);
    }

    #[test]
    fn a_layer_of_many_outputs_sees_smaller_thumbnails() {
        let of = [10, 170, 171, 682, 683, 100_000];
        assert_eq!(of.map(halvings), [0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn what_would_take_long_gets_fewer_epochs() {
        let classes_of_ten = affordable_epochs(10 * 3072, 100_000);
        assert!(classes_of_ten >= Recipe::default().probe.epochs);
        assert_eq!(affordable_epochs(1000 * 192, 1_200_000), 1);
        assert_eq!(affordable_epochs(usize::MAX, usize::MAX), 1);
    }
}
