use crate::error::Result;
use crate::events::Observer;
use crate::features::THUMBNAIL;
use crate::head::{self, Recipe};
use crate::job::Job;
use crate::metrics::Metrics;
use crate::parts::PartSamples;
use crate::report::Baseline;

/// The most frequent class, and a linear classifier on small thumbnails.
pub(crate) fn baselines(
    job: &Job,
    parts: &[PartSamples; 3],
    weights: &[f32],
    bias: &[f32],
    observer: &mut dyn Observer,
) -> Result<Vec<Baseline>> {
    let classes = weights.len();
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

    observer.begin("raw pixels", job.recipe.epochs as u64);
    let head = head::linear(3 * (THUMBNAIL * THUMBNAIL) as usize, bias);
    // Thousands of raw inputs want smaller steps than features do.
    let recipe = Recipe {
        rate: job.recipe.rate / 10.0,
        ..job.recipe
    };
    let fit = head::fit(
        &head,
        &training.pixels(),
        &validation.pixels(),
        weights,
        &recipe,
        observer,
    )?;
    observer.end();
    let measured = |part: &PartSamples| -> Result<Metrics> {
        let (logits, _) = head::evaluate(&head, &fit.module, &part.pixels(), weights)?;
        Ok(Metrics::of(&logits, &part.labels(), classes))
    };
    let pixels = Baseline {
        name: "raw pixels",
        val: measured(validation)?,
        test: measured(test)?,
    };
    Ok(vec![majority, pixels])
}
