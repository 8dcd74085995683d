//! The commands that make models or hold one against burn; the build for boards does without.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use edgefit::engine::EngineName;
use edgefit::graph::preprocessing::PreprocessingName;
use edgefit::guards::Code;
use edgefit::train::StageName;
use edgefit::verify::OutputTolerance;

use super::{InputShape, dims};

#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Do the whole job on real weights and real photographs
    Demo(Demo),
    /// Turn a PyTorch or safetensors checkpoint into an ONNX model
    Import(Import),
    /// Fine-tune a pretrained model on a folder of images
    Train(Train),
    /// Find a learning rate: train a moment at learning rates from low to high
    LrFind(LrFind),
    /// Show the built-in recipes of training
    Recipe(Recipe),
    /// Say what a guard means, why, and how to fix what it found
    Explain(Explain),
    /// Compare what the engines compute from one model, or from two versions of it
    Verify(Verify),
    /// Load and run models as it is told on stdin; `verify` starts this for each engine
    #[command(hide = true)]
    EngineWorker(EngineWorker),
}

/// How a classifier is fitted.
#[derive(Debug, Args)]
pub struct Fitting {
    /// What is trained, each from the best weights before it and kept if it is better on validation:
    /// probe (a new head), top (the last blocks), full (the whole net)
    #[arg(long, value_delimiter = ',', value_name = "STAGES")]
    pub stages: Vec<StageName>,

    /// Most passes over the training samples in each stage, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,

    /// Highest learning rate of the head in each stage, instead of the recipe's
    #[arg(long, value_parser = positive)]
    pub lr: Option<f64>,

    /// Try so many other learning rates, weight decays, label smoothings and strengths of augmentation around the
    /// recipe's in stage probe, and go on with the best on validation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[arg(conflicts_with = "lr")]
    pub tune: Option<u32>,

    /// Guards that may not raise anything, such as EF11
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    pub allow: Vec<Code>,

    /// Treat what guards warn of as a failure
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,

    #[command(flatten)]
    pub setup: Setup,
}

/// What is trained on what.
#[derive(Debug, Args)]
pub struct Setup {
    /// How it is trained: a TOML file, or a name from `edgefit recipe list`
    #[arg(long, default_value = "default", value_name = "FILE")]
    pub recipe: String,

    /// Samples of a training step, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,

    /// Seed of the split, the order of images, augmentation and dropout, instead of the recipe's
    #[arg(long)]
    pub seed: Option<u64>,

    /// Node behind which stage top trains (chosen by itself, if not given)
    #[arg(long, value_name = "NODE")]
    pub freeze_to: Option<String>,

    /// Node that makes the classes, where it is not found by itself or not the one that is meant
    #[arg(long, value_name = "NODE")]
    pub head: Option<String>,

    /// Shape of the model's input, where the model leaves it open, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims)]
    pub input_shape: Option<InputShape>,

    /// End when an image cannot be read, instead of leaving it out
    #[arg(long)]
    pub strict: bool,

    /// Engine for the frozen backbone: burn, tract or onnxruntime (the fastest there is, if not
    /// given)
    #[arg(long)]
    pub engine: Option<EngineName>,

    /// Threads of tract and ONNX Runtime (all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
}

/// What `--deny` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Deny {
    /// Warnings of guards
    Warnings,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder for everything that the demo makes
    #[arg(short, long, default_value = "runs/demo")]
    pub output: PathBuf,

    /// Your own folder of class folders instead of the Tux Paint photographs
    #[arg(long)]
    pub data: Option<PathBuf>,

    /// Your own ONNX model instead of EfficientNet-Lite0
    #[arg(long)]
    pub backbone: Option<PathBuf>,

    /// How your own model's images are prepared, whatever it says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    #[command(flatten)]
    pub fitting: Fitting,
}

#[derive(Debug, Args)]
pub struct Import {
    /// Checkpoint: .pth (zip or legacy pickle) or .safetensors
    pub weights: PathBuf,

    /// Architecture, such as efficientnet-lite0
    #[arg(long)]
    pub arch: String,

    /// ONNX file to write
    #[arg(short, long)]
    pub output: PathBuf,

    /// Fold batch normalisation into the convolutions
    #[arg(long)]
    pub fold_bn: bool,
}

#[derive(Debug, Args)]
pub struct Train {
    /// Go on with a run that was interrupted, in this folder
    #[arg(long, value_name = "RUN", exclusive = true)]
    pub resume: Option<PathBuf>,

    /// Folder of class folders, or of train, val and test folders that hold them; or an .npz file (or a
    /// folder of .npy files) of arrays x and y, where y decides the task: integers are classes, rows of
    /// 0 and 1 labels, floats regression targets
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,

    /// Pretrained model, an ONNX file
    #[arg(long, required_unless_present = "resume")]
    pub backbone: Option<PathBuf>,

    /// Device that the result has to fit: a name from `edgefit device list`, or a profile file
    #[arg(long, required_unless_present = "resume")]
    pub device: Option<String>,

    /// Folder for the run
    #[arg(short, long, required_unless_present = "resume")]
    pub output: Option<PathBuf>,

    /// How images are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    #[command(flatten)]
    pub fitting: Fitting,
}

#[derive(Debug, Args)]
pub struct LrFind {
    /// Folder of class folders, or of train, val and test folders that hold them; or an .npz file (or a
    /// folder of .npy files) of arrays x and y, where y decides the task: integers are classes, rows of
    /// 0 and 1 labels, floats regression targets
    pub data: PathBuf,

    /// Pretrained model, an ONNX file
    #[arg(long)]
    pub backbone: PathBuf,

    /// What is trained: probe (a new head); top (the last blocks) or full (the whole net), behind a
    /// probe
    #[arg(long, default_value_t = StageName::Probe)]
    pub stage: StageName,

    /// How images are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    #[command(flatten)]
    pub setup: Setup,
}

#[derive(Debug, Args)]
pub struct Recipe {
    #[command(subcommand)]
    pub action: RecipeAction,
}

#[derive(Debug, Subcommand)]
pub enum RecipeAction {
    /// List the recipes that `--recipe` knows by name
    List,
    /// Print one, to be changed and given to `--recipe` as a file
    Show {
        /// A name from `edgefit recipe list`
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct Explain {
    /// Code of the guard, EF01 to EF20
    pub code: Code,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// ONNX model
    pub model: PathBuf,

    /// Compare with another version of the model, an ONNX file or the folder of a run, engine by engine,
    /// instead of the engines with each other
    #[arg(long, value_name = "OTHER")]
    pub against: Option<PathBuf>,

    /// Compare on images of this folder (any depth), too. Where its folders are called as the model's
    /// labels, the accuracy is told
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Only the images that a run held out for its test, by its splits.json
    #[arg(long, value_name = "FILE", requires = "data")]
    pub split: Option<PathBuf>,

    /// Compare on arrays of this file, too, an .npz archive with an array for each input of the model
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub inputs: Option<PathBuf>,

    /// Number of samples (8, and of images in folders that are called as the labels all, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "inputs")]
    pub samples: Option<u32>,

    /// Compare this engine, burn, tract or onnxruntime, with the others (all, if not given)
    #[arg(long)]
    pub engine: Option<EngineName>,

    /// Tolerance of an output, or of all: elements may differ by ATOL of the largest value (of 1, if
    /// that is less) and RTOL of the value itself
    #[arg(long, value_name = "[OUTPUT=]ATOL,RTOL")]
    pub tolerance: Vec<OutputTolerance>,

    /// Write the smallest part of the model that reproduces a divergence into this ONNX file, and its
    /// inputs as a .npz file of the same name
    #[arg(long, value_name = "OUT.onnx")]
    pub reduce: Option<PathBuf>,

    /// Threads of tract and ONNX Runtime (all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// Seed of the random inputs
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Whole shape of the input, batch included, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims, conflicts_with_all = ["samples", "data", "inputs"])]
    pub input_shape: Option<InputShape>,
}

#[derive(Debug, Args)]
pub struct EngineWorker {
    /// Engine
    #[arg(long)]
    pub engine: EngineName,

    /// Threads of the engine
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: u32,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("must be a number above 0".into()),
    }
}
