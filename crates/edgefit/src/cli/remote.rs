//! The flags of commands that can measure on a board.

use std::path::PathBuf;

use clap::Args;
use edgefit::remote::{Host, Ssh};

/// A board to measure on, instead of this machine.
#[derive(Debug, Args)]
pub struct Remote {
    /// Measure on this board, over ssh: user@board, or user@board:/folder for what is kept there
    #[arg(long, value_name = "BOARD")]
    pub remote: Option<Host>,

    /// edgefit for the board (from the folder of this binary or the cache folder, if not given)
    #[arg(long, value_name = "FILE", requires = "remote")]
    pub runner: Option<PathBuf>,

    /// ONNX Runtime's library for the board (the one that it has, if not given)
    #[arg(long, value_name = "FILE", requires = "remote")]
    pub onnxruntime: Option<PathBuf>,

    /// How ssh is called, such as "ssh -p 2222 -i KEY"
    #[arg(
        long,
        value_name = "COMMAND",
        env = "EDGEFIT_SSH",
        default_value = "ssh"
    )]
    pub ssh: Ssh,
}
