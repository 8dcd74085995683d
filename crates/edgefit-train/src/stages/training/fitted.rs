//! Fits a graph to samples, from the start or from where it stood.

use edgefit_burn::{Backend, EvalModule, Weights};
use edgefit_engine::malloc::while_training;
use edgefit_graph::Graph;
use edgefit_guards::TrainingWatch;

use crate::error::Result;
use crate::observer::Observer;
use crate::stages::training::epoch::{Ended, Epoch};
use crate::stages::training::keeper::Nothing;
use crate::stages::training::loop_state::LoopState;
use crate::stages::training::problem::Problem;
use crate::stages::training::state::State;
use crate::stages::training::training_loop::Hooks;

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
    /// Number of those samples.
    pub(crate) measured_samples: usize,
    /// Of each validation sample, the loss after the best epoch and its mean in the last ones.
    pub(crate) val_losses: Vec<[f64; 2]>,
    /// What it was fitted with.
    backend: Backend,
    /// What the guards saw of the steps.
    pub(crate) watch: TrainingWatch,
}

impl Fit {
    /// The fitted `graph`, ready to run.
    ///
    /// # Errors
    /// It is not the graph that was fitted.
    pub fn module(&self, graph: &Graph) -> Result<EvalModule> {
        let module = EvalModule::from_graph(graph, &self.backend.device()?)?;
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
        keeper: &mut Nothing,
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
    let (mut run, module) = LoopState::start(problem, resumed)?;
    // On a worker of the pool that the kernels run on, which need not wake it then for each of theirs.
    let ended = while_training(|| rayon::scope(|_| run.all(module, hooks)))?;
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
        measured_samples: run.train_accuracy.samples(),
        train_accuracy: run.progress.train_accuracy,
        val_losses: run.progress.val_losses.best_and_last(),
        backend: problem.backend,
        watch: run.progress.watch,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use edgefit_burn::Recomputation;
    use edgefit_graph::{Attribute, Dim, Node, Tensor, ValueInfo};

    use super::*;
    use crate::config::recipe::{Recipe, Sampling, ScheduleKind, StageRecipe};
    use crate::config::stage_name::StageName;
    use crate::prepare::source::Cached;
    use crate::prepare::targets::Targets;
    use crate::stages::training::keeper::{Keeper, Urgency};

    struct Silent;

    impl Observer for Silent {
        fn begin(&mut self, _: &str, _: u64) {}
        fn progress(&mut self, _: u64, _: &str) {}
        fn end(&mut self) {}
        fn warn(&mut self, message: &str) {
            panic!("{message}");
        }
    }

    /// A linear classifier of two values.
    fn classifier() -> Graph {
        let mut graph = Graph::new("linear", 17);
        let batch = Dim::Symbol("batch".into());
        let dims = vec![batch, Dim::Known(2)];
        graph.inputs.push(ValueInfo::f32("x", dims.clone()));
        graph.outputs.push(ValueInfo::f32("y", dims));
        let weight = Tensor::from_values(vec![2, 2], &[0.1f32, 0.0, 0.0, 0.1]);
        graph.initializers.insert("weight".into(), weight);
        let bias = Tensor::from_values(vec![2], &[0f32; 2]);
        graph.initializers.insert("bias".into(), bias);
        let gemm = Node::new("Gemm", "head", &["x", "weight", "bias"], &["y"]);
        graph.nodes.push(gemm.with("transB", Attribute::Int(1)));
        graph
    }

    /// Twelve samples, four a step, at a constant learning rate; the validation samples have the
    /// labels of the training samples, or the opposite ones.
    fn fitted<T>(
        epochs: usize,
        opposite: bool,
        fit: impl FnOnce(&Problem) -> crate::error::Result<T>,
    ) -> T {
        let labels: Vec<usize> = (0..12).map(|sample| sample % 2).collect();
        let row = |&label: &usize| [label as f32 - 0.5, 1.0];
        let samples = Cached::new(2, vec![labels.iter().flat_map(row).collect()]);
        let val: Vec<usize> = labels
            .iter()
            .map(|&label| if opposite { 1 - label } else { label })
            .collect();
        let recipe = StageRecipe {
            epochs,
            batch: 4,
            patience: 0,
            schedule: ScheduleKind::Constant,
            learning_rate: 0.05,
            ema: 0.0,
            ..Recipe::default().probe
        };
        fit(&Problem {
            graph: &classifier(),
            trained: &BTreeMap::from([("weight".to_owned(), 1.0), ("bias".to_owned(), 1.0)]),
            train: &samples,
            train_targets: &Targets::of_classes(&labels, &[1.0; 2]),
            val: &samples,
            val_targets: &Targets::of_classes(&val, &[1.0; 2]),
            recipe: &recipe,
            sampling: Sampling::Shuffled,
            seed: 0,
            stage: StageName::Probe,
            backend: Backend::default(),
            recomputation: Recomputation::default(),
            teacher: None,
            answers: None,
        })
        .unwrap()
    }

    #[test]
    fn the_weights_of_the_best_epoch_are_kept() {
        // What is learned is wrong for the validation samples: every epoch is worse than the first.
        let long = fitted(5, true, |problem| fit(problem, &mut Silent));
        let short = fitted(1, true, |problem| fit(problem, &mut Silent));
        assert_eq!((long.epochs.len(), long.best_epoch), (5, 1));
        assert_eq!(long.weights, short.weights);
        let right = fitted(5, false, |problem| fit(problem, &mut Silent));
        assert_eq!(right.best_epoch, 5);
        assert_ne!(right.weights, long.weights);
    }

    #[derive(Default)]
    struct Everything {
        states: Vec<State>,
        epochs: Vec<Epoch>,
    }

    impl Keeper for Everything {
        fn epoch(&mut self, epoch: &Epoch) {
            self.epochs.push(epoch.clone());
        }

        fn state(&mut self, state: &dyn Fn() -> Result<State>, _: Urgency) -> Result<()> {
            self.states.push(state()?);
            Ok(())
        }
    }

    #[test]
    fn a_fit_whose_patience_has_run_out_is_over_when_it_goes_on() {
        let impatient = |problem: &Problem, resumed: Option<State>, keeper: &mut Everything| {
            let recipe = StageRecipe {
                patience: 2,
                ..problem.recipe.clone()
            };
            let problem = Problem {
                recipe: &recipe,
                recomputation: problem.recomputation.clone(),
                ..*problem
            };
            let mut hooks = Hooks {
                observer: &mut Silent,
                keeper,
            };
            fit_from(&problem, resumed, &mut hooks)
        };
        let mut kept = Everything::default();
        let whole = fitted(9, true, |problem| impatient(problem, None, &mut kept));
        assert_eq!((whole.epochs.len(), whole.ended), (3, Ended::Patience));
        let mut more = Everything::default();
        let last = kept.states.pop();
        let resumed = fitted(9, true, |problem| impatient(problem, last, &mut more));
        assert_eq!((more.epochs.len(), resumed.ended), (0, Ended::Patience));
        assert_eq!(resumed.weights, whole.weights);
    }

    struct Urgencies(Vec<Urgency>);

    impl Keeper for Urgencies {
        fn epoch(&mut self, _: &Epoch) {}

        fn state(&mut self, _: &dyn Fn() -> Result<State>, urgency: Urgency) -> Result<()> {
            self.0.push(urgency);
            Ok(())
        }
    }

    #[test]
    fn the_end_of_stage_int8_is_kept_at_once() {
        let ended = |stage: StageName| {
            let mut kept = Urgencies(Vec::new());
            fitted(2, false, |problem| {
                let problem = Problem {
                    stage,
                    recomputation: problem.recomputation.clone(),
                    ..*problem
                };
                let mut hooks = Hooks {
                    observer: &mut Silent,
                    keeper: &mut kept,
                };
                fit_from(&problem, None, &mut hooks)
            });
            kept.0
        };
        let soon = vec![Urgency::Soon; 2 * 4];
        assert_eq!(ended(StageName::Probe), soon);
        let now = [&soon[1..], &[Urgency::Now]].concat();
        assert_eq!(ended(StageName::Int8), now);
    }

    #[test]
    fn a_fit_that_goes_on_from_any_step_ends_with_the_same_weights() {
        let mut kept = Everything::default();
        let mut hooks = Hooks {
            observer: &mut Silent,
            keeper: &mut kept,
        };
        let whole = fitted(3, false, |problem| fit_from(problem, None, &mut hooks));
        // Three steps an epoch, and its end.
        assert_eq!(kept.states.len(), 3 * 4);
        assert_eq!(kept.epochs, whole.epochs);
        for state in kept.states {
            let mut hooks = Hooks {
                observer: &mut Silent,
                keeper: &mut Nothing,
            };
            let resumed = fitted(3, false, |problem| {
                fit_from(problem, Some(state), &mut hooks)
            });
            assert_eq!(resumed.weights, whole.weights);
            assert_eq!(resumed.epochs, whole.epochs);
        }
    }
}
