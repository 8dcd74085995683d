//! The search: survey, finalists, the chosen one on the test samples.

use std::path::{Path, PathBuf};
use std::time::Instant;

use edgefit_base::file::{create_folder, write_atomically};
use edgefit_base::{file, schema};
use edgefit_cost::{Check, judge};
use edgefit_device::ElementType;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_train::{Exported, Observer};

use crate::candidate::{AccuracyBasis, Candidate, front};
use crate::error::{Error, Result};
use crate::finalist::{Round, Trained, has_second_round, train};
use crate::footprint::Footprint;
use crate::front_svg::front_svg;
use crate::job::FitJob;
use crate::network::Network;
use crate::report::{Baseline, Finalist, Report, Timing};
use crate::select::{best, by_depth, by_resolution, nearest};
use crate::survey::{Surveyed, survey};
use crate::target::Target;
use crate::teacher::{train_teacher, wants_teacher};

/// Networks that are trained for their score, besides baselines.
const FIRST: usize = 4;

/// Networks that are trained to the end.
const SECOND: usize = 2;

/// What is searched for, in the folder of the search.
const JOB: &str = "fit-job.json";

/// Schema of that file.
const JOB_SCHEMA: &str = "edgefit.fit-job/1";

/// The report of a search in its folder.
const REPORT: &str = "fit.json";

/// The picture of the front.
const PICTURE: &str = "front.svg";

/// Searches for what `job` asks for, in a new folder.
///
/// # Errors
/// [`Error::NothingFits`] where no network keeps the budgets; [`Error::Run`] where something is in the folder
/// already; what is wrong with the data, a backbone or the training.
pub fn fit(job: &FitJob, observer: &mut dyn Observer) -> Result<Report> {
    let taken = std::fs::read_dir(&job.run).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        let is_search = job.run.join(JOB).exists();
        return Err(Error::Run {
            path: job.run.clone(),
            problem: if is_search {
                format!(
                    "holds a search; go on with `edgefit fit --resume {}`, or choose another folder with -o",
                    job.run.display()
                )
            } else {
                "is not empty; choose another folder with -o".to_owned()
            },
        });
    }
    create_folder(&job.run)?;
    write_json(&job.run.join(JOB), JOB_SCHEMA, job)?;
    search(job, observer)
}

/// Goes on with the search in a folder. What was computed before is not computed again.
///
/// # Errors
/// As [`fit`], and [`Error::Run`] where no search is in the folder.
pub fn resume(run: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let path = run.join(JOB);
    let problem = |problem: String| Error::Run {
        path: path.clone(),
        problem,
    };
    let text = file::read_to_string(&path).map_err(|error| {
        problem(format!(
            "cannot be read ({error}); there is no search to go on with"
        ))
    })?;
    let job: FitJob =
        schema::from_json(&text, JOB_SCHEMA).map_err(|error| problem(error.to_string()))?;
    let job = FitJob {
        run: run.to_path_buf(),
        ..job
    };
    search(&job, observer)
}

fn search(job: &FitJob, observer: &mut dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let surveyed = survey(job, observer)?;
    let survey_ns = nanoseconds(started);
    let clock = Instant::now();
    let has_fitting = surveyed.networks.iter().any(|network| network.fits());
    let teacher = if has_fitting && wants_teacher(job) && !observer.stop() {
        Some(train_teacher(job, &surveyed, observer)?)
    } else {
        None
    };
    let mut found = Found {
        job,
        surveyed: &surveyed,
        teacher,
        trained: Vec::new(),
    };
    found.train_finalists(observer)?;
    let finalists_ns = nanoseconds(clock);
    let Some(chosen) = found.chosen() else {
        return Err(found.nothing_fits());
    };
    let timing = Timing {
        survey_ns,
        finalists_ns,
        total_ns: 0,
    };
    let report = found.report(chosen, timing, started, observer)?;
    let svg = front_svg(&report);
    write(&job.run.join(PICTURE), svg.as_bytes())?;
    write_json(&job.run.join(REPORT), Report::SCHEMA, &report)?;
    Ok(report)
}

/// What a search has found so far.
struct Found<'a> {
    job: &'a FitJob,
    surveyed: &'a Surveyed,
    /// File of the model that teaches the finalists.
    teacher: Option<PathBuf>,
    trained: Vec<(Round, Trained)>,
}

impl Found<'_> {
    /// Trains the networks with the best scores and the baselines in the first round, the best of them to the
    /// end (successive halving, Jamieson & Talwalkar 2016).
    fn train_finalists(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let networks = &self.surveyed.networks;
        let mut first = best(networks, self.job.enough, FIRST);
        for baseline in [by_resolution(networks), by_depth(networks)] {
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
                    observer.warn(&format!(
                        "{} is left out of the finalists: {error}",
                        self.scored(network, &network.footprints[0]).name()
                    ));
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) if self.trained.is_empty() => Err(error),
            _ => Ok(()),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.trained.iter().any(|(_, trained)| trained.interrupted)
    }

    /// The order of two trained networks, the better one first: where an accuracy is enough and both reach
    /// it, the smaller; else the more accurate.
    fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
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
            (true, _) => std::cmp::Ordering::Less,
            (_, true) => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        }
    }

    /// The best of all that was trained.
    fn chosen(&self) -> Option<usize> {
        (0..self.trained.len()).min_by(|&a, &b| self.compare(a, b))
    }

    fn nothing_fits(&self) -> Error {
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
        Candidate::scored(network, footprint, backbone.clone())
    }

    /// A trained network in its most accurate form.
    fn measured(&self, trained: &Trained) -> Candidate {
        let network = &self.surveyed.networks[trained.network];
        let form = &trained.forms[0];
        let mut footprints = network.fitting();
        let footprint = footprints
            .find(|footprint| footprint.element_type == form.element_type)
            .unwrap_or(&network.footprints[0]);
        Candidate {
            accuracy: Some(form.accuracy),
            samples: trained.samples,
            basis: Some(AccuracyBasis::Trained),
            ..self.scored(network, footprint)
        }
    }

    /// Every network in every form, with what is known best of it.
    fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (at, network) in self.surveyed.networks.iter().enumerate() {
            let of = |(_, trained): &&(Round, Trained)| trained.network == at;
            let last = self.trained.iter().rfind(of);
            for footprint in &network.footprints {
                let scored = self.scored(network, footprint);
                let form = last.and_then(|(_, trained)| {
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

    fn baselines(&self) -> Vec<Baseline> {
        let networks = &self.surveyed.networks;
        let best = [
            ("resolution alone", by_resolution(networks)),
            ("depth alone", by_depth(networks)),
        ];
        let candidate = |at: usize| {
            let of = |(_, trained): &&(Round, Trained)| trained.network == at;
            match self.trained.iter().rfind(of) {
                Some((_, trained)) => Some(self.measured(trained)),
                None => {
                    let footprint = networks[at].fitting().next()?;
                    Some(self.scored(&networks[at], footprint))
                }
            }
        };
        best.into_iter()
            .map(|(name, at)| Baseline {
                name,
                candidate: at.and_then(candidate),
            })
            .collect()
    }

    /// Reads the test samples for the chosen network, and puts its model into the folder of the search.
    fn report(
        &self,
        chosen: usize,
        timing: Timing,
        started: Instant,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        let (_, trained) = &self.trained[chosen];
        let training = edgefit_train::resume(&trained.run, observer)?;
        let form = trained.forms[0].element_type;
        let (made, test) = match (&training.int8, form) {
            (Some(int8), ElementType::Int8) => (&int8.exported, int8.test_metrics.as_ref()),
            _ => (&training.exported, None),
        };
        let test = test.unwrap_or(&training.test).clone();
        let name = made.path.file_name().unwrap_or_default();
        let path = self.job.run.join(name);
        let bytes = file::read(&made.path).map_err(|error| Error::Run {
            path: made.path.clone(),
            problem: format!("cannot be read ({error})"),
        })?;
        write(&path, &bytes)?;
        let candidates = self.candidates();
        let finalists = self.trained.iter().map(|(round, trained)| Finalist {
            candidate: self.measured(trained),
            round: match round {
                Round::First => 1,
                Round::Second => 2,
            },
            loss: trained.forms[0].loss,
            folder: trained.run.clone(),
        });
        let profile = &self.job.target.profile;
        Ok(Report {
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
            baselines: self.baselines(),
            finalists: finalists.collect(),
            remarks: self.surveyed.remarks.clone(),
            test,
            check: checked(&path, &self.job.target)?,
            exported: Exported {
                sha256: made.sha256.clone(),
                path,
            },
            interrupted: training.interrupted || self.is_interrupted(),
            training,
            timing: Timing {
                total_ns: nanoseconds(started),
                ..timing
            },
        })
    }
}

/// What the model in a file takes of the target.
fn checked(path: &Path, target: &Target) -> Result<Check> {
    let graph = Graph::load(path)?;
    let shapes = InputShapes::bind(&graph, 1, None)?;
    Ok(judge(&graph, &shapes, &target.request())?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(write_atomically(path, |file| file.write_all(bytes))?)
}

fn write_json(path: &Path, schema: &str, content: &impl serde::Serialize) -> Result<()> {
    let text = schema::to_json(schema, content).map_err(|error| Error::Run {
        path: path.to_path_buf(),
        problem: error.to_string(),
    })?;
    write(path, text.as_bytes())
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
