//! [`Finalists`]: which networks a search trains, how far, and which of them is best.

use std::cmp::Ordering;
use std::path::PathBuf;

use edgefit_train::Observer;

use crate::error::Result;
use crate::expected::{Evidence, expected};
use crate::figures::Form;
use crate::job::FitJob;
use crate::select::{baselines, best};
use crate::survey::Surveyed;
use crate::train_finalist::{Round, Trained, has_second_round, train};

/// Networks that are trained for their score, besides baselines.
const FIRST: usize = 4;

/// Networks that are trained to the end.
const SECOND: usize = 2;

/// What a search has trained so far.
pub struct Finalists<'a> {
    /// What is searched for.
    pub job: &'a FitJob,
    /// All networks.
    pub surveyed: &'a Surveyed,
    /// File of the model that teaches the finalists.
    pub teacher: Option<PathBuf>,
    /// What was trained, in its order.
    pub trained: Vec<Trained>,
    /// Whether the user ended it before all were trained.
    pub stopped: bool,
}

impl Finalists<'_> {
    /// Trains the networks with the best scores and the baselines in the first round, the best of them to the
    /// end (successive halving, Jamieson & Talwalkar 2016).
    ///
    /// # Errors
    /// None of them can be trained, or what keeps one from it would keep any.
    pub fn train_finalists(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let networks = &self.surveyed.networks;
        let mut first = best(networks, self.job.enough, FIRST);
        for (_, baseline) in baselines(networks) {
            first.extend(baseline.filter(|at| !first.contains(at)));
        }
        self.train_round(&first, Round::First, observer)?;
        if !has_second_round(&self.job.training) || self.stopped {
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
            if observer.stop() {
                self.stopped = true;
                break;
            }
            let teacher = self.teacher.as_deref();
            match train(self.job, self.surveyed, (at, round), teacher, observer) {
                Ok(trained) => {
                    self.stopped |= trained.interrupted;
                    // Before its first epoch there is nothing of it; where it fits in int8 alone, before its last stage.
                    if !trained.forms.is_empty() {
                        self.trained.push(trained);
                    }
                }
                Err(error) if error.ends_search() => return Err(error),
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
            Some(error) if self.trained.is_empty() && !self.stopped => Err(error),
            _ => Ok(()),
        }
    }

    /// The form of a trained network that counts: where an accuracy is enough, the one that takes least of those
    /// that reach it, else the most accurate.
    pub fn form<'t>(&self, trained: &'t Trained) -> &'t Form {
        let forms = trained.forms.iter().filter(|form| self.reaches(form));
        let least = forms.min_by(|a, b| {
            let share = |form: &Form| self.share(trained, form);
            share(a).total_cmp(&share(b))
        });
        least.unwrap_or(&trained.forms[0])
    }

    /// Whether an accuracy is enough, and a form has it.
    fn reaches(&self, form: &Form) -> bool {
        let enough = self.job.enough;
        enough.is_some_and(|enough| form.accuracy >= enough)
    }

    /// The share of a budget that a trained network takes in a form.
    fn share(&self, trained: &Trained, form: &Form) -> f64 {
        let network = &self.surveyed.networks[trained.network];
        let footprint = network.fitting_as(form.element_type);
        footprint.map_or(f64::INFINITY, |footprint| footprint.share)
    }

    /// The accuracy that is to be expected of each that was trained.
    pub fn expected(&self) -> Vec<f64> {
        let evidence = self.trained.iter().map(|trained| Evidence {
            accuracy: self.form(trained).accuracy,
            samples: trained.samples,
            score: self.surveyed.networks[trained.network].accuracy(),
        });
        expected(&evidence.collect::<Vec<_>>())
    }

    /// What was trained, the best first: where an accuracy is enough, those that reach it from the smallest;
    /// then by the accuracy that is to be expected, and of equals by the loss.
    pub fn ranked(&self) -> Vec<usize> {
        let expected = self.expected();
        let form = |at: usize| self.form(&self.trained[at]);
        let reaches = |at: usize| self.reaches(form(at));
        let share = |at: usize| self.share(&self.trained[at], form(at));
        let mut order: Vec<usize> = (0..self.trained.len()).collect();
        order.sort_by(|&a, &b| match (reaches(a), reaches(b)) {
            (true, true) => share(a).total_cmp(&share(b)),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                let by_accuracy = expected[b].total_cmp(&expected[a]);
                by_accuracy.then(form(a).loss.total_cmp(&form(b).loss))
            }
        });
        order
    }

    /// What was trained, in the order in which it counts for its network: first what was `chosen`, then what came to
    /// its end, of equals the better.
    pub fn by_weight(&self, chosen: Option<usize>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.trained.len()).collect();
        order.sort_by(|&a, &b| {
            let rest = |at: usize| (Some(at) != chosen, self.trained[at].interrupted);
            let form = |at: usize| self.form(&self.trained[at]);
            let by_form = form(a).best_first(form(b));
            rest(a).cmp(&rest(b)).then(by_form)
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
        let order = self.by_weight(None);
        let trained = |network: usize| {
            let mut order = order.iter().copied();
            order.find(|&at| self.trained[at].network == network)
        };
        let simpler = baselines(&self.surveyed.networks).into_iter();
        let simpler: Vec<usize> = simpler
            .filter_map(|(_, network)| trained(network?))
            .collect();
        let accuracies = self.trained.iter().map(|one| self.form(one).accuracy);
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
    use edgefit_device::ElementType;

    use super::*;
    use crate::job::tests::job;
    use crate::quiet::tests::Stopping;
    use crate::select::tests::network;

    fn surveyed() -> Surveyed {
        let mut both = network(128, None, 0.9, 0.8);
        both.footprints[0].element_type = ElementType::F32;
        let int8 = network(128, None, 0.2, 0.8).footprints;
        both.footprints.extend(int8);
        Surveyed {
            classes: Vec::new(),
            networks: vec![network(96, None, 0.5, 0.7), both],
            remarks: Vec::new(),
        }
    }

    fn trained(network: usize, forms: &[(ElementType, f64)]) -> Trained {
        let form = |&(element_type, accuracy): &(ElementType, f64)| Form {
            element_type,
            accuracy,
            loss: 1.0,
        };
        Trained {
            network,
            run: PathBuf::new(),
            stages: Vec::new(),
            forms: forms.iter().map(form).collect(),
            samples: 100,
            interrupted: false,
        }
    }

    #[test]
    fn where_an_accuracy_is_enough_the_form_that_reaches_it_and_takes_least_is_chosen() {
        let surveyed = surveyed();
        let chosen = |int8: f64| {
            let mut job = job("run".as_ref());
            job.enough = Some(0.8);
            let found = Finalists {
                job: &job,
                surveyed: &surveyed,
                teacher: None,
                trained: vec![
                    trained(0, &[(ElementType::Int8, 0.85)]),
                    trained(1, &[(ElementType::F32, 0.9), (ElementType::Int8, int8)]),
                ],
                stopped: false,
            };
            let chosen = found.chosen().unwrap();
            (chosen, found.form(&found.trained[chosen]).element_type)
        };
        assert_eq!(chosen(0.81), (1, ElementType::Int8));
        // Its small form does not reach it, and its large one takes more than the other network.
        assert_eq!(chosen(0.79), (0, ElementType::Int8));
    }

    #[test]
    fn of_the_runs_of_a_network_the_best_counts_that_came_to_its_end_and_first_what_was_chosen() {
        let (job, surveyed) = (job("run".as_ref()), surveyed());
        let ended = |accuracy: f64, interrupted: bool| Trained {
            interrupted,
            ..trained(0, &[(ElementType::Int8, accuracy)])
        };
        let found = Finalists {
            job: &job,
            surveyed: &surveyed,
            teacher: None,
            trained: vec![ended(0.8, false), ended(0.7, false), ended(0.9, true)],
            stopped: true,
        };
        assert_eq!(found.by_weight(None), [0, 1, 2]);
        assert_eq!(found.by_weight(Some(1)), [1, 0, 2]);
    }

    #[test]
    fn no_network_is_begun_once_the_user_has_ended_the_search() {
        let folder = tempfile::tempdir().unwrap();
        let (job, surveyed) = (job(folder.path()), surveyed());
        let mut found = Finalists {
            job: &job,
            surveyed: &surveyed,
            teacher: None,
            trained: Vec::new(),
            stopped: false,
        };
        found.train_finalists(&mut Stopping).unwrap();
        assert!(found.stopped && found.trained.is_empty());
        assert!(!folder.path().join("finalists").exists());
    }

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
