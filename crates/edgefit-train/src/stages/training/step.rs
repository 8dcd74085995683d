//! One training step: forward, loss, backward, and the change of the weights.

use edgefit_burn::{EvalModule, Gradients, TrainModule, Weights};
use edgefit_guards::Step;
use edgefit_guards::module::global_norm;

use crate::error::Result;
use crate::prepare::read_ahead::Batches;
use crate::stages::training::inputs::first_output;
use crate::stages::training::loop_state::{LoopState, into_train};
use crate::stages::training::optimizer::optimizer;
use crate::stages::training::{mix, order, step_evidence};

/// Times that a non-finite step is rolled back, each time at half the learning rate, before the stage
/// is given up.
pub(crate) const ROLLBACKS: usize = 8;

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    Done,
    /// Its loss or gradient was non-finite.
    RolledBack,
}

impl LoopState<'_> {
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
        for batch in order::parts(group, recipe.batch, recipe) {
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
}
