//! The search: survey, finalists, the chosen one on the test samples.

use std::path::{Path, PathBuf};
use std::slice;
use std::time::Instant;

use edgefit_train::{Lock, Observer, Survey};

use crate::error::{Error, Result};
use crate::finalists::Finalists;
use crate::front_svg::front_svg;
use crate::job::FitJob;
use crate::narrow::narrow;
use crate::network::Network;
use crate::report::{Report, Timing};
use crate::search_folder::{begin, begun, is_over, report_of, take_back};
use crate::survey::{Surveyed, survey};
use crate::teacher::{train_teacher, wants_teacher};
use crate::written::{nanoseconds, write, write_json};

/// The picture of the front.
const PICTURE: &str = "front.svg";

/// Searches for what `job` asks for, in a new folder, which goes again where the search fails before it made anything.
///
/// # Errors
/// [`Error::NothingFits`] where no network keeps the budgets; [`Error::Interrupted`] where the user ended it before
/// a network was chosen; [`Error::Run`] where something is in the folder already; what is wrong with the data, a
/// backbone or the training.
pub fn fit(job: &FitJob, observer: &mut dyn Observer) -> Result<Report> {
    let job = begin(job)?;
    search(&job, observer).inspect_err(|error| {
        if !error.ends_search() {
            take_back(slice::from_ref(&job));
        }
    })
}

/// Goes on with the search in a folder. What was computed before is not computed again.
///
/// # Errors
/// As [`fit`], and [`Error::Run`] where no search is in the folder.
pub fn resume(run: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let job = begun(run)?;
    if is_over(run) {
        return Err(Error::Run {
            path: run.to_path_buf(),
            problem: "holds a search that is over: its fit.json is there".into(),
        });
    }
    search(&job, observer)
}

/// Searches, in a folder where that began.
///
/// # Errors
/// As [`fit`], and where another process writes into the folder.
pub fn search(job: &FitJob, observer: &mut dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let _lock = Lock::take(&job.run)?;
    let samples = Survey::open(&job.training, observer)?;
    let mut surveyed = survey(job, &samples, observer)?;
    narrow(job, &samples, &mut surveyed, observer)?;
    let survey_ns = nanoseconds(started);
    let interrupted = || Error::Interrupted(job.run.clone());
    if observer.stop() {
        // Some of the networks may be missing.
        return Err(interrupted());
    }
    let clock = Instant::now();
    let mut found = Finalists {
        job,
        surveyed: &surveyed,
        teacher: teacher(job, &surveyed, observer)?,
        trained: Vec::new(),
        stopped: false,
    };
    found.train_finalists(observer)?;
    let finalists_ns = nanoseconds(clock);
    let Some(chosen) = found.chosen() else {
        return Err(if found.stopped {
            interrupted()
        } else {
            found.nothing_fits()
        });
    };
    let timing = Timing {
        survey_ns,
        finalists_ns,
        total_ns: 0,
    };
    let report = found.report(chosen, timing, started, observer)?;
    let svg = front_svg(&report.results);
    write(&job.run.join(PICTURE), svg.as_bytes())?;
    write_json(&report_of(&job.run), Report::SCHEMA, &report)?;
    Ok(report)
}

/// The model that teaches the finalists, where they want one and it can be trained.
///
/// # Errors
/// As [`Error::ends_search`].
fn teacher(
    job: &FitJob,
    surveyed: &Surveyed,
    observer: &mut dyn Observer,
) -> Result<Option<PathBuf>> {
    if !wants_teacher(job) || !surveyed.networks.iter().any(Network::fits) {
        return Ok(None);
    }
    match train_teacher(job, surveyed, observer) {
        Ok(teacher) => Ok(Some(teacher)),
        Err(error) if error.ends_search() => Err(error),
        Err(error) => {
            observer.warn(&format!("finalists are trained without a teacher: {error}"));
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::quiet::tests::Stopping;

    #[test]
    fn a_search_that_is_refused_leaves_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        // The data are not there.
        assert!(fit(&job(&run), &mut Stopping).is_err());
        assert!(!run.exists());
    }

    #[test]
    fn a_folder_that_another_process_writes_is_not_searched_in() {
        let folder = tempfile::tempdir().unwrap();
        let other = Lock::take(folder.path()).unwrap();
        let refused = search(&job(folder.path()), &mut Stopping).unwrap_err();
        assert!(refused.ends_search(), "{refused}");
        assert!(refused.to_string().contains("another edgefit"), "{refused}");
        drop(other);
        // The data are not there.
        let refused = search(&job(folder.path()), &mut Stopping).unwrap_err();
        assert!(!refused.ends_search(), "{refused}");
    }
}
