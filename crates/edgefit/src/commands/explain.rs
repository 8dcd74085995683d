//! `edgefit explain`: what a guard means and what to do about it.

use edgefit::guards::{Code, Explanation};
use edgefit::terminal::report;
use serde::Serialize;

use crate::cli::Explain;
use crate::output::{Outcome, Output};

#[derive(Serialize)]
struct Explained<'a> {
    code: Code,
    title: &'a str,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

pub fn run(args: Explain, output: &mut Output) -> anyhow::Result<Outcome> {
    let explained = Explained {
        code: args.code,
        title: args.code.title(),
        explanation: args.code.explanation(),
    };
    output.result("edgefit.explain/1", &explained, || {
        report::explanation(args.code)
    })?;
    Ok(Outcome::Yes)
}
