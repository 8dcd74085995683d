//! `edgefit explain`: what a guard means and what to do about it.

use edgefit::guards::Explained;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use crate::cli::Explain;

pub fn run(args: Explain, output: &mut Output) -> anyhow::Result<Outcome> {
    output.result(Explained::SCHEMA, &Explained::of(args.code), || {
        report::explanation(args.code)
    })?;
    Ok(Outcome::Yes)
}
