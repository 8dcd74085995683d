//! The checks before the first step (EF07, EF08, EF15, EF19 and those of the preflight).

use edgefit_data::{Content, Split, Splits, equal_samples, near_duplicates};
use edgefit_graph::Task;
use edgefit_guards::{
    Findings, ef07_class_balance, ef08_evaluation, ef15_augmentation, ef19_transfer,
};

use crate::config::recipe::{ClassWeighting, Sampling};
use crate::error::Result;
use crate::guards::evidence::Evidence;
use crate::guards::layers;
use crate::prepare::model::Model;

impl Evidence<'_> {
    /// Runs all checks that come before the first step. Gives the learning rate that the first stage
    /// needs, where it is not the recipe's.
    ///
    /// # Errors
    /// The model cannot be run.
    pub fn before_training(&self, model: &Model, findings: &mut Findings) -> Result<Option<f64>> {
        let Splits { train, val, test } = self.splits;
        let recipe = &self.job.recipe;
        findings.record(ef19_transfer::check_start(ef19_transfer::Start {
            pretrained: !self.untrained_backbone,
            samples: train.samples.len(),
        }));
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
        let augmented = !self.job.strongest_augmentation().is_off();
        if self.dataset.has_images() {
            let samples = train.samples.len();
            let amount = ef15_augmentation::Amount { samples, augmented };
            findings.record(ef15_augmentation::check_amount(amount));
        }
        if augmented {
            let similarities = self.similarities(model)?;
            findings.record(ef15_augmentation::check_kind(&similarities));
        }
        findings.record(layers::convolutions(&model.graph));
        for finding in self.activations(model)? {
            findings.record(finding);
        }
        // A head that is trained already does not begin at the prior, nor at a learning rate for new ones.
        if self.job.keeps_head() {
            return Ok(None);
        }
        self.preflight(model, findings)
    }

    /// Held-out samples that are in an earlier split, too.
    fn leak(&self) -> ef08_evaluation::Leak {
        let all = || self.splits.iter();
        let split_of: Vec<Split> = all()
            .flat_map(|(split, samples)| vec![split; samples.samples.len()])
            .collect();
        let samples = || all().flat_map(|(_, samples)| &samples.samples);
        let images = self.dataset.has_images();
        let found = if images {
            let thumbnails = all().flat_map(|(_, samples)| samples.thumbnails());
            let thumbnails: Vec<_> = thumbnails.collect();
            let classes: Vec<usize> = samples().map(|sample| sample.class).collect();
            near_duplicates(&thumbnails, &classes, &split_of)
        } else {
            let values = samples().map(|sample| match &sample.content {
                Content::Values(values) => values.as_slice(),
                Content::Image(_) => &[],
            });
            equal_samples(&values.collect::<Vec<_>>(), &split_of)
        };
        let names: Vec<&String> = samples().map(|sample| &sample.relative).collect();
        let pairs = found.iter();
        let pairs = pairs.map(|near| [names[near.b].clone(), names[near.a].clone()]);
        ef08_evaluation::Leak {
            noun: if images { "images" } else { "samples" },
            held_out: split_of.len() - self.splits.train.samples.len(),
            by_chance: if images {
                ef08_evaluation::ALIKE_BY_CHANCE
            } else {
                0.0
            },
            pairs: pairs.collect(),
        }
    }
}
