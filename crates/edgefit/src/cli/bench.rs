//! The flags of `bench`, and of the hidden commands that it starts.

use std::path::PathBuf;

use clap::Args;
use edgefit::bench::Assertion;
use edgefit::engine::Target;

use super::model::model;
use super::remote::Remote;
use super::shape::{InputShape, Shape, dims};

#[derive(Debug, Args)]
pub struct Bench {
    /// ONNX models, or folders of runs; several candidates (models, engines, threads) take turns, and each
    /// is compared with the first
    #[arg(required = true, value_parser = model())]
    pub models: Vec<PathBuf>,

    /// Engines (tract and, where it is there, onnxruntime, if not given); onnxruntime:cuda runs on an
    /// NVIDIA GPU, and litert what edgefit export --to tflite makes of the model
    #[arg(long, value_delimiter = ',', value_name = "ENGINES")]
    pub engine: Vec<Target>,

    /// Threads of the engine
    #[arg(long, value_delimiter = ',', default_value = "1",
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Vec<u32>,

    #[command(flatten)]
    pub shape: Shape,

    /// Array (.npy) for each input of the model in turn, instead of random numbers
    #[arg(long, value_name = "FILE", conflicts_with_all = ["batch", "input_shape"])]
    pub input: Vec<PathBuf>,

    /// Runs of each candidate, at least; raised to what an asserted p50, p90 or p99 takes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// Time of the runs of each candidate, at least
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = edgefit::base::units::nanoseconds)]
    pub time: u64,

    /// Processes of each candidate, one after the other; they make the interval of a comparison
    /// [default: 10, or --runs where it is less]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub launches: Option<u32>,

    /// Time every node too, and sum up by op and by block
    #[arg(long)]
    pub profile: bool,

    /// Compare with the results that an earlier `--json` wrote into this file
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Exit with 1 unless this holds, such as "p90<=30ms", "peak_rss<=64MiB" or "ratio<=1.05"
    #[arg(long, value_name = "ASSERTION")]
    pub assert: Vec<Assertion>,

    /// Write the results as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,

    /// Write the results as a table in Markdown
    #[arg(long, value_name = "FILE")]
    pub export_md: Option<PathBuf>,

    #[cfg(feature = "train")]
    #[command(flatten)]
    pub html: super::report::Html,

    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Args)]
pub struct BenchSession {
    /// What to measure
    pub plan: String,
}

#[derive(Debug, Args)]
pub struct BenchWorker {
    /// ONNX model
    pub model: PathBuf,

    /// Engine
    #[arg(long)]
    pub engine: Target,

    /// Threads of the engine
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: u32,

    /// Whole shape of each input in turn, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims)]
    pub input_shape: Vec<InputShape>,

    /// Array (.npy) for each input in turn, instead of shapes
    #[arg(long, value_name = "FILE", conflicts_with = "input_shape")]
    pub input: Vec<PathBuf>,
}
