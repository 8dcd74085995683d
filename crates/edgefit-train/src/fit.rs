//! The training loop: a graph, some of its weights, samples, a recipe.

mod chance;
mod inputs;
mod mix;
mod optimizer;
mod order;
mod overfit;
mod rising;
mod source;
mod state;
mod watch;

use std::collections::BTreeMap;

use edgefit_burn::burn::optim::ModuleOptimizer;
use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Gradients, TrainModule, Weights};
use edgefit_graph::Graph;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::events::Observer;
use crate::fit::chance::Chance;
use crate::fit::optimizer::{Rates, optimizer};
use crate::recipe::{Sampling, StageName, StageRecipe};
use crate::schedule::Schedule;
use crate::task::Targets;

pub(crate) use inputs::{Inputs, only};
pub(crate) use overfit::{Overfit, overfit};
pub(crate) use rising::rising;
use source::Selected;
pub use source::{Cached, Source};
pub(crate) use state::{Progress, State};
pub(crate) use watch::{Watch, Watched};

/// What is to be fitted to what.
pub struct Problem<'a> {
    /// From the inputs to the outputs.
    pub graph: &'a Graph,
    /// Names of the weights that are trained, and the share of the rate that each gets.
    pub trained: &'a BTreeMap<String, f64>,
    /// Inputs of the training samples.
    pub train: &'a dyn Source,
    /// What they should be called.
    pub train_targets: &'a Targets,
    /// Inputs of the validation samples.
    pub val: &'a dyn Source,
    /// What they should be called.
    pub val_targets: &'a Targets,
    /// How.
    pub recipe: &'a StageRecipe,
    /// Which samples an epoch consists of.
    pub sampling: Sampling,
    /// Seed of all chance.
    pub seed: u64,
    /// The stage that this is.
    pub stage: StageName,
}

/// One pass over the training samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean weighted loss of the steps, as it was trained: smoothed, on augmented samples.
    pub train_loss: f64,
    /// Share of the samples of the steps that were right, before each step; `None` for numbers and
    /// where samples are mixed.
    pub train_accuracy: Option<f64>,
    /// Loss on the validation samples, not smoothed, every class counting the same as in training.
    pub val_loss: f64,
    /// Share of the validation samples that is right; `None` for numbers.
    pub val_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub rate: f64,
}

/// Why a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// All epochs ran.
    Finished,
    /// The validation loss did not get better any more.
    Patience,
    /// The user wanted it to.
    Interrupted,
    /// The loss was not a number, again and again.
    Diverged,
}

/// What came out.
#[derive(Debug)]
pub struct Fit {
    /// Weights of the best epoch; of the start if none was better, or none ended.
    pub weights: Weights,
    /// All epochs that ran.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, counted from 1; 0 is the start.
    pub best_epoch: usize,
    /// Why it ended.
    pub ended: Ended,
    /// What was seen on the way.
    pub(crate) watch: Watch,
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

/// Times that a step that is no number is taken back, each time at half the rate, before it is given
/// up.
const ROLLBACKS: usize = 8;

/// Training samples on which a stage is judged after each epoch, at most.
const JUDGED: usize = 512;

/// Keeps the state that it is offered, or not yet.
pub(crate) type Save<'a> = dyn FnMut(&dyn Fn() -> Result<State>, bool) -> Result<()> + 'a;

/// Where a stage reports to and is kept.
pub(crate) struct Hooks<'a> {
    pub observer: &'a mut dyn Observer,
    /// Is offered the state after each step, and told whether it has to be kept now.
    pub save: &'a mut Save<'a>,
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
        watch: run.progress.watch,
    })
}

#[derive(Default)]
struct Kept {
    best: Option<Weights>,
    average: Option<Weights>,
    optimizer: Option<Vec<u8>>,
}

struct Run<'a> {
    problem: &'a Problem<'a>,
    device: Device,
    inputs: Inputs,
    rates: Rates,
    schedule: Schedule,
    chance: Chance,
    optimizer: ModuleOptimizer,
    best: Option<Weights>,
    average: Option<Weights>,
    progress: Progress,
}

impl<'a> Run<'a> {
    fn start(problem: &'a Problem<'a>, resumed: Option<State>) -> Result<(Self, TrainModule)> {
        let device = Device::flex();
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
            None => (module, Progress::default(), Kept::default()),
        };
        let module = module.into_train(|name| problem.trained.contains_key(name));
        let mut fresh = optimizer(problem.recipe, &module);
        if let Some(bytes) = kept.optimizer {
            fresh = state::optimizer_of(fresh, bytes)?;
        }
        let samples = problem.recipe.batch * problem.recipe.accumulate;
        let updates = problem.train.len().div_ceil(samples);
        let run = Run {
            problem,
            inputs: Inputs::of(problem.graph)?,
            rates: Rates::new(&module, |name| {
                problem.trained.get(name).copied().unwrap_or(1.0)
            }),
            schedule: Schedule::new(problem.recipe, problem.recipe.epochs * updates),
            chance: Chance {
                seed: problem.seed,
                stage: problem.stage,
            },
            optimizer: fresh,
            best: kept.best,
            average: kept.average,
            progress,
            device,
        };
        Ok((run, module))
    }

    fn all(&mut self, mut module: TrainModule, hooks: &mut Hooks) -> Result<Ended> {
        let recipe = self.problem.recipe;
        while self.progress.epochs.len() < recipe.epochs {
            let epoch = self.progress.epochs.len() + 1;
            let mut rng = self.chance.stream(epoch, 0);
            let order = order::order(self.problem.train_targets, self.problem.sampling, &mut rng);
            let groups = order.chunks(recipe.batch * recipe.accumulate);
            for group in groups.skip(self.progress.step) {
                let moved;
                (module, moved) = self.update(module, epoch, group)?;
                if !moved && self.progress.rollbacks > ROLLBACKS {
                    return Ok(Ended::Diverged);
                }
                let stop = hooks.observer.stop();
                (hooks.save)(&|| self.state(&module), stop)?;
                if stop {
                    return Ok(Ended::Interrupted);
                }
                self.tell(epoch, order.len(), hooks.observer);
            }
            self.close_epoch(&module, epoch)?;
            (hooks.save)(&|| self.state(&module), false)?;
            let waited = epoch - self.progress.best_epoch;
            if recipe.patience > 0 && waited >= recipe.patience {
                return Ok(Ended::Patience);
            }
        }
        Ok(Ended::Finished)
    }

    /// One change of the weights, by the samples of `group`. Says whether they moved.
    fn update(
        &mut self,
        module: TrainModule,
        epoch: usize,
        group: &[usize],
    ) -> Result<(TrainModule, bool)> {
        let mut module = module;
        let recipe = self.problem.recipe;
        self.progress.step += 1;
        let mut rng = self.chance.stream(epoch, self.progress.step);
        self.device.seed(rand::RngExt::random(&mut rng));
        let mut sum: Option<Gradients> = None;
        let (mut loss, mut mass) = (0.0, 0.0);
        for batch in group.chunks(recipe.batch) {
            let rows = self.problem.train.rows(batch, epoch)?;
            let targets = self.problem.train_targets.rows(batch);
            let image = self.inputs.image();
            let (rows, mixed) = mix::mix(recipe, image, rows, targets.clone(), &mut rng);
            let smoothed = mixed.smoothed(recipe.label_smoothing as f32);
            let values = self.inputs.of_rows(&rows, batch.len(), &self.device)?;
            let outputs = only(module.forward(values)?, smoothed.outputs)?;
            if recipe.mixup == 0.0 && recipe.cutmix == 0.0 {
                let made = edgefit_burn::Value::from(outputs.clone().inner()).to_vec()?;
                self.progress.count(&targets, &made);
            }
            let total = smoothed.loss(outputs, &self.device)?;
            loss += f64::from(total.clone().inner().into_scalar::<f32>());
            mass += smoothed.mass();
            let gradients = Gradients::of(&total, &module);
            sum = Some(match sum {
                Some(sum) => sum.plus(&module, gradients)?,
                None => gradients,
            });
        }
        // A batch of classes that weigh nothing has nothing to say.
        let (Some(sum), true) = (sum, mass > 0.0) else {
            return Ok((module, true));
        };
        let gradients = sum.scaled(&module, 1.0 / mass);
        let sizes = gradients.sizes(&module)?;
        let norm = sizes
            .iter()
            .map(|size| size.norm * size.norm)
            .sum::<f64>()
            .sqrt();
        if !loss.is_finite() || !norm.is_finite() {
            let again = self.progress.rollbacks < ROLLBACKS;
            self.progress
                .watch
                .broken
                .push((self.progress.updates, again));
            return Ok((self.roll_back()?, false));
        }
        self.progress.loss += loss;
        self.progress.mass += mass;
        let rate = self.progress.damping() * self.schedule.rate(self.progress.updates);
        let gradients = match recipe.clip {
            clip if clip > 0.0 && norm > clip => gradients.scaled(&module, clip / norm),
            _ => gradients,
        };
        let watched = self.progress.watch.weighs(self.progress.updates);
        let before = match watched {
            true => Some(module.to_eval().weights()?),
            false => None,
        };
        let rates = self.rates.at(rate);
        module = self.optimizer.step(rates, module, gradients.into_params());
        let after = match watched || recipe.ema > 0.0 {
            true => Some(module.to_eval().weights()?),
            false => None,
        };
        if let (true, Some(after)) = (recipe.ema > 0.0, &after) {
            self.move_average(after);
        }
        self.progress.updates += 1;
        self.progress.rate = rate;
        let change = before.as_ref().zip(after.as_ref());
        self.progress.watch.step(loss / mass, rate, &sizes, change);
        Ok((module, true))
    }

    /// The best weights so far, at half the rate and without what the optimizer remembers.
    fn roll_back(&mut self) -> Result<TrainModule> {
        self.progress.rollbacks += 1;
        let mut module = EvalModule::from_graph(self.problem.graph, &self.device)?;
        if let Some(best) = &self.best {
            module = module.with_weights(best)?;
        }
        let module = module.into_train(|name| self.problem.trained.contains_key(name));
        self.optimizer = optimizer(self.problem.recipe, &module);
        self.average = None;
        Ok(module)
    }

    /// Moving average of the weights (Polyak & Juditsky 1992); a young one leans on the present, as
    /// in Tan & Le 2019's training code.
    fn move_average(&mut self, weights: &Weights) {
        let updates = self.progress.updates as f64;
        let keep = self
            .problem
            .recipe
            .ema
            .min((1.0 + updates) / (10.0 + updates)) as f32;
        match &mut self.average {
            None => self.average = Some(weights.clone()),
            Some(average) => {
                for (name, values) in weights {
                    let old = average.get_mut(name).into_iter().flatten();
                    for (old, new) in old.zip(values) {
                        *old = keep * *old + (1.0 - keep) * new;
                    }
                }
            }
        }
    }

    fn close_epoch(&mut self, module: &TrainModule, epoch: usize) -> Result<()> {
        let mut eval = module.to_eval();
        if let Some(average) = &self.average {
            eval = eval.with_weights(average)?;
        }
        let (outputs, val_loss) = evaluate(
            self.problem.graph,
            &eval,
            self.problem.val,
            self.problem.val_targets,
            self.problem.recipe.batch,
        )?;
        let val_accuracy = self.problem.val_targets.share_right(&outputs);
        if let Some(accuracy) = self.train_accuracy(&eval)? {
            self.progress.watch.train_accuracy.push(accuracy);
        }
        self.progress.close(epoch, val_loss, val_accuracy);
        let lowest = self.progress.best_loss;
        if val_loss.is_finite() && lowest.is_none_or(|lowest| val_loss < lowest) {
            self.progress.best_loss = Some(val_loss);
            self.progress.best_epoch = epoch;
            self.best = Some(eval.weights()?);
        }
        Ok(())
    }

    /// On some of the training samples, spread over all of them.
    fn train_accuracy(&self, eval: &EvalModule) -> Result<Option<f64>> {
        let all = self.problem.train.len();
        let some: Vec<usize> = (0..all).step_by(all.div_ceil(JUDGED).max(1)).collect();
        let targets = self.problem.train_targets.rows(&some);
        let source = Selected::new(self.problem.train, &some);
        let batch = self.problem.recipe.batch;
        let (outputs, _) = evaluate(self.problem.graph, eval, &source, &targets, batch)?;
        Ok(targets.share_right(&outputs))
    }

    fn tell(&self, epoch: usize, samples: usize, observer: &mut dyn Observer) {
        let per_update = self.problem.recipe.batch * self.problem.recipe.accumulate;
        let done = (epoch - 1) * samples + (self.progress.step * per_update).min(samples);
        observer.progress(
            done as u64,
            &self.progress.words(self.problem.recipe.epochs),
        );
    }

    fn state(&self, module: &TrainModule) -> Result<State> {
        Ok(State {
            progress: self.progress.clone(),
            weights: module.to_eval().weights()?,
            best: self.best.clone(),
            average: self.average.clone(),
            optimizer: state::bytes_of(&self.optimizer)?,
        })
    }
}

/// Outputs (samples × outputs, row-major) and mean weighted loss of `module`, made from `graph`, on
/// clean samples, `batch` at a time.
///
/// # Errors
/// The module does not take the inputs.
pub fn evaluate(
    graph: &Graph,
    module: &EvalModule,
    source: &dyn Source,
    targets: &Targets,
    batch: usize,
) -> Result<(Vec<f32>, f64)> {
    let device = module.device();
    let inputs = Inputs::of(graph)?;
    let all: Vec<usize> = (0..source.len()).collect();
    let (mut outputs, mut loss) = (Vec::new(), 0.0);
    for samples in all.chunks(batch.max(1)) {
        let rows = source.rows(samples, 0)?;
        let values = inputs.of_rows(&rows, samples.len(), device)?;
        let made = only(module.forward(values)?, targets.outputs)?;
        outputs.extend(edgefit_burn::Value::from(made.clone()).to_vec()?);
        let sum = targets.rows(samples).loss(made, device)?;
        loss += f64::from(sum.into_scalar::<f32>());
    }
    Ok((outputs, loss / targets.mass().max(f64::MIN_POSITIVE)))
}
