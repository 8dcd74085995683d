//! The loop: epochs of steps, each a change of the weights.

use edgefit_burn::burn::optim::ModuleOptimizer;
use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Gradients, TrainModule, Weights};
use edgefit_guards::module::global_norm;
use edgefit_guards::{Step, TrainingWatch};

use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::read_ahead::{Batches, Readers};
use crate::stages::fit::epoch::Ended;
use crate::stages::fit::evaluate::evaluate;
use crate::stages::fit::inputs::{Inputs, first_output};
use crate::stages::fit::keeper::{Keeper, Urgency};
use crate::stages::fit::optimizer::{LearningRates, optimizer};
use crate::stages::fit::problem::Problem;
use crate::stages::fit::random_stream::RandomStreams;
use crate::stages::fit::state::{self, Progress, State};
use crate::stages::fit::train_accuracy::TrainAccuracy;
use crate::stages::fit::{mix, order, step_evidence};
use crate::stages::schedule::Schedule;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    Done,
    /// Its loss or gradient was non-finite.
    RolledBack,
}

/// Where a stage reports to and is kept.
pub(crate) struct Hooks<'a> {
    pub observer: &'a mut dyn Observer,
    pub keeper: &'a mut dyn Keeper,
}

/// Times that a non-finite step is rolled back, each time at half the learning rate, before the stage
/// is given up.
const ROLLBACKS: usize = 8;

#[derive(Default)]
struct Kept {
    best: Option<Weights>,
    average: Option<Weights>,
    optimizer: Option<Vec<u8>>,
}

pub(crate) struct Run<'a> {
    problem: &'a Problem<'a>,
    pub device: Device,
    inputs: Inputs,
    learning_rates: LearningRates,
    pub train_accuracy: TrainAccuracy,
    pub schedule: Schedule,
    pub random: RandomStreams,
    optimizer: ModuleOptimizer,
    pub best: Option<Weights>,
    average: Option<Weights>,
    pub progress: Progress,
}

impl<'a> Run<'a> {
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
        let samples = problem.recipe.batch * problem.recipe.accumulate;
        let updates = problem.train.len().div_ceil(samples);
        let run = Run {
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
        Ok((run, module))
    }

    pub fn all(&mut self, mut module: TrainModule, hooks: &mut Hooks) -> Result<Ended> {
        let recipe = self.problem.recipe;
        let reads_files = self.problem.train.reads_files();
        let readers = reads_files.then(Readers::new).transpose()?;
        while self.progress.epochs.len() < recipe.epochs {
            let epoch = self.progress.epochs.len() + 1;
            let mut rng = self.random.stream(epoch, 0);
            let order = order::order(self.problem.train_targets, self.problem.sampling, &mut rng);
            let groups = order.chunks(recipe.batch * recipe.accumulate);
            let groups: Vec<&[usize]> = groups.skip(self.progress.step).collect();
            let ended;
            (module, ended) = match &readers {
                Some(readers) => {
                    let batches = groups.iter().flat_map(|group| group.chunks(recipe.batch));
                    let batches: Vec<&[usize]> = batches.collect();
                    readers.ahead(self.problem.train, &batches, epoch, |rows| {
                        self.steps(module, &groups, rows, hooks)
                    })?
                }
                None => {
                    let rows = Batches::Now(self.problem.train);
                    self.steps(module, &groups, &rows, hooks)?
                }
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            self.close_epoch(&module, epoch)?;
            if let Some(closed) = self.progress.epochs.last() {
                hooks.keeper.epoch(closed);
            }
            hooks.keeper.state(&|| self.state(&module), Urgency::Soon)?;
            let waited = epoch - self.progress.best_epoch;
            if recipe.patience > 0 && waited >= recipe.patience {
                return Ok(Ended::Patience);
            }
        }
        Ok(Ended::Finished)
    }

    /// The steps of the present epoch that are left, by the samples of `groups`; and why they were the last.
    fn steps(
        &mut self,
        mut module: TrainModule,
        groups: &[&[usize]],
        rows: &Batches,
        hooks: &mut Hooks,
    ) -> Result<(TrainModule, Option<Ended>)> {
        let epoch = self.progress.epochs.len() + 1;
        for group in groups {
            let update;
            (module, update) = self.update(module, epoch, group, rows)?;
            if update == Update::RolledBack && self.progress.rollbacks > ROLLBACKS {
                return Ok((module, Some(Ended::Diverged)));
            }
            let stop = hooks.observer.stop();
            let urgency = if stop { Urgency::Now } else { Urgency::Soon };
            hooks.keeper.state(&|| self.state(&module), urgency)?;
            if stop {
                return Ok((module, Some(Ended::Interrupted)));
            }
            self.report(epoch, hooks.observer);
        }
        Ok((module, None))
    }

    /// One change of the weights, by the samples of `group`, whose rows come next.
    pub fn update(
        &mut self,
        module: TrainModule,
        epoch: usize,
        group: &[usize],
        rows: &Batches,
    ) -> Result<(TrainModule, Update)> {
        let mut module = module;
        let recipe = self.problem.recipe;
        self.progress.step += 1;
        let mut rng = self.random.stream(epoch, self.progress.step);
        self.device.seed(rand::RngExt::random(&mut rng));
        let mut sum: Option<Gradients> = None;
        let (mut loss, mut mass) = (0.0, 0.0);
        for batch in group.chunks(recipe.batch) {
            let rows = rows.next(batch, epoch)?;
            let targets = self.problem.train_targets.rows(batch);
            let image = self.inputs.image();
            let taught = match self.problem.answers {
                Some(answers) => {
                    let outputs = answers.rows(batch, epoch)?;
                    targets.clone().taught(&outputs, recipe.teacher as f32)
                }
                None => targets.clone(),
            };
            let (rows, mixed) = mix::mix(recipe, image, rows, taught, &mut rng);
            let smoothed = mixed.smoothed(recipe.label_smoothing as f32);
            let values = self.inputs.of_rows(&rows, batch.len(), &self.device)?;
            let smoothed = match self.problem.teacher {
                Some(teacher) => teacher.taught(smoothed, values.clone())?,
                None => smoothed,
            };
            let outputs = first_output(module.forward(values)?, smoothed.outputs)?;
            if recipe.mixup == 0.0 && recipe.cutmix == 0.0 {
                let made = edgefit_burn::Value::from(outputs.clone().inner()).to_vec()?;
                self.progress.count(&targets, &made);
            }
            let total = smoothed.loss(outputs, &self.device)?;
            loss += f64::from(total.clone().inner().into_scalar::<f32>());
            mass += smoothed.mass();
            let gradients = Gradients::of(&total, &mut module)?;
            sum = Some(match sum {
                Some(sum) => sum.plus(&module, gradients)?,
                None => gradients,
            });
        }
        // All classes of the batch have weight 0: there is no gradient.
        let (Some(sum), true) = (sum, mass > 0.0) else {
            return Ok((module, Update::Done));
        };
        let gradients = sum.scaled(&module, 1.0 / mass);
        let figures = step_evidence::gradients(&module, &gradients);
        let learning_rate = self.progress.damping() * self.schedule.rate(self.progress.updates);
        let step = Step {
            loss: loss / mass,
            learning_rate,
            gradients: &figures,
        };
        if self.progress.watch.step(&step).is_some() {
            if self.progress.rollbacks < ROLLBACKS {
                self.progress.watch.rolled_back();
            }
            return Ok((self.roll_back()?, Update::RolledBack));
        }
        self.progress.loss += loss;
        self.progress.mass += mass;
        let norm = global_norm(&figures);
        let gradients = match recipe.clip {
            clip if clip > 0.0 && norm > clip => gradients.scaled(&module, clip / norm),
            _ => gradients,
        };
        let wanted = self.progress.watch.wants_updates();
        let before = wanted.then(|| module.clone());
        let learning_rates = self.learning_rates.at(learning_rate);
        module = self
            .optimizer
            .step(learning_rates, module, gradients.into_params());
        if let Some(before) = before {
            let updates = step_evidence::updates(&before, &module, self.problem.trained);
            self.progress.watch.updates(&updates);
        }
        if recipe.ema > 0.0 {
            self.move_average(&module.to_eval().weights()?);
        }
        self.progress.updates += 1;
        self.progress.learning_rate = learning_rate;
        Ok((module, Update::Done))
    }

    /// The best weights so far, at half the learning rate and with a new optimizer.
    fn roll_back(&mut self) -> Result<TrainModule> {
        self.progress.rollbacks += 1;
        let mut module = EvalModule::from_graph(self.problem.graph, &self.device)?;
        if let Some(best) = &self.best {
            module = module.with_weights(best)?;
        }
        let module = into_train(module, self.problem);
        self.optimizer = optimizer(self.problem.recipe, &module);
        self.average = None;
        Ok(module)
    }

    /// Moving average of the weights (Polyak & Juditsky 1992); its decay starts low, as in the
    /// training code of Tan & Le 2019.
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
        let val_accuracy = self.problem.val_targets.accuracy(&outputs);
        if let Some(accuracy) = self.train_accuracy.measure(self.problem, &eval)? {
            self.progress.train_accuracy.push(accuracy);
        }
        self.progress.close(epoch, val_loss, val_accuracy);
        let lowest = self.progress.best_loss;
        let is_best = val_loss.is_finite() && lowest.is_none_or(|lowest| val_loss < lowest);
        let losses = self.problem.val_targets.losses(&outputs)?;
        self.progress.val_losses.close(losses, is_best);
        if is_best {
            self.progress.best_loss = Some(val_loss);
            self.progress.best_epoch = epoch;
            self.best = Some(eval.weights()?);
        }
        Ok(())
    }

    fn report(&self, epoch: usize, observer: &mut dyn Observer) {
        let samples = self.problem.train.len();
        let per_update = self.problem.recipe.batch * self.problem.recipe.accumulate;
        let done = (epoch - 1) * samples + (self.progress.step * per_update).min(samples);
        observer.progress(
            done as u64,
            &self.progress.status(self.problem.recipe.epochs),
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

fn into_train(module: EvalModule, problem: &Problem) -> TrainModule {
    let module = module.into_train(|name| problem.trained.contains_key(name));
    module.recomputing(problem.recomputation.clone())
}
