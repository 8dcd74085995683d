//! What a search says in the end: every candidate, the baselines, and the chosen network on the test samples.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use edgefit_base::file::{self, WriteError};
use edgefit_base::units::format::{milliseconds, percent};
use edgefit_cost::Check;
use edgefit_train::{Exported, MODEL, Observer};

use crate::candidate::{AccuracyBasis, Candidate, front};
use crate::error::{Error, Result};
use crate::finalists::Finalists;
use crate::footprint::{Footprint, is_likely};
use crate::network::Network;
use crate::quiet::Finishing;
use crate::report::{Baseline, Finalist, Report, Results, Timing};
use crate::select::{baselines, nearest};
use crate::tested::Tested;
use crate::train_finalist::Trained;
use crate::written::{nanoseconds, write};

/// Names of the model of a search, in floats and in integers: those that its run has.
const MODELS: [&str; 2] = [MODEL, "model-int8.onnx"];

impl Finalists<'_> {
    /// That nothing fits, with the network that comes nearest.
    pub fn nothing_fits(&self) -> Error {
        match nearest(&self.surveyed.networks) {
            Some(network) => {
                let least = network
                    .footprints
                    .iter()
                    .min_by(|a, b| a.share.total_cmp(&b.share));
                let candidate = least.map(|footprint| self.scored(network, footprint));
                candidate.map_or_else(
                    || Error::Choice("the engine runs no form of the networks".into()),
                    |candidate| Error::NothingFits(Box::new(candidate)),
                )
            }
            None => Error::Choice("there are no networks to search in".into()),
        }
    }

    fn scored(&self, network: &Network, footprint: &Footprint) -> Candidate {
        let backbone = &self.job.backbones[network.backbone];
        network.candidate(footprint, backbone.clone())
    }

    /// A trained network in the form that counts.
    fn measured(&self, trained: &Trained) -> Candidate {
        let network = &self.surveyed.networks[trained.network];
        let form = self.form(trained);
        let footprint = network.fitting_as(form.element_type);
        let footprint = footprint.unwrap_or(&network.footprints[0]);
        Candidate {
            accuracy: Some(form.accuracy),
            samples: trained.samples,
            basis: Some(AccuracyBasis::Trained),
            ..self.scored(network, footprint)
        }
    }

    /// Every network in every form, with what is known best of it; `trained` in the order in which it counts.
    fn candidates(&self, trained: &[&Trained]) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (at, network) in self.surveyed.networks.iter().enumerate() {
            for footprint in &network.footprints {
                let scored = self.scored(network, footprint);
                let mut own = trained.iter().filter(|trained| trained.network == at);
                let form = own.find_map(|trained| {
                    let mut forms = trained.forms.iter();
                    let form = forms.find(|form| form.element_type == footprint.element_type)?;
                    Some((form, trained.samples))
                });
                candidates.push(match form {
                    Some((form, samples)) => Candidate {
                        accuracy: Some(form.accuracy),
                        samples,
                        basis: Some(AccuracyBasis::Trained),
                        ..scored
                    },
                    None => scored,
                });
            }
        }
        candidates
    }

    /// What simpler ways reach; `trained` in the order in which it counts.
    fn baselines(&self, trained: &[&Trained]) -> Vec<Baseline> {
        let networks = &self.surveyed.networks;
        let candidate = |at: usize| match trained.iter().find(|trained| trained.network == at) {
            Some(trained) => Some(self.measured(trained)),
            None => {
                let footprint = networks[at].fitting().next()?;
                Some(self.scored(&networks[at], footprint))
            }
        };
        baselines(networks)
            .into_iter()
            .map(|(name, at)| Baseline {
                name: name.to_owned(),
                candidate: at.and_then(candidate),
            })
            .collect()
    }

    /// Reads the test samples for the chosen network, unless its run has, and puts its model into the folder of the
    /// search.
    ///
    /// # Errors
    /// A sample can no longer be read, or a file not be written.
    pub fn report(
        &self,
        chosen: usize,
        timing: Timing,
        started: Instant,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let trained = &self.trained[chosen];
        let mut finishing = Finishing {
            observer,
            may_stop: trained.interrupted,
        };
        let tested = Tested::of(&trained.run, &mut finishing)?;
        let (made, test) = tested.form(self.form(trained).element_type);
        let name = made.path.file_name().unwrap_or_default();
        let path = publish(&trained.run.join(name), &self.job.run)?;
        let order = self.by_weight(Some(chosen)).into_iter();
        let by_weight: Vec<&Trained> = order.map(|at| &self.trained[at]).collect();
        let candidates = self.candidates(&by_weight);
        let expected = self.expected();
        let finalists = self.trained.iter().zip(expected);
        let finalists = finalists.map(|(trained, expected)| Finalist {
            expected,
            candidate: self.measured(trained),
            stages: trained.stages.clone(),
            loss: self.form(trained).loss,
            folder: trained.run.clone(),
        });
        let profile = &self.job.target.profile;
        let check = self.job.target.check(&path)?;
        let finalists: Vec<Finalist> = finalists.collect();
        let baselines = self.baselines(&by_weight);
        let mut remarks = self.surveyed.remarks.clone();
        remarks.extend(likely_time(&check));
        let most_expected = self.ranked().first().map(|&at| &finalists[at]);
        remarks.extend(most_expected.and_then(|first| passed_over(first, &finalists[chosen])));
        let results = Results {
            run: self.job.run.clone(),
            data: self.job.training.data.clone(),
            classes: self.surveyed.classes.clone(),
            device: profile.name.clone(),
            engine: profile
                .engines
                .first()
                .map(|engine| engine.name.to_string()),
            target: self.job.enough,
            chosen: self.measured(trained),
            front: front(&candidates),
            candidates,
            baselines,
            finalists,
            remarks,
            test: test.clone(),
            exported: Exported {
                sha256: made.sha256.clone(),
                path,
            },
            interrupted: tested.interrupted || self.stopped,
            training: tested.report,
            timing: Timing {
                total_ns: nanoseconds(started),
                ..timing
            },
        };
        Ok(Report {
            results,
            check,
            planned_for: self.job.target.for_project(),
        })
    }
}

/// Copies the model of a run into the folder of the search. One of the other form, of a network that was the best
/// when the search was ended before, goes.
///
/// # Errors
/// A file cannot be read, written or removed.
fn publish(model: &Path, run: &Path) -> Result<PathBuf> {
    let name = model.file_name().unwrap_or_default();
    let path = run.join(name);
    let bytes = file::read(model).map_err(|error| Error::Run {
        path: model.to_path_buf(),
        problem: format!("cannot be read ({error})"),
    })?;
    write(&path, &bytes)?;
    for other in MODELS.iter().filter(|other| name != **other) {
        let path = run.join(other);
        if let Err(source) = std::fs::remove_file(&path)
            && source.kind() != ErrorKind::NotFound
        {
            return Err(WriteError { path, source }.into());
        }
    }
    Ok(path)
}

/// What is said where more is expected of another network, the `first`, than of the one that was chosen.
fn passed_over(first: &Finalist, chosen: &Finalist) -> Option<String> {
    let is_chosen = first.folder == chosen.folder;
    let share = |finalist: &Finalist| finalist.candidate.accuracy.map(percent);
    let (first_share, chosen_share) = (share(first)?, share(chosen)?);
    (!is_chosen).then(|| {
        format!(
            "by their scores, {} is to be expected of {} and {} of {}; but on the {} validation samples a simpler way is \
             better than the former ({first_share}), and none than the latter ({chosen_share}), which was chosen",
            percent(first.expected),
            first.candidate.name(),
            percent(chosen.expected),
            chosen.candidate.name(),
            chosen.candidate.samples
        )
    })
}

/// What is said where a run is likely to take less than its limit, and may take more.
fn likely_time(check: &Check) -> Option<String> {
    let figure = check.latency.as_ref()?;
    let of_time = check
        .budgets
        .iter()
        .find(|budget| is_likely(check, budget))?;
    Some(format!(
        "whether {} keeps the limit is not certain: {}, likely {}; `edgefit device probe` on the device, or `edgefit \
         check --measure --remote HOST`, makes it so",
        check.device,
        of_time.explanation,
        milliseconds(figure.ns?)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::tests::candidate;

    #[test]
    fn the_model_takes_the_place_of_one_in_another_form() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a/model.onnx", "b/model-int8.onnx"].map(|name| {
            let model = folder.path().join(name);
            std::fs::create_dir(model.parent().unwrap()).unwrap();
            std::fs::write(&model, name).unwrap();
            model
        });
        let float = publish(&first, folder.path()).unwrap();
        assert!(float.exists());
        let int8 = publish(&second, folder.path()).unwrap();
        assert_eq!(std::fs::read(&int8).unwrap(), b"b/model-int8.onnx");
        assert!(!float.exists() && first.exists());
    }

    #[test]
    fn that_more_was_expected_of_another_is_said() {
        let finalist = |side: usize, accuracy: f64, expected: f64| Finalist {
            candidate: Candidate {
                resolution: Some(side),
                ..candidate(1, 1, accuracy)
            },
            stages: Vec::new(),
            expected,
            loss: 0.0,
            folder: side.to_string().into(),
        };
        let (first, chosen) = (finalist(96, 0.9, 0.92), finalist(80, 0.95, 0.91));
        assert_eq!(passed_over(&first, &first), None);
        assert_eq!(
            passed_over(&first, &chosen).as_deref(),
            Some(
                "by their scores, 92.0 % is to be expected of a 96×96, int8 and 91.0 % of a 80×80, int8; but on the 100 \
                 validation samples a simpler way is better than the former (90.0 %), and none than the latter \
                 (95.0 %), which was chosen"
            )
        );
    }
}
