//! The flags of `report`.

use std::path::PathBuf;

use clap::Args;

/// A page to look at.
#[derive(Debug, Args)]
pub struct ReportPage {
    /// Folder of a run that has ended
    pub run: PathBuf,

    /// Where to write the page (report.html in the folder of the run, if not given)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
