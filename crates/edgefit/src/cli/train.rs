//! The commands that make models or hold one against burn; the build for boards does without.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use edgefit::burn::Backend;
use edgefit::engine::EngineName;
use edgefit::graph::Task;
use edgefit::graph::preprocessing::PreprocessingName;
use edgefit::guards::Code;
use edgefit::import::{Variant, WeightsChoice};
use edgefit::train::{Existing, StageName, mlflow_address};

use super::export::Export;
use super::fit::Fit;
use super::model::model;
use super::prune::Prune;
use super::quantize::{Quantize, Scheme};
use super::report::{Data, ReportPage, Runs};
use super::shape::{InputShape, dims};
use super::verify::{EngineWorker, LiteRtWorker, Verify};

#[derive(Debug, Subcommand)]
pub enum TrainCommand {
    /// Do the whole job on real weights and real photographs
    Demo(Demo),
    /// Turn a PyTorch or safetensors checkpoint into an ONNX model
    Import(Import),
    /// Look at data before anything is trained: classes, sizes, copies, what would be left out
    Data(Data),
    /// Fine-tune a pretrained model on a folder of images
    Train(Train),
    /// Find the most accurate network that a device holds, and train it
    Fit(Fit),
    /// Find a learning rate: train a moment at learning rates from low to high
    LrFind(LrFind),
    /// Show the built-in recipes of training
    Recipe(Recipe),
    /// Show a run as a page to look at, or compare runs on one
    Report(ReportPage),
    /// List runs with their figures
    Runs(Runs),
    /// Say what a guard means, why, and how to fix what it found
    Explain(Explain),
    /// Turn a float model into an int8 one that loses no accuracy
    Quantize(Quantize),
    /// Write an int8 model as a project in C99 for a microcontroller
    Export(Export),
    /// Take channels out of a model, and let what reads them make up for it
    Prune(Prune),
    /// Show what engines want of an int8 model
    Scheme(Scheme),
    /// Compare what the engines compute from one model, or from two versions of it
    Verify(Verify),
    /// Load and run models as it is told on stdin; `verify` starts this for each engine
    #[command(hide = true)]
    EngineWorker(EngineWorker),
    /// Run a LiteRT model as ordered on stdin; `verify` starts this
    #[command(hide = true, name = "litert-worker")]
    LiteRtWorker(LiteRtWorker),
}

/// How a classifier is fitted.
#[derive(Debug, Args)]
pub struct Fitting {
    /// What is trained, each from the best weights before it and kept if it is better on validation:
    /// probe (a new head), top (the last blocks), full (the whole net); then int8 (the whole net on
    /// integers, beside the float model)
    #[arg(long, value_delimiter = ',', value_name = "STAGES")]
    pub stages: Vec<StageName>,

    /// Most passes over the training samples in each stage, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,

    /// Highest learning rate of the head in each stage but int8, instead of the recipe's
    #[arg(long, value_parser = positive)]
    pub lr: Option<f64>,

    /// What stage int8 makes: a name from `edgefit scheme list`, or a TOML file (what the device's engine
    /// wants, if not given)
    #[arg(long, value_name = "NAME|FILE")]
    pub scheme: Option<String>,

    /// Try so many other learning rates, weight decays, label smoothings and strengths of augmentation around the
    /// recipe's in stage probe, and go on with the best on validation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[arg(conflicts_with = "lr")]
    pub tune: Option<u32>,

    /// Guards that may not raise anything, such as EF11
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    pub allow: Vec<Code>,

    /// Write losses, accuracies and learning rates for TensorBoard, too, as they are known: `tensorboard
    /// --logdir RUN`
    #[arg(long)]
    pub tensorboard: bool,

    /// Log settings, epochs, figures and the model on the MLflow tracking server at this address, too, as they
    /// are known; MLFLOW_EXPERIMENT_NAME names the experiment, `edgefit` if not set
    #[arg(long, value_name = "URL", value_parser = mlflow_address)]
    pub mlflow: Option<String>,

    /// Treat what guards warn of as a failure
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,

    /// Replace the run that is in the folder, once the new one is whole; beside other files, write all the
    /// same
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub frozen: Frozen,

    #[command(flatten)]
    pub setup: Setup,
}

impl Fitting {
    /// What becomes of what is in the folder of the run.
    pub fn existing(&self) -> Existing {
        if self.force {
            Existing::Replace
        } else {
            Existing::Keep
        }
    }
}

/// How the frozen backbone is run.
#[derive(Debug, Args)]
pub struct Frozen {
    /// Engine for the frozen backbone: burn, tract or onnxruntime (the fastest there is, if not
    /// given)
    #[arg(long)]
    pub engine: Option<EngineName>,
}

/// What is trained on what.
#[derive(Debug, Args)]
pub struct Setup {
    /// How it is trained: a TOML file, or a name from `edgefit recipe list`
    #[arg(long, default_value = "default", value_name = "FILE")]
    pub recipe: String,

    /// What the targets of arrays are: classes, multi-label (any number of labels a sample) or regression; their
    /// type, shape and values say it, if not given
    #[arg(long)]
    pub task: Option<Task>,

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

    /// Memory that training may take, such as 2GiB (what is free, if not given); where a step would take
    /// more, a part of it is computed twice instead of being kept
    #[arg(long, value_name = "SIZE", value_parser = edgefit::base::units::bytes)]
    pub memory: Option<u64>,

    /// What burn trains with: flex, ndarray, and wgpu or cuda in a build with that cargo feature
    #[arg(long, default_value_t)]
    pub backend: Backend,

    /// Threads of tract and ONNX Runtime (RAYON_NUM_THREADS, or all cores, if not given)
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
    #[arg(long, value_parser = model())]
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

    /// Architecture, such as efficientnet-lite0, by edgefit's, torchvision's or timm's name
    #[arg(long)]
    pub arch: String,

    /// Which network it is, where timm has two with the same keys: timm (what timm trained) or tf (weights
    /// from TensorFlow, which timm calls tf_…)
    #[arg(long)]
    pub variant: Option<Variant>,

    /// Which weights are taken, where the checkpoint has several: raw (what was trained), ema (their moving
    /// average), or what their keys begin with
    #[arg(long = "weights", value_name = "WHICH")]
    pub choice: Option<WeightsChoice>,

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
    #[arg(long, value_name = "RUN")]
    #[arg(conflicts_with_all = ["data", "backbone", "device", "output", "preprocessing", "Frozen", "Setup"])]
    #[arg(conflicts_with_all = ["stages", "epochs", "lr", "scheme", "tune", "allow", "tensorboard", "mlflow", "deny", "force"])]
    pub resume: Option<PathBuf>,

    /// Folder of class folders, or of train, val and test folders that hold them; or an .npz file (or a
    /// folder of .npy files) of arrays x and y, where y decides the task: integers are classes, rows of
    /// 0 and 1 labels, floats regression targets
    #[arg(required_unless_present = "resume")]
    pub data: Option<PathBuf>,

    /// Pretrained model, an ONNX file or the folder of a run
    #[arg(long, required_unless_present = "resume", value_parser = model())]
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

    /// Pretrained model, an ONNX file or the folder of a run
    #[arg(long, value_parser = model())]
    pub backbone: PathBuf,

    /// What is trained: probe (a new head); top (the last blocks) or full (the whole net), behind a
    /// probe
    #[arg(long, default_value_t = StageName::Probe)]
    pub stage: StageName,

    /// How images are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    #[command(flatten)]
    pub frozen: Frozen,

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

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("must be a number above 0".into()),
    }
}
