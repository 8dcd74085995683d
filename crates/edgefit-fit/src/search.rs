//! The search: survey, finalists, the chosen one on the test samples.

use std::path::{Path, PathBuf};
use std::time::Instant;

use edgefit_base::file::create_folder;
use edgefit_base::{file, schema};
use edgefit_train::{Observer, Survey};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::found::Found;
use crate::front_svg::front_svg;
use crate::job::FitJob;
use crate::narrow::narrow;
use crate::network::Network;
use crate::report::{Report, Timing};
use crate::survey::survey;
use crate::teacher::{train_teacher, wants_teacher};
use crate::written::{nanoseconds, write, write_json};

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
    begin(job)?;
    search(job, observer)
}

/// Goes on with the search in a folder. What was computed before is not computed again.
///
/// # Errors
/// As [`fit`], and [`Error::Run`] where no search is in the folder.
pub fn resume(run: &Path, observer: &mut dyn Observer) -> Result<Report> {
    let job = begun(run)?;
    if is_over(&run.join(REPORT)) {
        return Err(Error::Run {
            path: run.to_path_buf(),
            problem: "holds a search that is over: its fit.json is there".into(),
        });
    }
    search(&job, observer)
}

/// The searches in the folders of a folder, by name.
pub fn searches_in(run: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(run).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path());
    let mut searches: Vec<PathBuf> = folders.filter(|folder| is_begun(folder)).collect();
    searches.sort();
    searches
}

fn is_begun(run: &Path) -> bool {
    run.join(JOB).exists()
}

/// Refuses a folder in which something is.
///
/// # Errors
/// [`Error::Run`].
pub fn ensure_empty(run: &Path) -> Result<()> {
    let taken = std::fs::read_dir(run).is_ok_and(|mut entries| entries.next().is_some());
    if !taken {
        return Ok(());
    }
    Err(Error::Run {
        path: run.to_path_buf(),
        problem: if is_begun(run) || !searches_in(run).is_empty() {
            format!(
                "holds a search; go on with `edgefit fit --resume {}`, or choose another folder with -o",
                run.display()
            )
        } else {
            "is not empty; choose another folder with -o".to_owned()
        },
    })
}

/// Writes what is searched for into a new folder.
///
/// # Errors
/// [`Error::Run`] where something is in the folder already, or it cannot be written.
pub fn begin(job: &FitJob) -> Result<()> {
    ensure_empty(&job.run)?;
    create_folder(&job.run)?;
    write_json(&job.run.join(JOB), JOB_SCHEMA, job)
}

/// What is searched for in a folder.
///
/// # Errors
/// [`Error::Run`] where no search is in the folder.
pub fn begun(run: &Path) -> Result<FitJob> {
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
    Ok(FitJob {
        run: run.to_path_buf(),
        ..job
    })
}

/// Searches, in a folder where that began.
///
/// # Errors
/// As [`fit`].
pub fn search(job: &FitJob, observer: &mut dyn Observer) -> Result<Report> {
    let started = Instant::now();
    let samples = Survey::open(&job.training, observer)?;
    let mut surveyed = survey(job, &samples, observer)?;
    narrow(job, &samples, &mut surveyed, observer)?;
    let survey_ns = nanoseconds(started);
    let clock = Instant::now();
    let has_fitting = surveyed.networks.iter().any(Network::fits);
    let teacher = if has_fitting && wants_teacher(job) && !observer.stop() {
        let made = train_teacher(job, &surveyed, observer);
        let lost =
            |error| observer.warn(&format!("finalists are trained without a teacher: {error}"));
        made.map_err(lost).ok()
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

/// Whether the report in a file is of a search that came to its end.
fn is_over(report: &Path) -> bool {
    #[derive(Deserialize)]
    struct Document {
        interrupted: bool,
    }
    let text = file::read_to_string(report).ok();
    let document = text.and_then(|text| schema::from_json(&text, Report::SCHEMA).ok());
    document.is_some_and(|document: Document| !document.interrupted)
}
