//! The command line: every command, and the flags of those that need no training.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use edgefit::engine::EngineName;

mod bench;
#[cfg(feature = "train")]
mod change_args;
#[cfg(feature = "train")]
mod export;
#[cfg(feature = "train")]
mod fit;
mod limits;
mod model;
mod predict;
#[cfg(feature = "train")]
mod prune;
#[cfg(feature = "train")]
mod quantize;
pub mod refusal;
mod remote;
#[cfg(feature = "train")]
mod report;
mod shape;
#[cfg(feature = "train")]
mod train;
#[cfg(feature = "train")]
mod verify;
pub use bench::*;
#[cfg(feature = "train")]
pub use change_args::ChangeArgs;
#[cfg(feature = "train")]
pub use export::*;
#[cfg(feature = "train")]
pub use fit::Fit;
pub use limits::Limits;
use model::model;
pub use predict::*;
#[cfg(feature = "train")]
pub use prune::Prune;
#[cfg(feature = "train")]
pub use quantize::*;
pub use remote::Remote;
#[cfg(feature = "train")]
pub use report::{Data, Html, ReportPage, Runs};
pub use shape::*;
#[cfg(feature = "train")]
pub use train::*;
#[cfg(feature = "train")]
pub use verify::*;

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
    #[cfg(feature = "train")]
    #[command(flatten)]
    Train(TrainCommand),
    /// Show what a model is and what it costs
    Inspect(Inspect),
    /// Say whether a model fits a device
    Check(Check),
    /// Show the device profiles, or measure this machine into one
    Device(Device),
    /// Show the inference engines, or install one
    Engine(Engine),
    /// Measure latency, memory and energy of models, on this machine or on a board
    Bench(Bench),
    /// Say what a model makes of images or arrays
    Predict(Predict),
    /// Measure according to a plan in JSON; `bench --remote` runs this on the board
    #[command(hide = true)]
    BenchSession(BenchSession),
    /// Load a model and run it as ordered on stdin; `bench` starts this for each candidate
    #[command(hide = true)]
    BenchWorker(BenchWorker),
    /// Run a model and print what that takes; other commands run this in a process of its own
    #[command(hide = true)]
    RunModel(RunModel),
    /// Place a table of buffers in as little memory as possible
    Plan(Plan),
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// ONNX model, or the folder of a run
    #[arg(value_parser = model())]
    pub model: PathBuf,

    /// Order of the nodes
    #[arg(long, value_enum, default_value_t = SortKey::Graph)]
    pub sort: SortKey,

    /// Sum up nodes whose names share this many leading parts (separated by / and .)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: Option<u32>,

    /// Print the nodes as comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    /// Show what another model has changed from this one; exit code 1 if anything
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["sort", "depth", "csv"], value_parser = model())]
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
pub struct Check {
    /// ONNX model, or the folder of a run
    #[arg(value_parser = model())]
    pub model: PathBuf,

    /// Device: a name from `edgefit device list`, or a profile file; without it, the limits alone
    /// are held, on this machine
    #[arg(long, required_unless_present_any = ["ram", "flash", "latency", "measure"])]
    pub device: Option<String>,

    /// Run the model, here or on the board of --remote, instead of predicting its RAM and time; the
    /// device is that machine, if no other is given
    #[arg(long, conflicts_with = "layers")]
    pub measure: bool,

    /// Engine that runs the model there, one that the device's profile has (its first, if not given)
    #[arg(long)]
    pub engine: Option<String>,

    /// Threads of the engine (as many as a probe measured, else all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// No, too, where it fits only if something is small enough that nobody has measured
    #[arg(long)]
    pub strict: bool,

    #[command(flatten)]
    pub limits: Limits,

    /// Show the time of every node, and what bounds it
    #[arg(long)]
    pub layers: bool,

    /// Draw the activations in memory into this SVG file
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,

    #[cfg(feature = "train")]
    #[command(flatten)]
    pub linking: Linking,

    #[cfg(feature = "train")]
    #[command(flatten)]
    pub html: Html,

    #[command(flatten)]
    pub shape: Shape,

    #[command(flatten)]
    pub remote: Remote,
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

    #[command(flatten)]
    pub remote: Remote,
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

    /// Print what it computes instead
    #[arg(long)]
    pub outputs: bool,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// CSV file with the columns id, lower, upper (the first step without the buffer) and size
    pub table: PathBuf,

    /// Memory that they have to fit in, in bytes or with a unit, such as 512KiB
    #[arg(long, value_name = "SIZE", value_parser = edgefit::base::units::plain_bytes)]
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
        /// The engine: onnxruntime or litert
        engine: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
