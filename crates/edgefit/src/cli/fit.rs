//! The flags of `edgefit fit`, some of which are those of `train`; `cli/train.rs` lists the command among its own.

use std::path::PathBuf;

use clap::Args;
use edgefit::graph::preprocessing::PreprocessingName;
use edgefit::guards::Code;
use edgefit::train::StageName;

use super::export::ExportFormat;
use super::limits::Limits;
use super::model::model;
use super::train::Setup;

#[derive(Debug, Args)]
pub struct Fit {
    /// Go on with a search that was interrupted, in this folder
    #[arg(long, value_name = "RUN")]
    #[arg(conflicts_with_all = ["data", "backbones", "devices", "engine", "output", "preprocessing", "Limits",
        "target", "stages", "epochs", "allow", "Setup"])]
    pub resume: Option<PathBuf>,

    /// Folder of class folders, or of train, val and test folders that hold them; or an .npz file (or a
    /// folder of .npy files) of arrays x and y of classes
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,

    /// Pretrained model to start from, an ONNX file; may be given several times (every architecture whose
    /// weights lie in the cache folder, if not given)
    #[arg(long = "backbone", value_name = "MODEL", value_parser = model())]
    pub backbones: Vec<PathBuf>,

    /// Device that the network has to fit: a name from `edgefit device list`, or a profile file; may be given
    /// several times, for a network for each
    #[arg(
        long = "device",
        value_name = "DEVICE",
        required_unless_present = "resume"
    )]
    pub devices: Vec<String>,

    /// Engine that runs it there (the first of the profile that wants int8 models, if not given)
    #[arg(long)]
    pub engine: Option<String>,

    #[command(flatten)]
    pub limits: Limits,

    /// Accuracy that is enough, such as 0.9: the smallest network is wanted that reaches it
    #[arg(long, value_name = "ACCURACY", value_parser = edgefit::base::units::share)]
    pub target: Option<f64>,

    /// Write the chosen model as a project for the device, too, into the folder firmware of the search; or as
    /// model-int8.tflite
    #[arg(long, value_enum)]
    pub export: Option<ExportFormat>,

    /// Folder for the search
    #[arg(short, long, required_unless_present = "resume")]
    pub output: Option<PathBuf>,

    /// How finalists are trained: probe, top, full, int8
    #[arg(long, value_delimiter = ',', value_name = "STAGES")]
    #[arg(default_values = ["probe", "top", "full", "int8"])]
    pub stages: Vec<StageName>,

    /// Most passes over the training samples in each stage, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,

    /// Guards that may not raise anything, such as EF11
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    pub allow: Vec<Code>,

    /// How images are prepared, whatever the models say: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    #[command(flatten)]
    pub setup: Setup,
}
