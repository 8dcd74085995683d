//! The flags of `edgefit quantize` and `edgefit scheme`.

use clap::{Args, Subcommand};

use super::change_args::ChangeArgs;

#[derive(Debug, Args)]
pub struct Quantize {
    #[command(flatten)]
    pub html: super::report::Html,

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

    #[command(flatten)]
    pub change: ChangeArgs,
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
