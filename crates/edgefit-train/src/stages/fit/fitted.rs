//! Fits a graph to samples, from the start or from where it stood.

use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Weights};
use edgefit_graph::Graph;
use edgefit_guards::TrainingWatch;

use crate::error::Result;
use crate::observer::Observer;
use crate::stages::fit::epoch::{Ended, Epoch};
use crate::stages::fit::problem::Problem;
use crate::stages::fit::state::State;
use crate::stages::fit::training_loop::{Hooks, Run};

/// The result of training.
#[derive(Debug)]
pub struct Fit {
    /// Weights of the best epoch; those of the start if no epoch was better, or none was completed.
    pub weights: Weights,
    /// All epochs that ran.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, counted from 1; 0 is the start.
    pub best_epoch: usize,
    /// Why it ended.
    pub ended: Ended,
    /// Accuracy on some clean training samples after each epoch, in eval mode.
    pub(crate) train_accuracy: Vec<f64>,
    /// What the guards saw of the steps.
    pub(crate) watch: TrainingWatch,
}

impl Fit {
    /// The fitted `graph`, ready to run.
    ///
    /// # Errors
    /// It is not the graph that was fitted.
    pub fn module(&self, graph: &Graph) -> Result<EvalModule> {
        let module = EvalModule::from_graph(graph, &Device::flex())?;
        Ok(module.with_weights(&self.weights)?)
    }
}

/// Fits `problem`.
///
/// Weights of the epoch with the lowest validation loss are kept.
///
/// # Errors
/// burn cannot run the graph, or a sample cannot be read.
pub fn fit(problem: &Problem, observer: &mut dyn Observer) -> Result<Fit> {
    let mut hooks = Hooks {
        observer,
        save: &mut |_, _| Ok(()),
    };
    fit_from(problem, None, &mut hooks)
}

/// Fits `problem`, going on where `resumed` stood.
///
/// Weights of the epoch with the lowest validation loss are kept. The same problem gives the same
/// weights, however often it was interrupted and resumed.
///
/// # Errors
/// burn cannot run the graph, or a sample cannot be read.
pub(crate) fn fit_from(
    problem: &Problem,
    resumed: Option<State>,
    hooks: &mut Hooks,
) -> Result<Fit> {
    let (mut run, module) = Run::start(problem, resumed)?;
    let ended = run.all(module, hooks)?;
    let best_epoch = run.progress.best_epoch;
    let weights = match run.best {
        Some(best) => best,
        None => EvalModule::from_graph(problem.graph, &run.device)?.weights()?,
    };
    Ok(Fit {
        weights,
        epochs: run.progress.epochs,
        best_epoch,
        ended,
        train_accuracy: run.progress.train_accuracy,
        watch: run.progress.watch,
    })
}
