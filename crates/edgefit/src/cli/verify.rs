//! The flags of `edgefit verify`, and of the process that it starts for each engine.

use std::path::PathBuf;

use clap::Args;
use edgefit::engine::EngineName;
use edgefit::graph::preprocessing::PreprocessingName;
use edgefit::verify::{OutputTolerance, VerifiedEngine};

use super::export::{Giving, KernelLibrary};
use super::model::model;
use super::shape::{InputShape, dims};

#[derive(Debug, Args)]
pub struct Verify {
    /// ONNX model, or the folder of a run
    #[arg(value_parser = model())]
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

    /// How the images of --data are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long, requires = "data")]
    pub preprocessing: Option<PreprocessingName>,

    /// Names of the model's classes, a line each, in the order of its outputs, instead of those that it
    /// carries
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,

    /// Compare on arrays of this file, too, an .npz archive with an array for each input of the model. If
    /// it holds a class for each sample under the name y, the accuracy is told
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub inputs: Option<PathBuf>,

    /// Number of samples; of arrays the first (8, and of arrays and of images in folders that are called
    /// as the labels all, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,

    /// Compare this engine, burn, tract or onnxruntime, with the others (all, if not given); or the integer
    /// program of an int8 model: micro (its plain reference) with an engine; and with both, c (the project in C,
    /// on an emulated core) or litert (the model as a .tflite file in LiteRT)
    #[arg(long)]
    pub engine: Option<VerifiedEngine>,

    /// Device whose core is emulated for --engine c
    #[arg(long)]
    pub device: Option<String>,

    #[command(flatten)]
    pub library: KernelLibrary,

    /// How the program of --engine c gets its input, as of edgefit export
    #[arg(long, value_enum, requires = "device")]
    pub input: Option<Giving>,

    /// Tolerance of an output, or of all: elements may differ by ATOL of the largest value (of 1, if
    /// that is less) and RTOL of the value itself
    #[arg(long, value_name = "[OUTPUT=]ATOL,RTOL")]
    pub tolerance: Vec<OutputTolerance>,

    /// Write the smallest part of the model that reproduces a divergence into this ONNX file, and its
    /// inputs as a .npz file of the same name
    #[arg(long, value_name = "OUT.onnx")]
    pub reduce: Option<PathBuf>,

    #[command(flatten)]
    pub html: super::report::Html,

    /// Threads of tract and ONNX Runtime (RAYON_NUM_THREADS, or all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// Seed of the random inputs
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Whole shape of the input, batch included, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims, conflicts_with = "inputs")]
    pub input_shape: Option<InputShape>,
}

#[derive(Debug, Args)]
pub struct LiteRtWorker {
    /// LiteRT model
    pub model: PathBuf,

    /// LiteRT's library
    #[arg(long)]
    pub library: PathBuf,

    /// Run the plain kernels, instead of those that LiteRT takes by itself
    #[arg(long)]
    pub reference: bool,
}

#[derive(Debug, Args)]
pub struct EngineWorker {
    /// Engine
    #[arg(long)]
    pub engine: EngineName,

    /// Compute each node by itself, without integer kernels
    #[arg(long)]
    pub node_by_node: bool,

    /// Threads of the engine
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: u32,
}
