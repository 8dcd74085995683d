//! The flags of `edgefit quantize` and `edgefit scheme`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use edgefit::graph::preprocessing::PreprocessingName;

use super::model;

#[derive(Debug, Args)]
pub struct Quantize {
    /// ONNX model of floats, or the folder of a run
    #[arg(value_parser = model(), required_unless_present = "run")]
    pub model: Option<PathBuf>,

    /// Samples to calibrate and compare on: a folder of images (any depth). Where its folders are called
    /// as the model's labels, the accuracy is compared
    #[arg(long, value_name = "DIR", required_unless_present_any = ["inputs", "run"])]
    pub data: Option<PathBuf>,

    /// The same as arrays: an .npz archive with an array for each input of the model, and under the name
    /// y a class for each sample if they are known
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    pub inputs: Option<PathBuf>,

    /// Folder of a run: calibrate its model on the samples that it trained on, and compare on those of
    /// its validation split
    #[arg(long, value_name = "RUN", conflicts_with_all = ["data", "inputs", "model"])]
    pub run: Option<PathBuf>,

    /// ONNX file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,

    /// Device that the model is for: its engine says the scheme (this machine's ONNX Runtime, if
    /// neither a device nor a scheme is given)
    #[arg(long)]
    pub device: Option<String>,

    /// Engine of the device (the first of its profile that wants int8, if not given)
    #[arg(long, requires = "device")]
    pub engine: Option<String>,

    /// Scheme, instead of the engine's: a name from `edgefit scheme list`, or a TOML file
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "device")]
    pub scheme: Option<String>,

    /// Samples that the ranges of the values are taken from, drawn at random; at most half of all
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub calibration: u32,

    /// Seed of the draw
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Points of accuracy that may be lost, by a paired test on labelled samples; where more is lost,
    /// the layers that hurt most stay float
    #[arg(long, value_name = "POINTS", default_value_t = 0.5, value_parser = points, allow_negative_numbers = true)]
    pub max_drop: f64,

    /// Least signal to noise of the outputs in dB, where there are no labels or too few of them to tell
    #[arg(long, value_name = "DB", default_value_t = 20.0)]
    pub min_sqnr: f64,

    /// Let no layer stay float for its accuracy
    #[arg(long)]
    pub all_int8: bool,

    /// How images are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    /// Threads of the engine (all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Scheme {
    #[command(subcommand)]
    pub action: SchemeAction,
}

#[derive(Debug, Subcommand)]
pub enum SchemeAction {
    /// Name the built-in schemes
    List,
    /// Show what a scheme says
    Show {
        /// Its name, or a TOML file
        scheme: String,
    },
}

fn points(text: &str) -> Result<f64, String> {
    let points: f64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    if (0.0..=100.0).contains(&points) {
        Ok(points)
    } else {
        Err(format!("{points} is not between 0 and 100 points"))
    }
}
