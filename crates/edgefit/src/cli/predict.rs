//! The flags of `edgefit predict`.

use std::path::PathBuf;

use clap::Args;
use edgefit::engine::EngineName;
use edgefit::graph::preprocessing::PreprocessingName;

use super::model::model;

#[derive(Debug, Args)]
pub struct Predict {
    /// ONNX model, or the folder of a run
    #[arg(value_parser = model())]
    pub model: PathBuf,

    /// Images, folders of images (any depth), or arrays (.npz): one for each input, or as trained on
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Only the images and rows that a run held out for its test, by its splits.json
    #[cfg(feature = "train")]
    #[arg(long, value_name = "FILE")]
    pub split: Option<PathBuf>,

    /// Engine (ONNX Runtime if it is there, else tract, if not given)
    #[arg(long)]
    pub engine: Option<EngineName>,

    /// Threads of the engine (RAYON_NUM_THREADS, or all cores, if not given)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Option<u32>,

    /// How images are prepared, whatever the model says: imagenet, tf, lite, unit, raw
    #[arg(long)]
    pub preprocessing: Option<PreprocessingName>,

    /// Print the predictions as comma-separated values
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}
