//! [`Found`]: what a search has trained so far, and which of it is best.

use std::cmp::Ordering;
use std::path::PathBuf;

use edgefit_train::Observer;

use crate::candidate::Candidate;
use crate::error::Result;
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
    pub trained: Vec<(Round, Trained)>,
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
        let mut order: Vec<usize> = (0..self.trained.len()).collect();
        order.sort_by(|&a, &b| self.compare(a, b));
        let second: Vec<usize> = order
            .into_iter()
            .map(|at| self.trained[at].1.network)
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
                Ok(trained) if !trained.forms.is_empty() => self.trained.push((round, trained)),
                Ok(_) => {}
                Err(error) => {
                    let network = &self.surveyed.networks[at];
                    let backbone = self.job.backbones[network.backbone].clone();
                    let candidate = Candidate::scored(network, &network.footprints[0], backbone);
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
        self.trained.iter().any(|(_, trained)| trained.interrupted)
    }

    /// The order of two trained networks, the better one first: where an accuracy is enough and both reach
    /// it, the smaller; else the more accurate.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (&self.trained[a].1, &self.trained[b].1);
        let reaches = |trained: &Trained| {
            let enough = self.job.enough;
            enough.is_some_and(|enough| trained.forms[0].accuracy >= enough)
        };
        if reaches(a) && reaches(b) {
            let share = |trained: &Trained| self.surveyed.networks[trained.network].share();
            return share(a).total_cmp(&share(b));
        }
        match (a.forms[0].beats(&b.forms[0]), b.forms[0].beats(&a.forms[0])) {
            (true, _) => Ordering::Less,
            (_, true) => Ordering::Greater,
            _ => Ordering::Equal,
        }
    }

    /// The best of all that was trained.
    pub fn chosen(&self) -> Option<usize> {
        (0..self.trained.len()).min_by(|&a, &b| self.compare(a, b))
    }
}
