//! [`Found`]: what a search has trained so far, and which of it is best.

use std::cmp::Ordering;
use std::path::PathBuf;

use edgefit_train::Observer;

use crate::error::Result;
use crate::expected::{Evidence, expected};
use crate::finalist::{Round, Trained, has_second_round, train};
use crate::job::FitJob;
use crate::select::{baselines, best};
use crate::survey::Surveyed;

/// Networks that are trained for their score, besides baselines.
const FIRST: usize = 4;

/// Networks that are trained to the end.
const SECOND: usize = 2;

/// What a search has found so far.
pub struct Found<'a> {
    /// What is searched for.
    pub job: &'a FitJob,
    /// All networks.
    pub surveyed: &'a Surveyed,
    /// File of the model that teaches the finalists.
    pub teacher: Option<PathBuf>,
    /// What was trained, in its order.
    pub trained: Vec<Trained>,
}

impl Found<'_> {
    /// Trains the networks with the best scores and the baselines in the first round, the best of them to the
    /// end (successive halving, Jamieson & Talwalkar 2016).
    ///
    /// # Errors
    /// None of them can be trained.
    pub fn train_finalists(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let networks = &self.surveyed.networks;
        let mut first = best(networks, self.job.enough, FIRST);
        for (_, baseline) in baselines(networks) {
            first.extend(baseline.filter(|at| !first.contains(at)));
        }
        self.train_round(&first, Round::First, observer)?;
        if !has_second_round(&self.job.training) || self.is_interrupted() {
            return Ok(());
        }
        let second: Vec<usize> = self
            .ranked()
            .into_iter()
            .map(|at| self.trained[at].network)
            .take(SECOND)
            .collect();
        self.train_round(&second, Round::Second, observer)
    }

    fn train_round(
        &mut self,
        networks: &[usize],
        round: Round,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let mut failed = None;
        for &at in networks {
            if observer.stop() && !self.trained.is_empty() {
                break;
            }
            let teacher = self.teacher.as_deref();
            match train(self.job, self.surveyed, (at, round), teacher, observer) {
                Ok(trained) if !trained.forms.is_empty() => self.trained.push(trained),
                Ok(_) => {}
                Err(error) => {
                    let network = &self.surveyed.networks[at];
                    let backbone = self.job.backbones[network.backbone].clone();
                    let candidate = network.candidate(&network.footprints[0], backbone);
                    let name = candidate.name();
                    observer.warn(&format!("{name} is left out of the finalists: {error}"));
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) if self.trained.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the user ended a training.
    pub fn is_interrupted(&self) -> bool {
        self.trained.iter().any(|trained| trained.interrupted)
    }

    /// The accuracy that is to be expected of each that was trained.
    pub fn expected(&self) -> Vec<f64> {
        let evidence = self.trained.iter().map(|trained| Evidence {
            accuracy: trained.forms[0].accuracy,
            samples: trained.samples,
            score: self.surveyed.networks[trained.network].accuracy(),
        });
        expected(&evidence.collect::<Vec<_>>())
    }

    /// What was trained, the best first: where an accuracy is enough, those that reach it from the smallest;
    /// then by the accuracy that is to be expected, and of equals by the loss.
    pub fn ranked(&self) -> Vec<usize> {
        let expected = self.expected();
        let trained = |at: usize| &self.trained[at];
        let reaches = |at: usize| {
            let enough = self.job.enough;
            enough.is_some_and(|enough| trained(at).forms[0].accuracy >= enough)
        };
        let share = |at: usize| self.surveyed.networks[trained(at).network].share();
        let mut order: Vec<usize> = (0..self.trained.len()).collect();
        order.sort_by(|&a, &b| match (reaches(a), reaches(b)) {
            (true, true) => share(a).total_cmp(&share(b)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                let loss = |at: usize| trained(at).forms[0].loss;
                let by_accuracy = expected[b].total_cmp(&expected[a]);
                by_accuracy.then(loss(a).total_cmp(&loss(b)))
            }
        });
        order
    }

    /// The best of all that was trained; where no accuracy is enough, of those that no simpler way beats on the
    /// validation samples.
    pub fn chosen(&self) -> Option<usize> {
        let ranked = self.ranked();
        if self.job.enough.is_some() {
            return ranked.first().copied();
        }
        let trained = |network: usize| {
            let mut all = self.trained.iter();
            all.rposition(|trained| trained.network == network)
        };
        let simpler = baselines(&self.surveyed.networks).into_iter();
        let simpler: Vec<usize> = simpler
            .filter_map(|(_, network)| trained(network?))
            .collect();
        let accuracies = self.trained.iter().map(|one| one.forms[0].accuracy);
        unbeaten(&ranked, &accuracies.collect::<Vec<_>>(), &simpler)
    }
}

/// The first in the order `ranked` that none of `simpler` is more accurate than.
fn unbeaten(ranked: &[usize], accuracies: &[f64], simpler: &[usize]) -> Option<usize> {
    let best = simpler.iter().map(|&at| accuracies[at]).fold(0.0, f64::max);
    let mut ranked = ranked.iter().copied();
    ranked.find(|&at| accuracies[at] >= best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_simpler_way_beats_is_not_chosen() {
        let ranked = [1, 2, 0, 3];
        assert_eq!(unbeaten(&ranked, &[0.7, 0.9, 0.8, 0.9], &[3]), Some(1));
        assert_eq!(unbeaten(&ranked, &[0.7, 0.9, 0.95, 0.93], &[3, 0]), Some(2));
        assert_eq!(unbeaten(&ranked, &[0.7, 0.9, 0.8, 0.95], &[3]), Some(3));
        assert_eq!(unbeaten(&ranked, &[0.7, 0.9, 0.8, 0.9], &[]), Some(1));
        assert_eq!(unbeaten(&[], &[], &[]), None);
    }
}
