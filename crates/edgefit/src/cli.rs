use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use edgefit::device;
use edgefit::engine::EngineName;
use edgefit::guards::Code;
use edgefit::train::StageName;

use crate::commands::bench::claim::Claim;

/// Fit a pretrained model to your data and to your board.
///
/// Exit codes: 0 yes (fits, agrees, done) · 1 a negative verdict · 2 bad usage or bad input.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Print exactly one JSON document to stdout
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do the whole job on real weights and real photographs
    Demo(Demo),
    /// Turn a PyTorch or safetensors checkpoint into an ONNX model
    Import(Import),
    /// Show what a model is and what it costs
    Inspect(Inspect),
    /// Say whether a model fits a device
    Check(Check),
    /// Fine-tune a pretrained model on a folder of images
    Train(Train),
    /// Show the built-in recipes of training
    Recipe(Recipe),
    /// Say what a guard means, why, and how to mend what it found
    Explain(Explain),
    /// Compare what the engines compute from one model
    Verify(Verify),
    /// Show the device profiles, or measure this machine into one
    Device(Device),
    /// Show the inference engines, or install one
    Engine(Engine),
    /// Measure latency, memory and energy of models on this machine
    Bench(Bench),
    /// Load a model and run it as often as it is told on stdin; `bench` starts this for each candidate
    #[command(hide = true)]
    BenchWorker(BenchWorker),
    /// Run a model and print what that takes; other commands run this in a process of its own
    #[command(hide = true)]
    RunModel(RunModel),
    /// Place a table of buffers in as little memory as possible
    Plan(Plan),
}

/// How a classifier is fitted.
#[derive(Debug, Args)]
pub struct Fitting {
    /// What is trained, each from the best weights before it and kept if it is better on validation:
    /// probe (a new head), top (the last blocks), full (the whole net)
    #[arg(long, value_delimiter = ',', value_name = "STAGES")]
    pub stages: Vec<StageName>,

    /// How it is trained: a TOML file, or a name from `edgefit recipe list`
    #[arg(long, default_value = "default", value_name = "FILE")]
    pub recipe: String,

    /// Most passes over the training samples in each stage, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,

    /// Samples of a training step, instead of the recipe's
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: Option<u32>,

    /// Highest learning rate of the head in each stage, instead of the recipe's
    #[arg(long, value_parser = positive)]
    pub lr: Option<f64>,

    /// Seed of the split, the order of images, augmentation and dropout, instead of the recipe's
    #[arg(long)]
    pub seed: Option<u64>,

    /// Node behind which stage top trains (chosen by itself, if not given)
    #[arg(long, value_name = "NODE")]
    pub freeze_to: Option<String>,

    /// Guards that may not raise anything, such as EF11
    #[arg(long, value_delimiter = ',', value_name = "CODES")]
    pub allow: Vec<Code>,

    /// Treat what guards warn of as a failure
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,

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
    pub preprocessing: Option<String>,

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
pub struct Inspect {
    /// ONNX model
    pub model: PathBuf,

    /// Order of the nodes
    #[arg(long, value_enum, default_value_t = SortKey::Graph)]
    pub sort: SortKey,

    /// Sum up nodes whose names share this many leading parts (told apart by / and .)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: Option<u32>,

    /// Print the nodes as comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    /// Show what another model has changed from this one; exit code 1 if anything
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["sort", "depth", "csv"])]
    pub diff: Option<PathBuf>,

    #[command(flatten)]
    pub shape: Shape,
}

/// What the nodes of a model are sorted by, largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SortKey {
    /// As they run
    Graph,
    /// By name
    Name,
    /// By operator
    Op,
    /// By trainable parameters
    Parameters,
    /// By multiply-accumulates
    Macs,
    /// By bytes written
    Output,
}

#[derive(Debug, Args)]
pub struct Shape {
    /// Samples at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,

    /// Whole shape of the input, batch included, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims, conflicts_with = "batch")]
    pub input_shape: Option<InputShape>,
}

/// A shape given on the command line.
#[derive(Debug, Clone)]
pub struct InputShape(pub Vec<usize>);

#[derive(Debug, Args)]
pub struct Check {
    /// ONNX model
    pub model: PathBuf,

    /// Device: a name from `edgefit device list`, or a profile file; without it, the limits alone
    /// are held, on this machine
    #[arg(long, required_unless_present_any = ["ram", "flash", "latency"])]
    pub device: Option<String>,

    /// Engine that runs the model there, one that the device's profile has (its first, if not given)
    #[arg(long)]
    pub engine: Option<String>,

    /// Threads of the engine (as many as a probe measured, else all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// RAM that it has to fit in, such as 64MiB, instead of the device's
    #[arg(long, value_name = "SIZE", value_parser = device::profile::bytes)]
    pub ram: Option<u64>,

    /// Flash or disk that the model has to fit in, such as 2MiB, instead of the device's
    #[arg(long, value_name = "SIZE", value_parser = device::profile::bytes)]
    pub flash: Option<u64>,

    /// Time that a run may take, such as 30ms
    #[arg(long, value_name = "TIME", value_parser = device::profile::nanoseconds)]
    pub latency: Option<u64>,

    /// Show the time of every node, and what bounds it
    #[arg(long)]
    pub layers: bool,

    /// Draw the activations in memory into this SVG file
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    #[command(flatten)]
    pub shape: Shape,
}

#[derive(Debug, Args)]
pub struct Train {
    /// Go on with a run that was interrupted, in this folder
    #[arg(long, value_name = "RUN", exclusive = true)]
    pub resume: Option<PathBuf>,

    /// Folder of class folders, or of train, val and test folders that hold them; or an .npz file (or a
    /// folder of .npy files) of arrays x and y, where y decides the task: integers are classes, rows of
    /// 0 and 1 labels, floats numbers to tell
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
    pub preprocessing: Option<String>,

    #[command(flatten)]
    pub fitting: Fitting,
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

    /// Compare on images of this folder (any depth) instead of random inputs
    #[arg(long)]
    pub data: Option<PathBuf>,

    /// Number of samples
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub samples: u32,

    /// Compare this engine, burn, tract or onnxruntime, with the others (all, if not given)
    #[arg(long)]
    pub engine: Option<EngineName>,

    /// Threads of tract and ONNX Runtime (all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// Seed of the random inputs
    #[arg(long, default_value_t = 0, conflicts_with = "data")]
    pub seed: u64,

    /// Whole shape of the input, batch included, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims, conflicts_with_all = ["samples", "data"])]
    pub input_shape: Option<InputShape>,
}

#[derive(Debug, Args)]
pub struct Device {
    #[command(subcommand)]
    pub action: DeviceAction,
}

#[derive(Debug, Subcommand)]
pub enum DeviceAction {
    /// List the profiles that `--device` knows by name
    List,
    /// Show one profile with the source of each figure
    Show {
        /// A name from `edgefit device list`, or a profile file
        device: String,
    },
    /// Measure this machine: its memory, and how fast and how large the engines are
    Probe(Probe),
}

#[derive(Debug, Args)]
pub struct Probe {
    /// Profile to write, a TOML file; its name becomes the device's
    #[arg(short, long)]
    pub output: Option<PathBuf>,

    /// Threads that the engines are measured with
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: u32,

    /// NVML's library (libnvidia-ml.so), where the system's own is not the right one
    #[arg(long, value_name = "PATH")]
    pub nvml_lib: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// ONNX models; several candidates (models, engines, threads) take turns, and each is compared
    /// with the first
    #[arg(required = true)]
    pub models: Vec<PathBuf>,

    /// Engines (tract and, where it is there, onnxruntime, if not given)
    #[arg(long, value_delimiter = ',', value_name = "ENGINES")]
    pub engine: Vec<EngineName>,

    /// Threads of the engine
    #[arg(long, value_delimiter = ',', default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Vec<u32>,

    #[command(flatten)]
    pub shape: Shape,

    /// Runs of each candidate, at least; raised to what an asserted p90 or p99 takes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// Time of the runs of each candidate, at least
    #[arg(long, default_value = "3s", value_name = "TIME", value_parser = device::profile::nanoseconds)]
    pub time: u64,

    /// Processes of each candidate, one after the other; they make the interval of a comparison
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub launches: u32,

    /// Time every node too, and sum up by op
    #[arg(long)]
    pub profile: bool,

    /// Compare with the results that an earlier `--json` wrote into this file
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Exit with 1 unless this holds, such as "p90<=30ms", "peak_rss<=64MiB" or "ratio<=1.05"
    #[arg(long, value_name = "CLAIM")]
    pub assert: Vec<Claim>,

    /// Write the results as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,

    /// Write the results as a table in Markdown
    #[arg(long, value_name = "FILE")]
    pub export_md: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BenchWorker {
    /// ONNX model
    pub model: PathBuf,

    /// Engine
    #[arg(long)]
    pub engine: EngineName,

    /// Threads of the engine
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: u32,

    /// Whole shape of each input in turn, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims)]
    pub input_shape: Vec<InputShape>,
}

#[derive(Debug, Args)]
pub struct RunModel {
    /// ONNX model
    pub model: PathBuf,

    /// Engine: tract or onnxruntime
    #[arg(long)]
    pub engine: EngineName,

    /// Threads of the engine
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: u32,

    /// Whole shape of each input in turn, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims, required = true)]
    pub input_shape: Vec<InputShape>,

    /// Runs that count, at least
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// Time of the runs that count, at least
    #[arg(long, default_value_t = 500)]
    pub milliseconds: u32,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// CSV file with the columns id, lower, upper (the first step without the buffer) and size
    pub table: PathBuf,

    /// Memory that they have to fit in, in bytes or with a unit, such as 512KiB
    #[arg(long, value_name = "SIZE", value_parser = capacity)]
    pub capacity: Option<u64>,

    /// Draw the plan into this SVG file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Engine {
    #[command(subcommand)]
    pub action: EngineAction,
}

#[derive(Debug, Subcommand)]
pub enum EngineAction {
    /// List the engines and whether they are there
    List,
    /// Fetch an engine's library into the cache folder
    Install {
        /// The engine: onnxruntime
        engine: EngineName,
    },
}

/// Bytes, as tables of buffers give them, or a size with a unit.
fn capacity(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(bytes) => Ok(bytes),
        Err(_) => device::profile::bytes(text),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && f64::is_finite(value) => Ok(value),
        _ => Err("must be a number above 0".into()),
    }
}

fn dims(text: &str) -> Result<InputShape, String> {
    let sizes = text
        .split(['x', ','])
        .map(|size| size.trim().parse().ok().filter(|&size| size > 0))
        .collect::<Option<Vec<usize>>>();
    let fits = |sizes: &Vec<usize>| {
        let elements = sizes
            .iter()
            .try_fold(4, |bytes: usize, &size| bytes.checked_mul(size));
        elements.is_some()
    };
    sizes
        .filter(fits)
        .map(InputShape)
        .ok_or_else(|| "must be sizes above 0 with x between them, such as 1x3x224x224".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn capacities_are_bytes_or_have_a_unit() {
        assert_eq!(capacity("1048576"), Ok(1 << 20));
        assert_eq!(capacity("512 KiB"), Ok(512 << 10));
        assert!(capacity("-1").unwrap_err().contains("negative"));
    }

    #[test]
    fn shapes_are_sizes_above_zero() {
        assert_eq!(dims("1x3x224x224").unwrap().0, [1, 3, 224, 224]);
        for bad in ["", "1x", "0x3", "axb", "-1x3", "4294967296x4294967296"] {
            assert!(dims(bad).is_err(), "{bad}");
        }
    }
}
