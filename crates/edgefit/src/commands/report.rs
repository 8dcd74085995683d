//! `edgefit report`: a run as a page to look at, or several compared on one.

use std::path::PathBuf;

use edgefit::base::units::format;
use edgefit::report::{comparison_page, training_page};
use edgefit::terminal::{Outcome, Output, advice};
use edgefit::train::PAGE;
use serde::Serialize;

use crate::cli::ReportPage;

/// Name of a page that compares runs.
const COMPARISON: &str = "comparison.html";

#[derive(Serialize)]
struct Written {
    page: PathBuf,
    bytes: usize,
    remarks: Vec<String>,
}

pub fn run(args: ReportPage, output: &mut Output) -> anyhow::Result<Outcome> {
    let (page, place) = match args.runs.as_slice() {
        [run] => (training_page(run, &advice)?, run.join(PAGE)),
        runs => (comparison_page(runs)?, PathBuf::from(COMPARISON)),
    };
    let path = args.output.unwrap_or(place);
    page.write(&path)?;
    for remark in &page.remarks {
        output.warn(remark);
    }
    let written = Written {
        page: path,
        bytes: page.html.len(),
        remarks: page.remarks,
    };
    output.result("edgefit.report/1", &written, || {
        let bytes = format::bytes(written.bytes as u64);
        format!("page: {} ({bytes})", written.page.display())
    })?;
    Ok(Outcome::Yes)
}
