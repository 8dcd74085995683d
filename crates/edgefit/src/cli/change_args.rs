//! The flags of a command that changes a model, and compares it on samples with what it was.

use std::path::PathBuf;

use clap::Args;
use edgefit::graph::preprocessing::PreprocessingName;

use super::model::model;
use super::shape::{InputShape, dims};

#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// ONNX model of floats, or the folder of a run
    #[arg(value_parser = model(), required_unless_present = "run")]
    pub model: Option<PathBuf>,

    /// ONNX file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// Shape of the model's input, where the model leaves it open, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims)]
    pub input_shape: Option<InputShape>,

    /// Threads of the engine (RAYON_NUM_THREADS, or all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// Samples to calibrate and compare on: a folder of images (any depth). Where its folders are called
    /// as the model's labels, the accuracy is compared
    #[arg(long, value_name = "DIR", required_unless_present_any = ["inputs", "run"])]
    pub data: Option<PathBuf>,

    /// The same as arrays, an .npz archive or a folder of .npy files: one for each input, or as trained on
    /// (x); and y, a class for each sample if they are known, by its name in classes
    #[arg(long, value_name = "PATH", conflicts_with = "data")]
    pub inputs: Option<PathBuf>,

    /// Folder of a run: calibrate its model on the samples that it trained on, and compare on those of
    /// its validation split
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "inputs", "model"])]
    pub run: Option<PathBuf>,

    /// Samples to calibrate on, drawn at random; at most half of all
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub calibration: u32,

    /// Seed of the draw
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// How images are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,
}
