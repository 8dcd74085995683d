//! [`LoopState`]: what the training loop changes from step to step.

use edgefit_burn::burn::optim::ModuleOptimizer;
use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, TrainModule, Weights};
use edgefit_guards::TrainingWatch;

use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::stages::schedule::Schedule;
use crate::stages::training::inputs::Inputs;
use crate::stages::training::optimizer::{LearningRates, optimizer};
use crate::stages::training::order;
use crate::stages::training::problem::Problem;
use crate::stages::training::random_stream::RandomStreams;
use crate::stages::training::state::{self, Progress, State};
use crate::stages::training::train_accuracy::TrainAccuracy;

#[derive(Default)]
struct Kept {
    best: Option<Weights>,
    average: Option<Weights>,
    optimizer: Option<Vec<u8>>,
}

/// What the loop changes from step to step, and what it goes by.
pub(crate) struct LoopState<'a> {
    pub problem: &'a Problem<'a>,
    pub device: Device,
    pub inputs: Inputs,
    pub learning_rates: LearningRates,
    pub train_accuracy: TrainAccuracy,
    pub schedule: Schedule,
    pub random: RandomStreams,
    pub optimizer: ModuleOptimizer,
    pub best: Option<Weights>,
    pub average: Option<Weights>,
    pub progress: Progress,
}

impl<'a> LoopState<'a> {
    pub fn start(problem: &'a Problem<'a>, resumed: Option<State>) -> Result<(Self, TrainModule)> {
        let device = problem.backend.device()?;
        let module = EvalModule::from_graph(problem.graph, &device)?;
        let (module, progress, kept) = match resumed {
            Some(state) => (
                module.with_weights(&state.weights)?,
                state.progress,
                Kept {
                    best: state.best,
                    average: state.average,
                    optimizer: Some(state.optimizer),
                },
            ),
            None => {
                let watch = TrainingWatch::new(format!("stage {}", problem.stage));
                let progress = Progress {
                    watch: match problem.stage {
                        StageName::Int8 => watch.from_trained(),
                        _ => watch,
                    },
                    ..Progress::default()
                };
                (module, progress, Kept::default())
            }
        };
        let module = into_train(module, problem);
        let mut fresh = optimizer(problem.recipe, &module);
        if let Some(bytes) = kept.optimizer {
            fresh = state::optimizer_of(fresh, bytes)?;
        }
        let updates = order::updates(problem.train.len(), problem.recipe);
        let state = LoopState {
            problem,
            inputs: Inputs::of(problem.graph)?,
            learning_rates: LearningRates::new(&module, |name| {
                problem.trained.get(name).copied().unwrap_or(1.0)
            }),
            train_accuracy: TrainAccuracy::of(problem),
            schedule: Schedule::new(problem.recipe, problem.recipe.epochs * updates),
            random: RandomStreams {
                seed: problem.seed,
                stage: problem.stage,
            },
            optimizer: fresh,
            best: kept.best,
            average: kept.average,
            progress,
            device,
        };
        Ok((state, module))
    }
}

/// The module with what is trained of it.
pub(crate) fn into_train(module: EvalModule, problem: &Problem) -> TrainModule {
    let module = module.into_train(|name| problem.trained.contains_key(name));
    module.recomputing(problem.recomputation.clone())
}
