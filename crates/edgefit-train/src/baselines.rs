use crate::error::Result;
use crate::events::Observer;
use crate::features::THUMBNAIL;
use crate::fit::{Problem, evaluate, fit};
use crate::linear::linear;
use crate::metrics::Metrics;
use crate::parts::PartSamples;
use crate::recipe::{Recipe, Sampling, StageName, StageRecipe};
use crate::report::Baseline;
use crate::task::{Targets, class_weights, log_prior_bias};

/// The most frequent class, and a linear classifier on small thumbnails.
pub(crate) fn baselines(
    seed: u64,
    classes: usize,
    parts: &[PartSamples; 3],
    observer: &mut dyn Observer,
) -> Result<Vec<Baseline>> {
    let [training, validation, test] = parts;
    let most = (0..classes)
        .rev()
        .max_by_key(|&class| training.count(class))
        .unwrap_or(0);
    let constant = |part: &PartSamples| {
        Metrics::of_predictions(&vec![most; part.samples.len()], &part.labels(), classes)
    };
    let majority = Baseline {
        name: "majority",
        val: constant(validation),
        test: constant(test),
    };

    // What edgefit fits by itself does not change with the recipe, but for the seed.
    let recipe = StageRecipe {
        // Thousands of raw inputs want smaller steps than features do.
        rate: 3e-4,
        ..Recipe::default().probe
    };
    let labels = training.labels();
    let weights = class_weights(&labels, classes);
    let graph = linear(
        3 * (THUMBNAIL * THUMBNAIL) as usize,
        &log_prior_bias(&labels, &weights),
    );
    let train_targets = Targets::of_classes(&labels, &weights);
    let val_targets = Targets::of_classes(&validation.labels(), &weights);
    observer.begin("raw pixels", (recipe.epochs * labels.len()) as u64);
    let fitted = fit(
        &Problem {
            graph: &graph,
            trained: &[("weight".to_owned(), 1.0), ("bias".to_owned(), 1.0)].into(),
            train: &training.pixels(),
            train_targets: &train_targets,
            val: &validation.pixels(),
            val_targets: &val_targets,
            recipe: &recipe,
            sampling: Sampling::Shuffled,
            seed,
            stage: StageName::Probe,
        },
        observer,
    )?;
    observer.end();
    let module = fitted.module(&graph)?;
    let measured = |part: &PartSamples| -> Result<Metrics> {
        let targets = Targets::of_classes(&part.labels(), &weights);
        let (logits, _) = evaluate(&graph, &module, &part.pixels(), &targets, recipe.batch)?;
        Ok(Metrics::of(&logits, &part.labels(), classes))
    };
    let pixels = Baseline {
        name: "raw pixels",
        val: measured(validation)?,
        test: measured(test)?,
    };
    Ok(vec![majority, pixels])
}
