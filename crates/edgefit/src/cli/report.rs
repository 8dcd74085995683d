//! The flags of `report`.

use std::path::PathBuf;

use clap::Args;
use edgefit::graph::preprocessing::PreprocessingName;

use super::model::model;

/// A page to look at.
#[derive(Debug, Args)]
pub struct ReportPage {
    /// Folders of runs that have ended; several are compared, the first with each of the others
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,

    /// Where to write the page (report.html in the folder of the run; of several runs comparison.html
    /// here, if not given)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The runs of a folder.
#[derive(Debug, Args)]
pub struct Runs {
    /// Folder that holds runs
    #[arg(default_value = "runs")]
    pub folder: PathBuf,
}

/// What was found, as a page besides.
#[derive(Debug, Args)]
pub struct Html {
    /// Write what was found as a page to look at, too, into this HTML file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// The data, before anything is trained.
#[derive(Debug, Args)]
pub struct Data {
    /// Folder of class folders, or of train, val and test folders that hold them; or an .npz file (or a
    /// folder of .npy files) of arrays
    pub data: PathBuf,

    /// What the targets of arrays are, where they may be two things: classes, multi-label or regression
    #[arg(long)]
    pub task: Option<edgefit::graph::Task>,

    /// Pretrained model, an ONNX file, whose features say which labels are in doubt
    #[arg(long, value_name = "MODEL", value_parser = model())]
    pub backbone: Option<PathBuf>,

    /// How the images of that model are prepared, whatever it says: imagenet, tf, lite, unit, raw
    #[arg(long, requires = "backbone")]
    pub preprocessing: Option<PreprocessingName>,

    #[command(flatten)]
    pub html: Html,
}
