//! What the guards are shown of a run.

mod activations;
mod course;
mod layers;
mod preflight;
mod preprocessing;
mod records;
mod search;
mod similarity;

use edgefit_cost::{Check, Verdict};
use edgefit_data::{Content, Dataset, Part, equal_samples, near_duplicates};
use edgefit_engine::EngineName;
use edgefit_verify::Pair;
use edgefit_graph::{Graph, Task};
use edgefit_guards::{
    Findings, ef02_eval_mode, ef07_class_balance, ef08_evaluation, ef15_augmentation,
    ef19_transfer, ef20_hardware,
};

use crate::error::Result;
use crate::job::Job;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::parts::PartSamples;
use crate::preparation::Preparation;
use crate::recipe::{ClassWeighting, Sampling};
use crate::task::Targets;

pub(crate) use course::Course;
pub(crate) use preprocessing::Original;
pub(crate) use records::records;
pub(crate) use search::search;

/// What is there before the first step.
pub(crate) struct Evidence<'a> {
    pub job: &'a Job,
    pub engine: EngineName,
    pub dataset: &'a Dataset,
    pub parts: &'a [PartSamples<'a>; 3],
    pub train_targets: &'a Targets,
}

impl Evidence<'_> {
    /// What can be found before the first step, and the rate that the first stage is to have instead
    /// of the recipe's.
    ///
    /// # Errors
    /// The model cannot be run.
    pub fn before(&self, model: &Model, findings: &mut Findings) -> Result<Option<f64>> {
        let [train, val, test] = self.parts;
        let recipe = &self.job.recipe;
        let pretrained = !layers::fresh(&model.graph);
        findings.record(ef19_transfer::check_scratch(
            pretrained,
            train.samples.len(),
        ));
        if self.dataset.task == Task::Classes {
            let named = self.dataset.classes.iter().cloned().enumerate();
            let counts = ef07_class_balance::Counts {
                classes: named.map(|(at, name)| (name, train.count(at))).collect(),
                weighted: recipe.class_weighting == ClassWeighting::Balanced
                    || recipe.sampling == Sampling::Balanced,
            };
            findings.record(ef07_class_balance::check_counts(&counts));
        }
        findings.record(ef08_evaluation::check_split(ef08_evaluation::Split {
            train: train.samples.len(),
            val: val.samples.len(),
            test: test.samples.len(),
        }));
        findings.record(ef08_evaluation::check_leak(&self.leak()));
        let stages = &self.job.stages;
        let augmented = stages
            .iter()
            .any(|&name| !recipe.augmentation_of(name).is_off());
        if self.dataset.has_images() {
            let amount = ef15_augmentation::check_amount(train.samples.len(), augmented);
            findings.record(amount);
        }
        if augmented {
            let similarities = self.similarities(model)?;
            findings.record(ef15_augmentation::check_kind(&similarities));
        }
        findings.record(layers::convolutions(&model.graph));
        for finding in self.activations(model)? {
            findings.record(finding);
        }
        self.preflight(model, findings)
    }

    /// Held-out samples that are in an earlier part, too.
    fn leak(&self) -> ef08_evaluation::Leak {
        let all = || self.parts.iter().zip([Part::Train, Part::Val, Part::Test]);
        let part_of: Vec<Part> = all()
            .flat_map(|(samples, part)| vec![part; samples.samples.len()])
            .collect();
        let found = match self.dataset.has_images() {
            true => {
                let thumbnails = all().flat_map(|(part, _)| part.thumbnails());
                near_duplicates(&thumbnails.collect::<Vec<_>>(), &part_of)
            }
            false => {
                let samples = all().flat_map(|(part, _)| &part.samples);
                let values = samples.map(|sample| match &sample.content {
                    Content::Values(values) => values.as_slice(),
                    Content::Image(_) => &[],
                });
                equal_samples(&values.collect::<Vec<_>>(), &part_of)
            }
        };
        let name = |nth: usize| {
            let samples = all().flat_map(|(part, _)| &part.samples);
            samples.map(|sample| sample.relative.clone()).nth(nth)
        };
        let [train, ..] = self.parts;
        ef08_evaluation::Leak {
            near_duplicates: found.len(),
            held_out: part_of.len() - train.samples.len(),
            example: found
                .first()
                .and_then(|near| Some((name(near.b)?, name(near.a)?))),
            moved: false,
        }
    }

    /// Some of the training samples, spread over all of them, as the model is shown them.
    fn inputs(&self, preparation: &Preparation, most: usize) -> Result<Vec<Vec<f32>>> {
        let [train, ..] = self.parts;
        let step = train.samples.len().div_ceil(most).max(1);
        let some = train.samples.iter().step_by(step);
        some.map(|sample| preparation.clean(sample)).collect()
    }
}

/// Whether the model that came is in eval mode (EF02).
pub(crate) fn loaded(findings: &mut Findings, graph: &Graph) {
    findings.record(ef02_eval_mode::check_export(&layers::left_in_train_mode(
        graph,
    )));
}

/// Whether the model fits the device (EF20).
pub(crate) fn device(findings: &mut Findings, check: &Check) {
    let tightest = check
        .budgets
        .iter()
        .find(|budget| budget.holds != Some(true));
    let reason = tightest.map_or(String::new(), |budget| budget.place.clone());
    findings.record(ef20_hardware::check(&ef20_hardware::Evidence {
        hardware: check.device.clone(),
        verdict: match check.verdict {
            Verdict::Fits => ef20_hardware::Verdict::Fits,
            Verdict::DoesNotFit => ef20_hardware::Verdict::DoesNotFit { reason, mend: None },
            Verdict::Unknown => ef20_hardware::Verdict::Unknown { reason },
        },
    }));
}

/// Whether what was exported is in eval mode and answers as the trained module does (EF02).
pub(crate) fn export(findings: &mut Findings, before: &Graph, exported: &Graph, parity: &[Pair]) {
    findings.record(ef02_eval_mode::check_export(&layers::left_in_train_mode(
        exported,
    )));
    findings.record(ef02_eval_mode::check_frozen(&layers::frozen(
        before, exported,
    )));
    let with_burn = parity
        .iter()
        .filter(|pair| [pair.a, pair.b].contains(&EngineName::Burn));
    for pair in with_burn {
        findings.record(ef02_eval_mode::check_exported_outputs(
            ef02_eval_mode::Difference {
                max_abs: f64::from(pair.max_abs),
                scale: pair.scale,
            },
        ));
    }
}

/// Whether every class is predicted on the validation samples (EF07).
pub(crate) fn predictions(findings: &mut Findings, classes: &[String], val: &Metrics) {
    let Metrics::Classification(val) = val else {
        return;
    };
    let predicted = |class: usize| val.confusion.iter().map(|row| row[class]).sum();
    let counted = classes.iter().zip(&val.confusion).enumerate();
    let counted = counted
        .map(|(at, (name, row))| (name.clone(), row.iter().sum(), predicted(at)))
        .collect();
    findings.record(ef07_class_balance::check_predictions(
        &ef07_class_balance::Predictions { classes: counted },
    ));
}
