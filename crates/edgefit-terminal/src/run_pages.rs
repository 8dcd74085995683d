//! What people look at beside the report of a run.

use std::path::{Path, PathBuf};

use edgefit_guards::Code;
use edgefit_report::{Advice, Result, hand_over, training_page};
use edgefit_train::PAGE;

use crate::output::Output;

/// Writes the page of the run in `folder`, and where that has a model its description and the script that runs it.
///
/// A run is not lost where that fails: there is a warning, and no path of the page.
pub fn present_run(folder: &Path, output: &mut Output) -> Option<PathBuf> {
    let write = || {
        hand_over(folder)?;
        write_page(folder)
    };
    let written: Result<PathBuf> = write();
    warned(written, output)
}

/// Writes the page of the search in `folder`; where that fails, there is a warning.
pub fn present_search(folder: &Path, output: &mut Output) -> Option<PathBuf> {
    warned(write_page(folder), output)
}

fn write_page(folder: &Path) -> Result<PathBuf> {
    let path = folder.join(PAGE);
    training_page(folder, &advice)?.write(&path)?;
    Ok(path)
}

fn warned(written: Result<PathBuf>, output: &mut Output) -> Option<PathBuf> {
    let warn = |error| output.warn(&format!("no page was written: {error}"));
    written.map_err(warn).ok()
}

/// What is known of the guard that a report names.
pub fn advice(code: &str) -> Option<Advice> {
    let code: Code = code.parse().ok()?;
    Some(Advice {
        title: code.title().to_owned(),
        fix: code.explanation().fix.clone(),
    })
}
