//! A run that is whole takes the place of the one that it replaces.

use std::path::Path;

use edgefit_base::file::WriteError;

use crate::error::{Error, Result};
use crate::run::occupant::{FILES, NEXT, clear, foreign, remove};
use crate::run::{job_file, report};

/// Moves the files of a whole run from the folder [`NEXT`] into `folder`, and removes those of the run
/// that was there; does nothing where there is no such run.
///
/// Wherever it is killed, the next call ends the work: the files that only the old run has go before
/// `job.json` is moved, and the report, which says that the run is whole, is moved last.
///
/// # Errors
/// A file cannot be moved or removed, or one that no run has written is in the way.
pub(crate) fn complete(folder: &Path) -> Result<()> {
    let next = folder.join(NEXT);
    let is_untouched = next.join(job_file::NAME).exists();
    let is_ours = if is_untouched {
        job_file::replaces_another(&next)
    } else {
        job_file::is_there(folder)
    };
    if !report::is_finished(&next) || !is_ours {
        return Ok(());
    }
    if is_untouched {
        let foreign = foreign(folder);
        if let Some(taken) = foreign.iter().find(|name| next.join(name).exists()) {
            return Err(Error::Run {
                path: folder.to_path_buf(),
                problem: format!(
                    "holds a {taken} that no run has written; move it, and `edgefit train --resume {}` puts the run \
                     in its folder '{NEXT}' into its place",
                    folder.display()
                ),
            });
        }
        for name in FILES {
            if !next.join(name).exists() && !foreign.contains(&name) {
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

    /// The job of a run that wrote `recipe.toml`.
    const OLD: &str = r#"{"schema": "edgefit.job/3", "tune": 8}"#;

    /// The job of a run whose place is `folder`.
    fn job(folder: &Path) -> String {
        serde_json::json!({"schema": "edgefit.job/3", "run": folder}).to_string()
    }

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
            let text = fs::read_to_string(path).unwrap_or("a folder".into());
            (name, text.replace(folder.to_str().unwrap(), "FOLDER"))
        });
        files.collect()
    }

    fn old_and_new() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                ("job.json", OLD),
                ("model.onnx", "old"),
                ("recipe.toml", "old"),
                ("report.json", WHOLE),
                ("notes.txt", "mine"),
            ],
        );
        write(
            &folder.path().join(NEXT),
            &[
                ("job.json", job(folder.path()).as_str()),
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

    #[test]
    fn what_the_old_run_did_not_write_is_neither_removed_nor_replaced() {
        let folder = old_and_new();
        let path = folder.path();
        let untuned = [("job.json", r#"{"schema": "edgefit.job/3"}"#)];
        write(path, &untuned);
        complete(path).unwrap();
        let left = contents(path);
        assert_eq!([&left["recipe.toml"], &left["model.onnx"]], ["old", "new"]);

        let folder = old_and_new();
        let path = folder.path();
        write(path, &untuned);
        write(&path.join(NEXT), &[("recipe.toml", "new")]);
        let before = contents(path);
        let refused = complete(path).unwrap_err().to_string();
        assert!(refused.contains("a recipe.toml that no run"), "{refused}");
        assert_eq!(contents(path), before);
    }

    #[test]
    fn the_new_run_takes_its_place_where_both_were_moved_or_copied() {
        let elsewhere = tempfile::tempdir().unwrap();
        for place in [elsewhere.path(), "gone/run".as_ref()] {
            let folder = old_and_new();
            let moved = job(place);
            write(&folder.path().join(NEXT), &[("job.json", moved.as_str())]);
            complete(folder.path()).unwrap();
            assert_eq!(contents(folder.path())["model.onnx"], "new");
        }
    }

    #[test]
    fn a_run_that_is_only_called_next_stays_where_it_is() {
        let folder = old_and_new();
        let next = folder.path().join(NEXT);
        // There, or moved since.
        for place in [next.as_path(), "gone/next".as_ref()] {
            write(&next, &[("job.json", job(place).as_str())]);
            let before = contents(folder.path());
            complete(folder.path()).unwrap();
            assert_eq!(contents(folder.path()), before);
        }
    }
}
