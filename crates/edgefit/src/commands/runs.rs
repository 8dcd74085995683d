//! `edgefit runs`: the runs of a folder.

use edgefit::report::index;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use crate::cli::Runs;

pub fn run(args: Runs, output: &mut Output) -> anyhow::Result<Outcome> {
    let found = index(&args.folder)?;
    output.result("edgefit.runs/1", &found, || report::runs(&found))?;
    Ok(Outcome::Yes)
}
