//! What can go wrong in a job of training.

use std::path::PathBuf;

use edgefit_base::file::WriteError;
use edgefit_cost::Check;
use edgefit_guards::{Code, Finding};

use crate::config::stage_name::StageName;

/// What can go wrong in a training job, with the place and the fix.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The backbone or the exported model.
    #[error(transparent)]
    Graph(#[from] edgefit_graph::Error),
    /// A problem in a named model file.
    #[error("{}: {problem}", path.display())]
    Backbone {
        /// The model file.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// A recipe that cannot be used.
    #[error("recipe {}: {problem}", path.display())]
    Recipe {
        /// The file, or the name of a built-in one.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// Choices of the job that do not go together, with the fix.
    #[error("{0}")]
    Choice(String),
    /// The dataset.
    #[error(transparent)]
    Data(#[from] edgefit_data::Error),
    /// Samples that cannot be read.
    #[error(transparent)]
    Samples(#[from] edgefit_predict::Error),
    /// An inference engine.
    #[error(transparent)]
    Engine(#[from] edgefit_engine::Error),
    /// The trainable executor.
    #[error(transparent)]
    Burn(#[from] edgefit_burn::Error),
    /// What burn trains with.
    #[error(transparent)]
    Backend(#[from] edgefit_burn::BackendError),
    /// A run that cannot be begun in its folder, gone on with or compared with.
    #[error("{} {problem}", path.display())]
    Run {
        /// The folder of the run, or a file of it.
        path: PathBuf,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// Another process writes into the folder of a run.
    #[error(
        "{} is being written by another edgefit; wait for its end, or choose another folder with -o",
        .0.display()
    )]
    Locked(PathBuf),
    /// A file of the run cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The model will not fit the device, found before the first step (EF20).
    #[error("the model does not fit {}", .0.device)]
    DoesNotFit(Box<Check>),
    /// A guard ended the training.
    #[error("{code}: {first}; `edgefit explain {code}` says more, `--allow {code}` goes on")]
    Guard {
        /// The guard.
        code: Code,
        /// What it found.
        first: String,
        /// Findings of all twenty.
        guards: Vec<Finding>,
        /// The folder that holds what is known of the run, where it had begun.
        run: Option<PathBuf>,
    },
    /// Quantisation of the model.
    #[error(transparent)]
    Quantization(#[from] edgefit_quant::Error),
    /// A device profile, or this machine.
    #[error(transparent)]
    Device(#[from] edgefit_device::Error),
    /// A stage will not fit the memory that is free, found before its first step.
    #[error(
        "stage '{stage}' needs about {} MiB of memory with --batch {batch}, and {} MiB are available; {}",
        predicted >> 20, available >> 20, fix(*largest)
    )]
    Memory {
        /// Name of the stage.
        stage: StageName,
        /// Samples of a step.
        batch: usize,
        /// Bytes that it is predicted to need.
        predicted: u64,
        /// Bytes that it may take.
        available: u64,
        /// Largest batch that fits; 0 if none does.
        largest: usize,
    },
    /// Training cannot go on.
    #[error("training stopped: {0}")]
    Stopped(String),
}

impl Error {
    /// Whether it is about the backbone or a model that was made of it, and does not name the file.
    pub fn lacks_file(&self) -> bool {
        use edgefit_graph::Error as Graph;
        matches!(
            self,
            Error::Stopped(_)
                | Error::Engine(_)
                | Error::Burn(_)
                | Error::Quantization(_)
                | Error::Graph(Graph::Invalid { .. } | Graph::Unsupported(_))
        )
    }
}

fn fix(largest: usize) -> String {
    match largest {
        0 => "end other programs, run on fewer --threads, or take a smaller backbone".into(),
        largest => format!("use --batch {largest}"),
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
