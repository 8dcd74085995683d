//! Watches the steps of a training loop, for EF10, EF13 and EF14.

#[cfg(test)]
mod tests;
mod weight;

use serde::{Deserialize, Serialize};

use crate::ef10_hyperparameters::MeanLoss;
use crate::module::{ParameterGradient, Update, WEIGHT_RANK};
use crate::{Finding, ef10_hyperparameters, ef13_monitoring, ef14_gradients};
use weight::Weight;

/// Means of losses that a run is summarised by, to see it oscillate.
const LOSS_MEANS: usize = 20;
/// Steps of a mean, at least: fewer do not tell how much batches differ.
const FEWEST_OF_A_MEAN: usize = 4;
/// One step in so many has its updates compared with the weights.
const EVERY: usize = 10;

/// One step of training, before the optimizer makes it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Its loss.
    pub loss: f64,
    /// Its learning rate; the highest, where parameters have different ones.
    pub learning_rate: f64,
    /// Its gradients, by [`module::gradients`](crate::module::gradients).
    pub gradients: &'a [ParameterGradient],
}

/// Watches a training loop that feeds it once a step, for EF10, EF13 and EF14. It can be serialised
/// with the rest of a checkpoint.
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::optim::{AdamConfig, GradientsParams};
/// use burn::tensor::{Device, Distribution, Tensor};
/// use edgefit_guards::{Code, Findings, Step, TrainingWatch, module};
///
/// let device = Device::flex().autodiff();
/// let mut net = LinearConfig::new(4, 1).init(&device);
/// let x = Tensor::<2>::random([32, 4], Distribution::Normal(0.0, 1.0), &device);
/// let y = x.clone().sum_dim(1) + 3.0;
/// let untrained_loss = (y.clone() * y.clone()).mean().into_scalar::<f64>();
///
/// // Far too small: nothing will be learnt.
/// let learning_rate = 1e-9;
/// let mut optimizer = AdamConfig::new().init();
/// let mut watch = TrainingWatch::default();
/// for _ in 0..100 {
///     let error = net.forward(x.clone()) - y.clone();
///     let loss = (error.clone() * error).mean();
///     let gradients = GradientsParams::from_grads(loss.backward(), &net);
///     let figures = module::gradients(&net, &gradients);
///     let step = Step { loss: loss.into_scalar(), learning_rate, gradients: &figures };
///     if watch.step(&step).is_some() {
///         break; // not finite
///     }
///     let before = watch.wants_updates().then(|| net.clone());
///     net = optimizer.step(learning_rate, net, gradients);
///     if let Some(before) = before {
///         watch.updates(&module::updates(&before, &net));
///     }
/// }
/// let mut findings = Findings::default();
/// findings.extend(watch.findings(untrained_loss));
/// assert_eq!(findings.stops().unwrap().code, Code::Ef10);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingWatch {
    name: String,
    losses: Vec<f64>,
    learning_rates: Vec<f64>,
    weights: Vec<Weight>,
    non_finite: Vec<ef14_gradients::NonFinite>,
    #[serde(default)]
    start: Start,
}

/// What training begins with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Start {
    /// Weights that have something to learn.
    #[default]
    Untrained,
    /// Weights that serve already.
    Trained,
}

impl Default for TrainingWatch {
    fn default() -> Self {
        TrainingWatch::new("the run")
    }
}

impl TrainingWatch {
    /// A watch for a run, or for a part of one that findings call `name`, such as `stage probe`; [`Default`] calls
    /// it `the run`.
    pub fn new(name: impl Into<String>) -> Self {
        TrainingWatch {
            name: name.into(),
            losses: Vec::new(),
            learning_rates: Vec::new(),
            weights: Vec::new(),
            non_finite: Vec::new(),
            start: Start::default(),
        }
    }

    /// The same for training that begins with weights that serve already, as those of a quantised model do: no step
    /// is too small there.
    pub fn from_trained(self) -> Self {
        TrainingWatch {
            start: Start::Trained,
            ..self
        }
    }

    /// Adds a step. A loss or gradient that is not finite is found at once, and the step is not
    /// counted: end training, or restore earlier weights, lower the learning rate and call
    /// [`TrainingWatch::rolled_back`].
    pub fn step(&mut self, step: &Step) -> Option<Finding> {
        if let Some(place) = non_finite(step) {
            let broken = ef14_gradients::NonFinite {
                step: self.losses.len(),
                place: format!("{place} of {}", self.name),
                rolled_back: false,
            };
            let finding = ef14_gradients::check_finite(std::slice::from_ref(&broken));
            self.non_finite.push(broken);
            return Some(finding);
        }
        self.losses.push(step.loss);
        self.learning_rates.push(step.learning_rate);
        let gradients = step.gradients.iter();
        for gradient in gradients.filter(|gradient| gradient.rank >= WEIGHT_RANK) {
            self.weight(&gradient.name).push_gradient(gradient.mean_abs);
        }
        None
    }

    /// Says that the last step that was not finite was rolled back, and the learning rate lowered.
    pub fn rolled_back(&mut self) {
        if let Some(broken) = self.non_finite.last_mut() {
            broken.rolled_back = true;
        }
    }

    /// Whether the weights before and after the step that was just added should be compared, which
    /// is so for one step in ten. Keep a clone of the module then.
    pub fn wants_updates(&self) -> bool {
        self.losses.len() % EVERY == 1
    }

    /// Adds how far the last step moved the weights, by [`module::updates`](crate::module::updates).
    pub fn updates(&mut self, updates: &[Update]) {
        for update in updates {
            self.weight(&update.name).push_update(update);
        }
    }

    /// The loss of each step that was finite.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The learning rate of each step that was finite.
    pub fn learning_rates(&self) -> &[f64] {
        &self.learning_rates
    }

    /// What EF10, EF13 and EF14 find in the steps so far. `untrained_loss` is the loss of a model
    /// that has learnt nothing, such as the entropy of the class prior.
    pub fn findings(&self, untrained_loss: f64) -> Vec<Finding> {
        let layers: Vec<_> = self.weights.iter().map(Weight::gradients).collect();
        // Where the gradient vanishes it is not the learning rate that keeps a weight in its place.
        let moved = self.weights.iter().zip(&layers);
        let moved = moved.filter(|(_, layer)| ef14_gradients::vanishes(layer).is_none());
        let updates: Vec<_> = moved.map(|(weight, _)| weight.updates()).collect();
        let smallest = match self.start {
            Start::Untrained => ef10_hyperparameters::UPDATE[0],
            Start::Trained => f64::NEG_INFINITY,
        };
        let learning_rate = self.learning_rates.iter().copied().fold(0.0, f64::max);
        let length = self.losses.len().div_ceil(LOSS_MEANS).max(FEWEST_OF_A_MEAN);
        let losses = self.losses.chunks_exact(length).map(MeanLoss::of);
        let losses: Vec<MeanLoss> = losses.collect();
        vec![
            ef10_hyperparameters::check_updates(learning_rate, &updates, smallest),
            ef10_hyperparameters::check_loss(&losses),
            ef10_hyperparameters::check_height(learning_rate, &self.losses, untrained_loss),
            ef13_monitoring::check_loss(&self.losses, untrained_loss),
            ef14_gradients::check_layers(&layers),
            ef14_gradients::check_finite(&self.non_finite),
        ]
    }

    fn weight(&mut self, name: &str) -> &mut Weight {
        let known = self.weights.iter().position(|weight| weight.name == name);
        let index = known.unwrap_or_else(|| {
            self.weights.push(Weight::new(name));
            self.weights.len() - 1
        });
        &mut self.weights[index]
    }
}

fn non_finite(step: &Step) -> Option<String> {
    if !step.loss.is_finite() {
        return Some("the loss".into());
    }
    let broken = step.gradients.iter().find(|gradient| !gradient.is_finite());
    broken.map(|gradient| format!("the gradient of {}", gradient.name))
}
