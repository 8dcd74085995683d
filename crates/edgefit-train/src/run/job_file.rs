//! `job.json`: what a run was asked to do, when, and by which edgefit.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use edgefit_base::file::absolute;
use edgefit_base::{file, schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::job::Job;
use crate::error::{Error, Result};
use crate::run::occupant::NEXT;
use crate::run::split_file::SplitFile;

/// Name of the file.
pub(crate) const NAME: &str = "job.json";

/// Name and version of the document.
pub(crate) const SCHEMA: &str = "edgefit.job/3";

/// What a search (`edgefit fit`) is asked to do; the runs that it makes lie in the folder of this file.
pub const SEARCH_JOB: &str = "fit-job.json";

/// When a run began, and by which edgefit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of edgefit.
    pub version: String,
    /// Date and time (RFC 3339, UTC).
    pub started: String,
}

impl Origin {
    /// That of a run that begins now.
    pub(crate) fn now() -> Self {
        let now = OffsetDateTime::from(SystemTime::now());
        let seconds = now.replace_nanosecond(0).unwrap_or(now);
        Origin {
            version: env!("CARGO_PKG_VERSION").into(),
            // A clock beyond the year 9999 has no such form.
            started: seconds.format(&Rfc3339).unwrap_or_default(),
        }
    }
}

/// The job of a run, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobFile {
    #[serde(flatten)]
    pub origin: Origin,
    #[serde(flatten)]
    pub job: Job,
}

impl JobFile {
    /// Paths become absolute, so that the run can be gone on with from anywhere.
    pub fn of(job: &Job, origin: Origin) -> Self {
        let job = Job {
            data: absolute(&job.data),
            backbone: absolute(&job.backbone),
            run: absolute(&job.run),
            cache: absolute(&job.cache),
            teacher: job.teacher.as_deref().map(absolute),
            ..job.clone()
        };
        JobFile { origin, job }
    }

    /// Reads that of the run in `folder`. Where that was moved with a model or the data beside it, they are where they
    /// are now.
    ///
    /// # Errors
    /// There is none, or it is damaged or of another version.
    pub fn load(folder: &Path) -> Result<Self> {
        let fail = |problem: String| Error::Run {
            path: folder.to_path_buf(),
            problem,
        };
        let text = file::read_to_string(&folder.join(NAME)).map_err(|error| {
            fail(format!(
                "holds no run to go on with (job.json: {error}); start one with `edgefit train`"
            ))
        })?;
        let mut file: JobFile = schema::from_json(&text, SCHEMA).map_err(|error| {
            fail(match error {
                schema::Error::OtherSchema { found, .. } => format!(
                    "was written as '{found}', and this edgefit reads {SCHEMA}; go on with the edgefit that wrote it"
                ),
                schema::Error::Json(error) => format!(
                    "has a damaged job.json ({error}); start again in another folder with `edgefit train`"
                ),
            })
        })?;
        let mut now = absolute(folder);
        if now.ends_with(NEXT) && replaces_another(folder) {
            // Its place is that of the run that it is to replace.
            now.pop();
        }
        let job = &mut file.job;
        let read = [&mut job.data, &mut job.backbone].into_iter();
        follow(read.chain(&mut job.teacher), &job.run, &now);
        Ok(file)
    }
}

/// Where the run or search that lay in `was` lies in `now`, names `paths` by where they are now: those that lay in its
/// folder, or in that of the search that the run is of, and those that are no longer where they were.
pub fn follow<'p>(paths: impl IntoIterator<Item = &'p mut PathBuf>, was: &Path, now: &Path) {
    for path in paths {
        if let Some(to) = moved(path, was, now) {
            *path = to;
        }
    }
}

fn moved(path: &Path, mut was: &Path, mut now: &Path) -> Option<PathBuf> {
    let mut is_inside = path.starts_with(was);
    while was.file_name().is_some() && was.file_name() == now.file_name() {
        (was, now) = (was.parent()?, now.parent()?);
        is_inside |= path.starts_with(was) && now.join(SEARCH_JOB).exists();
    }
    // What lay inside went with the folder, whatever lies in its old place now. Of the rest nobody knows.
    if !is_inside && path.exists() {
        return None;
    }
    let to = now.join(path.strip_prefix(was).ok()?);
    to.exists().then_some(to)
}

/// The data that the run in `folder` trained on, and which samples of it were for what.
///
/// # Errors
/// There is no run, or it has no splits yet.
pub fn data_of_run(folder: &Path) -> Result<(PathBuf, SplitFile)> {
    let job = JobFile::load(folder)?.job;
    Ok((job.data, SplitFile::load(&folder.join("splits.json"))?))
}

/// The job of the run in `folder`, of whatever version.
pub(crate) fn of_any_version(folder: &Path) -> Option<Value> {
    let text = file::read_to_string(&folder.join(NAME)).ok()?;
    let job: Value = serde_json::from_str(&text).ok()?;
    let is_ours = job["schema"].as_str()?.starts_with("edgefit.job/");
    is_ours.then_some(job)
}

/// Whether the job of a run lies in `folder`, of whatever version.
pub(crate) fn is_there(folder: &Path) -> bool {
    of_any_version(folder).is_some()
}

/// Whether the job of a run lies in `folder` that is to replace the run in the folder around it. Both may have been
/// moved or copied since it was written; what is then called as `folder` is had that place for its own.
pub(crate) fn replaces_another(folder: &Path) -> bool {
    let job = of_any_version(folder);
    let Some(run) = job.as_ref().and_then(|job| job["run"].as_str()) else {
        return false;
    };
    let run = Path::new(run);
    let is = |place: &Path| match (run.canonicalize(), place.canonicalize()) {
        (Ok(run), Ok(place)) => run == place,
        _ => false,
    };
    folder.parent().is_some_and(is) || (!is(folder) && run.file_name() != folder.file_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_with_its_places_and_says_when_it_began() {
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let mut job = Job::new("data".as_ref(), "m.onnx".as_ref(), device, "run".as_ref());
        job.teacher = Some("teacher.onnx".into());
        job.command = vec!["edgefit".into(), "train".into(), "my data".into()];
        let file = JobFile::of(&job, Origin::now());
        assert!(file.job.data.is_absolute() && file.job.data.ends_with("data"));
        assert!(file.job.teacher.as_ref().unwrap().is_absolute());
        let written = file.origin.started.as_bytes();
        assert!(written.len() == 20 && written.ends_with(b"Z"), "{file:?}");

        let folder = tempfile::tempdir().unwrap();
        assert!(!is_there(folder.path()));
        let text = schema::to_json(SCHEMA, &file).unwrap();
        std::fs::write(folder.path().join(NAME), text).unwrap();
        assert!(is_there(folder.path()));
        assert_eq!(JobFile::load(folder.path()).unwrap(), file);
    }

    #[test]
    fn models_that_were_moved_with_the_folder_around_the_run_are_found_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let (data, backbone) = (at("data"), at("old/runs/a/m.onnx"));
        let mut job = Job::new(&data, &backbone, device, &at("old/runs/a"));
        job.teacher = Some(at("old/t.onnx"));
        std::fs::create_dir_all(&job.run).unwrap();
        for model in [&backbone, &at("old/t.onnx")] {
            std::fs::write(model, "model").unwrap();
        }
        let text = schema::to_json(SCHEMA, &JobFile::of(&job, Origin::now())).unwrap();
        std::fs::write(job.run.join(NAME), text).unwrap();
        std::fs::rename(at("old"), at("new")).unwrap();

        let found = JobFile::load(&at("new/runs/a")).unwrap().job;
        assert_eq!(found.backbone, at("new/runs/a/m.onnx"));
        assert_eq!(found.teacher, Some(at("new/t.onnx")));
        assert_eq!(found.data, data);
    }

    /// Writes the job of a run in `run` on `data`, with a teacher.
    fn write(run: &Path, data: &Path, teacher: &Path) {
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let mut job = Job::new(data, &run.join("m.onnx"), device, run);
        job.teacher = Some(teacher.to_path_buf());
        write_to(run, &job);
    }

    fn write_to(folder: &Path, job: &Job) {
        std::fs::create_dir_all(folder).unwrap();
        let text = schema::to_json(SCHEMA, &JobFile::of(job, Origin::now())).unwrap();
        std::fs::write(folder.join(NAME), text).unwrap();
    }

    #[test]
    fn a_search_that_was_moved_uses_no_file_of_a_new_one_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let search = |name: &str| {
            let [run, teacher] = ["finalists/1/first", "teacher"].map(|path| at(name).join(path));
            for folder in [&run, &teacher] {
                std::fs::create_dir_all(folder).unwrap();
            }
            for file in [run.join("m.onnx"), teacher.join("model.onnx")] {
                std::fs::write(file, name).unwrap();
            }
            std::fs::write(at(name).join(SEARCH_JOB), "{}").unwrap();
            write(&run, &at("data"), &teacher.join("model.onnx"));
        };
        std::fs::create_dir(at("data")).unwrap();
        search("a");
        std::fs::rename(at("a"), at("b")).unwrap();
        search("a");
        for name in ["a", "b"] {
            let run = at(name).join("finalists/1/first");
            let job = JobFile::load(&run).unwrap().job;
            assert_eq!(job.backbone, run.join("m.onnx"));
            assert_eq!(job.teacher, Some(at(name).join("teacher/model.onnx")));
            assert_eq!(job.data, at("data"));
        }
    }

    #[test]
    fn what_did_not_lie_in_a_run_that_was_moved_is_not_mistaken_for_what_lies_beside_it_now() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for data in ["one/data", "two/data", "two/runs"] {
            std::fs::create_dir_all(at(data)).unwrap();
        }
        write(&at("one/runs/a"), &at("one/data"), &at("one/t.onnx"));
        std::fs::rename(at("one/runs/a"), at("two/runs/a")).unwrap();
        let found = JobFile::load(&at("two/runs/a")).unwrap().job;
        assert_eq!(found.data, at("one/data"));
    }

    #[test]
    fn a_run_that_replaces_another_finds_what_was_moved_with_both() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let device = edgefit_device::find("raspberry-pi-4b").unwrap();
        let [data, backbone, run] = ["old/data", "old/m.onnx", "old/run"].map(at);
        std::fs::create_dir_all(&data).unwrap();
        std::fs::write(&backbone, "model").unwrap();
        write_to(&run.join(NEXT), &Job::new(&data, &backbone, device, &run));
        std::fs::rename(at("old"), at("new")).unwrap();
        let found = JobFile::load(&at("new/run").join(NEXT)).unwrap().job;
        assert_eq!(found.data, at("new/data"));
        assert_eq!(found.backbone, at("new/m.onnx"));
    }
}
