//! The folder of a search: what is searched for there, for which devices, and what was found.

use std::path::{Path, PathBuf};

use edgefit_base::file::{absolute, create_folder, read_to_string};
use edgefit_base::{hash, schema};
use edgefit_engine::fastest;
use edgefit_graph::Graph;
use edgefit_train::{Job, SEARCH_JOB, ensure_engine, follow};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::job::FitJob;
use crate::report::{Report, Results};
use crate::written::{read_json, write_json};

/// What is searched for.
const JOB: &str = SEARCH_JOB;

/// Schema of that file.
const JOB_SCHEMA: &str = "edgefit.fit-job/1";

/// Which devices a search is for, where there are several: each has a search in a folder of its name.
const DEVICES: &str = "fit-devices.json";

/// Schema of that file.
const DEVICES_SCHEMA: &str = "edgefit.fit-devices-job/1";

/// What is said where one of these files cannot be read.
const NO_SEARCH: &str = "there is no search to go on with";

/// The report of a search.
const REPORT: &str = "fit.json";

/// A search, and what it began with.
#[derive(Serialize, Deserialize)]
struct Begun {
    #[serde(flatten)]
    job: FitJob,
    /// SHA-256 of each backbone with its weights; `None` of one that the survey will refuse, and none at all where an
    /// older edgefit began the search.
    #[serde(default)]
    backbones_sha256: Vec<Option<String>>,
}

impl Begun {
    /// Names the data and the backbones by where they are now that the folder of the search is `run`.
    fn follow(&mut self, run: &Path) {
        let FitJob {
            training,
            backbones,
            run: was,
            ..
        } = &mut self.job;
        let read = std::iter::once(&mut training.data).chain(backbones);
        follow(read, was, &absolute(run));
    }

    /// Holds what the search needs against what it began with.
    ///
    /// # Errors
    /// A backbone is another one or cannot be read, or the engine is not here.
    fn hold(&self, run: &Path) -> Result<()> {
        if let Some(engine) = self.job.training.engine {
            ensure_engine(engine, run)?;
        }
        for (path, began) in self.job.backbones.iter().zip(&self.backbones_sha256) {
            if began.is_some() && Some(sha256(path)?) != *began {
                return Err(Error::Run {
                    path: path.clone(),
                    problem: format!(
                        "is not the backbone that the search began with, though of the same name; undo that to go on \
                         with {}, or search anew in another folder with -o",
                        run.display()
                    ),
                });
            }
        }
        Ok(())
    }
}

fn sha256(model: &Path) -> Result<String> {
    Ok(hash::sha256_hex(&Graph::load(model)?.to_bytes()))
}

/// Names of the devices of a search.
#[derive(Serialize, Deserialize)]
struct Devices {
    devices: Vec<String>,
}

fn is_begun(run: &Path) -> bool {
    run.join(JOB).exists()
}

/// Whether a folder holds a search for several devices.
pub fn is_for_several(run: &Path) -> bool {
    run.join(DEVICES).exists() && !is_begun(run)
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
        problem: if is_begun(run) || is_for_several(run) {
            format!(
                "holds a search; go on with `edgefit fit --resume {}`, or choose another folder with -o",
                run.display()
            )
        } else {
            "is not empty; choose another folder with -o".to_owned()
        },
    })
}

/// Writes what is searched for into a new folder. Its paths are absolute then, so that the search can be gone on with
/// from anywhere, and its engine is named.
///
/// # Errors
/// [`Error::Run`] where something is in the folder already, or it cannot be written.
pub fn begin(job: &FitJob) -> Result<FitJob> {
    ensure_empty(&job.run)?;
    create_folder(&job.run)?;
    let run = job.run.clone();
    let job = FitJob {
        training: Job {
            data: absolute(&job.training.data),
            cache: absolute(&job.training.cache),
            engine: Some(job.training.engine.unwrap_or_else(fastest)),
            ..job.training.clone()
        },
        backbones: job.backbones.iter().map(|path| absolute(path)).collect(),
        run: absolute(&run),
        ..job.clone()
    };
    let begun = Begun {
        backbones_sha256: job.backbones.iter().map(|path| sha256(path).ok()).collect(),
        job,
    };
    write_json(&run.join(JOB), JOB_SCHEMA, &begun)?;
    Ok(FitJob { run, ..begun.job })
}

/// Begins a search for each of `jobs`, whose runs are folders in `run` with the names of their devices.
///
/// # Errors
/// As [`begin`].
pub fn begin_each(run: &Path, jobs: &[FitJob]) -> Result<Vec<FitJob>> {
    ensure_empty(run)?;
    let jobs: Vec<FitJob> = jobs.iter().map(begin).collect::<Result<_>>()?;
    let names = jobs.iter().map(|job| job.target.profile.name.clone());
    let devices = Devices {
        devices: names.collect(),
    };
    write_json(&run.join(DEVICES), DEVICES_SCHEMA, &devices)?;
    Ok(jobs)
}

/// Takes back what [`begin`] wrote for `jobs` that cannot be gone on with, so that another search can begin there; a
/// search that has made something stays. True where all was taken back.
pub fn take_back(jobs: &[FitJob]) -> bool {
    let holds_more = |job: &FitJob| {
        let entries = std::fs::read_dir(&job.run).into_iter().flatten();
        entries.flatten().any(|entry| entry.file_name() != JOB)
    };
    if jobs.iter().any(holds_more) {
        return false;
    }
    jobs.iter().all(|job| {
        std::fs::remove_file(job.run.join(JOB)).is_ok() && std::fs::remove_dir(&job.run).is_ok()
    })
}

/// As [`take_back`], what [`begin_each`] wrote into the folder `run`.
pub fn take_back_each(run: &Path, jobs: &[FitJob]) {
    if take_back(jobs) && std::fs::remove_file(run.join(DEVICES)).is_ok() {
        // Where it is not empty, it stays.
        let _ = std::fs::remove_dir(run);
    }
}

/// What is searched for in a folder. Where that was moved with the data or a backbone beside it, they are where they
/// are now.
///
/// # Errors
/// [`Error::Run`] where no search is in the folder; of one that is not over, what it began with is not here.
pub fn begun(run: &Path) -> Result<FitJob> {
    let mut begun: Begun = read_json(&run.join(JOB), JOB_SCHEMA, NO_SEARCH)?;
    begun.follow(run);
    if !is_over(run) {
        begun.hold(run)?;
    }
    Ok(FitJob {
        run: run.to_path_buf(),
        ..begun.job
    })
}

/// What is searched for in a folder, for each of several devices.
///
/// # Errors
/// [`Error::Run`] where no such search is in the folder; as [`begun`].
pub fn begun_each(run: &Path) -> Result<Vec<FitJob>> {
    let named: Devices = read_json(&run.join(DEVICES), DEVICES_SCHEMA, NO_SEARCH)?;
    let names = named.devices.iter();
    names.map(|name| begun(&run.join(name))).collect()
}

/// Where the report of a search lies.
pub fn report_of(run: &Path) -> PathBuf {
    run.join(REPORT)
}

/// Whether a search came to its end.
pub fn is_over(run: &Path) -> bool {
    #[derive(Deserialize)]
    struct Document {
        interrupted: bool,
    }
    let text = read_to_string(&report_of(run)).ok();
    let document = text.and_then(|text| schema::from_json(&text, Report::SCHEMA).ok());
    document.is_some_and(|document: Document| !document.interrupted)
}

/// The report of a search that came to its end; `None` of any other.
///
/// # Errors
/// The report or the model cannot be read.
pub fn finished(job: &FitJob) -> Result<Option<Report>> {
    if !is_over(&job.run) {
        return Ok(None);
    }
    let fix = "remove it, and the search goes on";
    let mut results: Results = read_json(&report_of(&job.run), Report::SCHEMA, fix)?;
    // The folder may have been moved since.
    results.run.clone_from(&job.run);
    let name = results.exported.path.file_name().unwrap_or_default();
    results.exported.path = job.run.join(name);
    Ok(Some(Report {
        check: job.target.check(&results.exported.path)?,
        planned_for: job.target.for_project(),
        results,
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use edgefit_engine::EngineName;
    use edgefit_graph::{Dim, Node, ValueInfo};

    use super::*;
    use crate::job::tests::job;

    #[test]
    fn a_search_can_be_gone_on_with_from_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        begin(&job(&run)).unwrap();
        let searched = begun(&run).unwrap();
        let (data, backbone) = (&searched.training.data, &searched.backbones[0]);
        assert!(data.is_absolute() && data.ends_with("data"), "{data:?}");
        assert!(backbone.is_absolute() && backbone.ends_with("a.onnx"));
        let refused = begin(&job(&run)).unwrap_err().to_string();
        assert!(refused.contains("holds a search"), "{refused}");
    }

    fn save(op: &str, path: &Path) {
        let mut graph = Graph::new("m", 17);
        let dims = [1, 4].map(Dim::Known);
        graph.inputs.push(ValueInfo::f32("x", dims.to_vec()));
        graph.outputs.push(ValueInfo::f32("y", dims.to_vec()));
        graph.nodes.push(Node::new(op, "node", &["x"], &["y"]));
        graph.save(path).unwrap();
    }

    #[test]
    fn a_search_that_was_moved_with_its_data_and_backbones_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("old/data")).unwrap();
        save("Relu", &at("old/a.onnx"));
        let mut wanted = FitJob {
            backbones: vec![at("old/a.onnx")],
            ..job(&at("old/runs/a"))
        };
        wanted.training.data = at("old/data");
        begin(&wanted).unwrap();
        fs::rename(at("old"), at("new")).unwrap();
        let searched = begun(&at("new/runs/a")).unwrap();
        assert_eq!(searched.training.data, at("new/data"));
        assert_eq!(searched.backbones, [at("new/a.onnx")]);
        assert_eq!(searched.run, at("new/runs/a"));
    }

    #[test]
    fn a_search_goes_on_with_the_backbones_and_on_the_engine_that_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        let [run, backbone] = ["run", "a.onnx"].map(|name| folder.path().join(name));
        save("Relu", &backbone);
        let wanted = FitJob {
            backbones: vec![backbone.clone()],
            ..job(&run)
        };
        begin(&wanted).unwrap();
        assert_eq!(begun(&run).unwrap().training.engine, Some(fastest()));
        save("Sigmoid", &backbone);
        let refused = begun(&run).unwrap_err().to_string();
        for words in ["a.onnx is not the backbone", "-o"] {
            assert!(refused.contains(words), "{refused}");
        }
        // Nothing of it is needed any more.
        let report = format!(r#"{{"schema":"{}","interrupted":false}}"#, Report::SCHEMA);
        fs::write(report_of(&run), report).unwrap();
        assert!(begun(&run).is_ok());

        let mut elsewhere = job(&folder.path().join("elsewhere"));
        // No test of this crate looks for it.
        elsewhere.training.engine = Some(EngineName::OnnxRuntime);
        begin(&elsewhere).unwrap();
        let refused = begun(&elsewhere.run).unwrap_err().to_string();
        assert!(refused.contains("engine install onnxruntime"), "{refused}");
    }

    #[test]
    fn a_folder_in_which_nothing_came_of_a_search_can_be_searched_in_again() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let jobs = [begin(&job(&run)).unwrap()];
        assert!(take_back(&jobs) && !run.exists());

        let jobs = [job(&run.join("stm32h743"))];
        let begun = begin_each(&run, &jobs).unwrap();
        let made = begun[0].run.join("finalists");
        fs::create_dir(&made).unwrap();
        take_back_each(&run, &begun);
        assert!(is_for_several(&run));
        fs::remove_dir(&made).unwrap();
        take_back_each(&run, &begun);
        assert!(!run.exists());
    }

    #[test]
    fn searches_beside_one_another_are_no_search_for_several_devices() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        begin(&job(&at("runs/h743"))).unwrap();
        assert!(!is_for_several(&at("runs")));
        let refused = ensure_empty(&at("runs")).unwrap_err().to_string();
        assert!(refused.contains("is not empty"), "{refused}");

        begin_each(&at("both"), &[job(&at("both/stm32h743"))]).unwrap();
        assert!(is_for_several(&at("both")));
        let searched = begun_each(&at("both")).unwrap();
        let runs: Vec<&Path> = searched.iter().map(|one| one.run.as_path()).collect();
        assert_eq!(runs, [at("both/stm32h743")]);
        let refused = ensure_empty(&at("both")).unwrap_err().to_string();
        assert!(refused.contains("holds a search"), "{refused}");
        // What a search of one device leaves in its folder does not make it one for several.
        fs::copy(at("both").join(DEVICES), at("runs/h743").join(DEVICES)).unwrap();
        assert!(!is_for_several(&at("runs/h743")));
    }
}
