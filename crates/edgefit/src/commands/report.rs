//! `edgefit report`: a run as a page to look at.

use std::path::PathBuf;

use edgefit::base::file::ensure_place;
use edgefit::base::units::format;
use edgefit::report::training_page;
use edgefit::train::PAGE;
use serde::Serialize;

use crate::cli::ReportPage;
use crate::output::{Outcome, Output};
use crate::training::advice;

#[derive(Serialize)]
struct Written {
    page: PathBuf,
    bytes: usize,
    remarks: Vec<String>,
}

pub fn run(args: ReportPage, output: &mut Output) -> anyhow::Result<Outcome> {
    let path = args.output.unwrap_or_else(|| args.run.join(PAGE));
    let page = training_page(&args.run, &advice)?;
    ensure_place(&path)?;
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
