//! What lies in a folder that a run is to be written into.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use edgefit_base::file::WriteError;
use serde_json::Value;

use crate::config::job::Existing;
use crate::error::{Error, Result};
use crate::run::{job_file, mlflow, report, tensorboard};

/// Files of a run. `report.json` is the last: with it, a run is whole.
pub(crate) const FILES: [&str; 19] = [
    job_file::NAME,
    "manifest.json",
    "splits.json",
    "augmentation.png",
    "events.jsonl",
    tensorboard::NAME,
    mlflow::NAME,
    CHECKPOINT,
    "recipe.toml",
    "model.onnx",
    // Weights beyond 2 GiB.
    "model.onnx.data",
    "model-int8.onnx",
    "model-int8.onnx.data",
    "predictions.csv",
    "confusion.csv",
    report::PAGE,
    // What goes with the model.
    "README.md",
    "infer.py",
    report::NAME,
];

/// Where an unfinished run stands.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

/// Folder in that of a run, for the run that will replace it.
pub(crate) const NEXT: &str = "next";

/// What edgefit leaves beside the files of a run: features, and the demo's backbone.
const BESIDE: [&str; 2] = ["cache", "backbone.onnx"];

/// How far the run in a folder has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It is over.
    Finished,
    /// It was killed, goes on elsewhere, was ended by the user, by a guard or by an error.
    Unfinished,
}

/// How far the run in `folder` has come; `None` if there is none.
pub(crate) fn stand(folder: &Path) -> Option<Stand> {
    if !job_file::is_there(folder) {
        return None;
    }
    Some(if report::is_finished(folder) {
        Stand::Finished
    } else {
        Stand::Unfinished
    })
}

/// Names of files in `folder` that a run may write, and the one that is there does not.
pub(crate) fn foreign(folder: &Path) -> Vec<&'static str> {
    let job = job_file::of_any_version(folder);
    let is_own = |name: &str| job.as_ref().is_some_and(|job| writes(job, name));
    let there = FILES.into_iter().filter(|name| folder.join(name).exists());
    there.filter(|name| !is_own(name)).collect()
}

/// Whether the run of a job writes the file of that name; most are written by every run.
fn writes(job: &Value, name: &str) -> bool {
    match name {
        "recipe.toml" => !job["tune"].is_null(),
        "model-int8.onnx" | "model-int8.onnx.data" => {
            let mut stages = job["stages"].as_array().into_iter().flatten();
            stages.any(|stage| stage == "int8")
        }
        tensorboard::NAME => job["tensorboard"] == true,
        mlflow::NAME => !job["mlflow"].is_null(),
        _ => true,
    }
}

/// Where in `folder` a new run may be written: there, or where a run is that is to be replaced, beside
/// it.
///
/// # Errors
/// There is a run, or anything else, and `existing` does not allow for it; or a file that no run wrote
/// has a name that a run's file gets.
pub(crate) fn home(folder: &Path, existing: Existing) -> Result<PathBuf> {
    let refuse = |problem: String| {
        Err(Error::Run {
            path: folder.to_path_buf(),
            problem,
        })
    };
    let unwritten = |file: &Path| {
        refuse(format!(
            "holds a {} that no run has written; move it, or choose another folder with -o",
            file.display()
        ))
    };
    let next = folder.join(NEXT);
    let of_next = stand(&next).filter(|_| job_file::replaces_another(&next));
    let stands = [stand(folder), of_next];
    if stands != [None, None] {
        if stands[1].is_none() && next.exists() && !others(&next)?.is_empty() {
            return refuse(format!(
                "holds a folder '{NEXT}' that its run has not written; move it, or choose another folder with -o"
            ));
        }
        if existing == Existing::Replace {
            let here = foreign(folder).into_iter().map(PathBuf::from);
            let in_next = foreign(&next).into_iter();
            let in_next = in_next.map(|name| Path::new(NEXT).join(name));
            return match here.chain(in_next).next() {
                Some(file) => unwritten(&file),
                None => Ok(next),
            };
        }
        let go_on = format!("go on with `edgefit train --resume {}`", folder.display());
        return refuse(match stands {
            [Some(Stand::Finished), None] => {
                "holds a finished run; choose another folder with -o, or replace it with --force"
                    .into()
            }
            [Some(Stand::Finished), _] => format!(
                "holds a finished run and one that is to replace it; {go_on}, or begin that anew with \
                 --force"
            ),
            _ => format!("holds an unfinished run; {go_on}, or replace it with --force"),
        });
    }
    let others = others(folder)?;
    let is_ours = |name: &&OsString| FILES.iter().any(|file| *name == file);
    if let Some(taken) = others.iter().find(is_ours) {
        return unwritten(taken.as_ref());
    }
    match (others.as_slice(), existing) {
        ([], _) | (_, Existing::Replace) => Ok(folder.to_path_buf()),
        ([first, rest @ ..], Existing::Keep) => {
            let more = match rest.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            refuse(format!(
                "holds what is no run ({}{more}); choose another folder with -o, or write beside it with \
                 --force",
                first.display()
            ))
        }
    }
}

/// Names in `folder` that are neither hidden nor of what edgefit leaves beside runs, sorted.
fn others(folder: &Path) -> Result<Vec<OsString>> {
    let fail = |source| edgefit_data::Error::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if !hidden && !BESIDE.iter().any(|beside| name == *beside) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Removes the files of a run from `folder`, and the halves that a killed one left; nothing else.
///
/// # Errors
/// A file cannot be removed.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    for name in FILES {
        remove(&folder.join(name))?;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(b".edgefit-")
        {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file, if it is there.
///
/// # Errors
/// It cannot be removed.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            let path = path.to_path_buf();
            Err(WriteError { path, source }.into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const OURS: &str = r#"{"schema": "edgefit.job/2"}"#;

    /// The job of a run whose place is the folder that [`place`] makes.
    const NEW: &str = r#"{"schema": "edgefit.job/2", "run": "PLACE"}"#;

    fn place(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = text.replace("PLACE", folder.path().to_str().unwrap());
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// Where a run goes that keeps what is there, and one that replaces it: a place in the folder, or
    /// why not.
    fn homes(files: &[(&str, &str)]) -> [Result<String, String>; 2] {
        let folder = place(files);
        [Existing::Keep, Existing::Replace].map(|existing| match home(folder.path(), existing) {
            Ok(home) => Ok(home
                .strip_prefix(folder.path())
                .unwrap()
                .display()
                .to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    #[test]
    fn an_empty_place_is_taken() {
        let here = Ok(String::new());
        assert_eq!(homes(&[]), [here.clone(), here.clone()]);
        let left = [
            (".lock", ""),
            (".edgefit-abc", ""),
            ("cache/f", ""),
            ("backbone.onnx", ""),
        ];
        assert_eq!(homes(&left), [here.clone(), here]);
    }

    #[test]
    fn a_run_is_kept_unless_it_is_to_be_replaced() {
        let finished = (
            "report.json",
            r#"{"schema": "edgefit.train/1", "interrupted": false}"#,
        );
        let interrupted = (
            "report.json",
            r#"{"schema": "edgefit.train/1", "interrupted": true}"#,
        );
        let next = ("next/job.json", NEW);
        for (files, words) in [
            (
                &[("job.json", OURS), finished][..],
                "a finished run; choose",
            ),
            (&[("job.json", OURS), interrupted], "an unfinished run"),
            (&[("job.json", OURS)], "--resume"),
            (
                &[("job.json", OURS), finished, next],
                "one that is to replace it",
            ),
            (&[next], "an unfinished run"),
        ] {
            let [kept, replaced] = homes(files);
            let kept = kept.unwrap_err();
            assert!(kept.contains(words) && kept.contains("--force"), "{kept}");
            assert_eq!(replaced, Ok(NEXT.to_owned()));
        }
        let elsewhere = r#"{"schema": "edgefit.job/2", "run": "PLACE/next"}"#;
        for foreign in [
            ("next/model.onnx", "somebody's"),
            ("next/job.json", elsewhere),
        ] {
            for refused in homes(&[("job.json", OURS), foreign]) {
                let refused = refused.unwrap_err();
                assert!(refused.contains("a folder 'next'"), "{refused}");
            }
        }
    }

    #[test]
    fn files_that_the_run_there_did_not_write_are_not_replaced() {
        let wrote = r#"{"schema": "edgefit.job/2", "tune": 8, "stages": ["probe", "int8"]}"#;
        let mut files = [
            ("job.json", wrote),
            ("model.onnx", ""),
            ("model-int8.onnx", ""),
            ("recipe.toml", ""),
        ];
        assert_eq!(homes(&files)[1], Ok(NEXT.to_owned()));
        files[0].1 = OURS;
        let refused = homes(&files)[1].clone().unwrap_err();
        assert!(refused.contains("a recipe.toml that no run"), "{refused}");
        let in_next = homes(&[("next/job.json", NEW), ("next/mlflow.json", "")])[1].clone();
        let refused = in_next.unwrap_err();
        assert!(
            refused.contains("next/mlflow.json that no run"),
            "{refused}"
        );
    }

    #[test]
    fn what_no_run_wrote_is_written_beside_and_never_over() {
        let [kept, beside] = homes(&[("a.txt", ""), ("b/c.png", "")]);
        let kept = kept.unwrap_err();
        assert!(kept.contains("(a.txt and 1 more)"), "{kept}");
        assert_eq!(beside, Ok(String::new()));
        for files in [
            [("model.onnx", "somebody's")],
            [("job.json", r#"{"schema": "payroll/1"}"#)],
            [("job.json", "no JSON")],
        ] {
            for refused in homes(&files) {
                let refused = refused.unwrap_err();
                assert!(refused.contains("that no run has written"), "{refused}");
            }
        }
    }

    #[test]
    fn only_files_of_runs_are_cleared() {
        let folder = place(&[
            ("job.json", OURS),
            ("model.onnx", ""),
            (".edgefit-half", ""),
            ("notes.txt", ""),
            ("deeper/model.onnx", ""),
        ]);
        clear(folder.path()).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["deeper", "notes.txt"]);
    }
}
