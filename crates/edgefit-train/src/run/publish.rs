//! A run that is whole takes the place of the one that it replaces.

use std::path::Path;

use edgefit_base::file::WriteError;

use crate::error::Result;
use crate::run::occupant::{FILES, NEXT, clear, remove};
use crate::run::{job_file, report};

/// Moves the files of a whole run from the folder [`NEXT`] into `folder`, and removes those of the run
/// that was there; does nothing where there is no such run.
///
/// Wherever it is killed, the next call ends the work: the files that only the old run has go before
/// `job.json` is moved, and the report, which says that the run is whole, is moved last.
///
/// # Errors
/// A file cannot be moved or removed.
pub(crate) fn complete(folder: &Path) -> Result<()> {
    let next = folder.join(NEXT);
    if !report::is_finished(&next) {
        return Ok(());
    }
    if next.join(job_file::NAME).exists() {
        for name in FILES {
            if !next.join(name).exists() {
                remove(&folder.join(name))?;
            }
        }
    }
    for name in FILES {
        let (from, to) = (next.join(name), folder.join(name));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|source| WriteError { path: to, source })?;
        }
    }
    clear(&next)?;
    // Fails, as it should, when there is something else in it.
    let _ = std::fs::remove_dir(&next);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;

    const WHOLE: &str = r#"{"schema": "edgefit.train/1", "interrupted": false}"#;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        fs::create_dir_all(folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
    }

    fn contents(folder: &Path) -> BTreeMap<String, String> {
        let files = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(path);
            (name, text.unwrap_or("a folder".into()))
        });
        files.collect()
    }

    fn old_and_new() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                ("job.json", "old"),
                ("model.onnx", "old"),
                ("recipe.toml", "old"),
                ("report.json", WHOLE),
                ("notes.txt", "mine"),
            ],
        );
        write(
            &folder.path().join(NEXT),
            &[
                ("job.json", "new"),
                ("model.onnx", "new"),
                ("predictions.csv", "new"),
                ("report.json", WHOLE),
            ],
        );
        folder
    }

    #[test]
    fn the_new_run_is_there_alone_wherever_the_move_was_cut_off() {
        let whole = old_and_new();
        complete(whole.path()).unwrap();
        let expected = contents(whole.path());
        let names: Vec<&str> = expected.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "job.json",
                "model.onnx",
                "notes.txt",
                "predictions.csv",
                "report.json"
            ]
        );
        assert_eq!(expected["model.onnx"], "new");

        // Files in the order in which they go: first what only the old run has.
        for cut in 1..=4 {
            let folder = old_and_new();
            let path = folder.path();
            fs::remove_file(path.join("recipe.toml")).unwrap();
            for name in ["job.json", "model.onnx", "predictions.csv"]
                .iter()
                .take(cut - 1)
            {
                fs::rename(path.join(NEXT).join(name), path.join(name)).unwrap();
            }
            complete(path).unwrap();
            assert_eq!(contents(path), expected, "cut behind {cut}");
        }
    }

    #[test]
    fn a_run_that_is_not_whole_replaces_nothing() {
        let folder = old_and_new();
        let before = contents(folder.path());
        for report in ["", r#"{"schema": "edgefit.train/1", "interrupted": true}"#] {
            write(&folder.path().join(NEXT), &[("report.json", report)]);
            complete(folder.path()).unwrap();
            assert_eq!(contents(folder.path()), before);
        }
    }
}
