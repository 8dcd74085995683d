//! Fitting a classifier to features that no longer change.

use edgefit_burn::burn::module::ParamGroup;
use edgefit_burn::burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use edgefit_burn::burn::tensor::activation::log_softmax;
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_burn::{EvalModule, Parameter, TrainModule, Value};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::events::Observer;
use crate::metrics::Metrics;
use crate::schedule::WarmupCosine;

/// Features and labels of some samples.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Samples × width, row-major.
    pub features: Vec<f32>,
    /// Class of each sample.
    pub labels: Vec<usize>,
}

impl Samples {
    fn width(&self) -> usize {
        self.features.len() / self.labels.len().max(1)
    }

    fn rows(&self, rows: &[usize]) -> Vec<f32> {
        let width = self.width();
        let row = |&row: &usize| &self.features[row * width..(row + 1) * width];
        rows.iter().flat_map(row).copied().collect()
    }
}

/// How a head is fitted.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Recipe {
    /// Most passes over the training samples.
    pub epochs: usize,
    /// Samples of a step.
    pub batch: usize,
    /// Highest learning rate.
    pub rate: f64,
    /// Decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101); never on the bias.
    pub weight_decay: f64,
    /// Epochs without a better validation loss before training ends.
    pub patience: usize,
    /// Seed of the order of samples.
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            epochs: 60,
            batch: 32,
            rate: 3e-3,
            weight_decay: 1e-2,
            patience: 15,
            seed: 0,
        }
    }
}

/// One pass over the training samples.
#[derive(Debug, Clone, Serialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean weighted loss of the steps.
    pub train_loss: f64,
    /// Loss on the validation samples, every class counting the same as in training.
    pub val_loss: f64,
    /// Accuracy on the validation samples.
    pub val_accuracy: f64,
    /// Learning rate of the last step.
    pub rate: f64,
}

/// A fitted head.
#[derive(Debug)]
pub struct Fit {
    /// The head with the weights of its best epoch.
    pub module: EvalModule,
    /// All epochs that ran.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: usize,
}

/// Weight of each class in the loss: `samples / (classes · count)`, so that every class counts the
/// same (King & Zeng 2001, as in scikit-learn's `balanced`). Classes without samples weigh 0.
pub fn class_weights(labels: &[usize], classes: usize) -> Vec<f32> {
    let mut counts = vec![0usize; classes];
    for &label in labels {
        counts[label] += 1;
    }
    let present = counts.iter().filter(|&&count| count > 0).count();
    counts
        .iter()
        .map(|&count| match count {
            0 => 0.0,
            count => labels.len() as f32 / (present * count) as f32,
        })
        .collect()
}

/// Bias with which an untrained head predicts the class prior that the weighted loss sees (Lin et
/// al. 2017, arXiv 1708.02002, section 4.1): log of each class's share of the weight.
pub fn log_prior_bias(labels: &[usize], weights: &[f32]) -> Vec<f32> {
    let mut mass = vec![0f32; weights.len()];
    for &label in labels {
        mass[label] += weights[label];
    }
    let total: f32 = mass.iter().sum();
    // A class that training never sees gets the prior of half a sample.
    let floor = 0.5 / labels.len().max(1) as f32;
    mass.iter()
        .map(|mass| (mass / total).max(floor).ln())
        .collect()
}

/// Fits `head`, a graph from (batch, features) to logits (batch, classes), by AdamW.
///
/// The weights of the epoch with the lowest validation loss are kept.
///
/// # Errors
/// The head does not run in burn, or the loss stops being a number.
pub fn fit(
    head: &Graph,
    train: &Samples,
    val: &Samples,
    weights: &[f32],
    recipe: &Recipe,
    observer: &mut dyn Observer,
) -> Result<Fit> {
    let device = Device::flex();
    let inputs = Inputs::of(head)?;
    let mut module = EvalModule::from_graph(head, &device)?.into_train(|_| true);
    let mut optimizer = optimizer(&module, recipe.weight_decay);
    let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
    let mut order: Vec<usize> = (0..train.labels.len()).collect();
    let steps = order.len().div_ceil(recipe.batch);
    let schedule = WarmupCosine::new(recipe.rate, recipe.epochs * steps);

    let mut epochs: Vec<Epoch> = Vec::new();
    let mut best: Option<(f64, EvalModule)> = None;
    let mut best_epoch = 0;
    let mut step = 0;
    for epoch in 1..=recipe.epochs {
        order.shuffle(&mut rng);
        let (mut train_loss, mut rate) = (0.0, 0.0);
        for batch in order.chunks(recipe.batch) {
            let labels: Vec<usize> = batch.iter().map(|&index| train.labels[index]).collect();
            let features = inputs.of_rows(&train.rows(batch), batch.len(), &device)?;
            let logits = only(module.forward(features)?, weights.len())?;
            let loss = cross_entropy(logits, &labels, weights, &device)?;
            let scalar = f64::from(loss.clone().into_scalar::<f32>());
            if !scalar.is_finite() {
                return Err(Error::Stopped(format!(
                    "the loss is {scalar} in epoch {epoch}; lower --lr (it is {})",
                    recipe.rate
                )));
            }
            train_loss += scalar;
            rate = schedule.rate(step);
            step += 1;
            let gradients = GradientsParams::from_grads(loss.backward(), &module);
            module = optimizer.step(rate, module, gradients);
        }
        let eval = module.to_eval();
        let (logits, val_loss) = evaluate(head, &eval, val, weights)?;
        let accuracy = Metrics::of(&logits, &val.labels, weights.len()).accuracy;
        epochs.push(Epoch {
            epoch,
            train_loss: train_loss / steps as f64,
            val_loss,
            val_accuracy: accuracy,
            rate,
        });
        observer.progress(epoch as u64, &format!("val {:.1} %", 100.0 * accuracy));
        if best.as_ref().is_none_or(|(lowest, _)| val_loss < *lowest) {
            best = Some((val_loss, eval));
            best_epoch = epoch;
        } else if epoch - best_epoch >= recipe.patience {
            break;
        }
    }
    let (_, module) =
        best.ok_or_else(|| Error::Stopped("no epoch was run; raise --epochs".into()))?;
    Ok(Fit {
        module,
        epochs,
        best_epoch,
    })
}

/// Logits (samples × classes, row-major) and weighted loss of `module`, made from the graph `head`,
/// on `samples`.
///
/// # Errors
/// The module does not take the features.
pub fn evaluate(
    head: &Graph,
    module: &EvalModule,
    samples: &Samples,
    weights: &[f32],
) -> Result<(Vec<f32>, f64)> {
    let device = module.device();
    let inputs = Inputs::of(head)?;
    let rows: Vec<usize> = (0..samples.labels.len()).collect();
    let (mut logits, mut loss, mut mass) = (Vec::new(), 0.0, 0.0);
    for rows in rows.chunks(EVALUATED) {
        let features = inputs.of_rows(&samples.rows(rows), rows.len(), device)?;
        let made = only(module.forward(features)?, weights.len())?;
        logits.extend(Value::from(made.clone()).to_vec()?);
        let labels: Vec<usize> = rows.iter().map(|&row| samples.labels[row]).collect();
        let part: f32 = labels.iter().map(|&label| weights[label]).sum();
        let mean = cross_entropy(made, &labels, weights, device)?.into_scalar::<f32>();
        loss += f64::from(mean) * f64::from(part);
        mass += f64::from(part);
    }
    Ok((logits, loss / mass.max(f64::MIN_POSITIVE)))
}

/// Samples that are evaluated at once.
const EVALUATED: usize = 256;

/// How a row of features is shared out among the inputs of a head.
struct Inputs(Vec<Vec<usize>>);

impl Inputs {
    fn of(head: &Graph) -> Result<Self> {
        let shapes = InputShapes::bind(head, 1, None)?.0.into_iter();
        let sample = |(_, dims): (String, Vec<usize>)| dims.into_iter().skip(1).collect();
        Ok(Inputs(shapes.map(sample).collect()))
    }

    /// The inputs for a number of row-major `rows`.
    fn of_rows(&self, rows: &[f32], count: usize, device: &Device) -> Result<Vec<Value>> {
        let width = rows.len() / count.max(1);
        let mut start = 0;
        self.0
            .iter()
            .map(|dims| {
                let length: usize = dims.iter().product();
                let own = |row: &[f32]| row.get(start..start + length).map(<[f32]>::to_vec);
                let values: Option<Vec<Vec<f32>>> = rows.chunks(width.max(1)).map(own).collect();
                start += length;
                let values = values.ok_or_else(|| {
                    Error::Stopped(format!(
                        "{width} features do not fill inputs of {:?}",
                        self.0
                    ))
                })?;
                value(
                    values.concat(),
                    &[&[count], dims.as_slice()].concat(),
                    device,
                )
            })
            .collect()
    }
}

fn optimizer(module: &TrainModule, weight_decay: f64) -> ModuleOptimizer {
    let config = AdamWConfig::new().with_epsilon(1e-8);
    let biases: Vec<Parameter> = module
        .parameters()
        .filter(|(_, parameter)| matches!(parameter, Parameter::R1(_)))
        .map(|(_, parameter)| parameter.clone())
        .collect();
    config
        .clone()
        .with_weight_decay(weight_decay as f32)
        .init()
        .with_group(
            ParamGroup::ids_from_module(biases),
            config.with_weight_decay(0.0).build(),
            None,
        )
}

/// Mean of −log p(label), each sample weighted by its class.
fn cross_entropy(
    logits: Tensor<2>,
    labels: &[usize],
    weights: &[f32],
    device: &Device,
) -> Result<Tensor<1>> {
    let classes = weights.len();
    let mut targets = vec![0f32; labels.len() * classes];
    for (row, &label) in labels.iter().enumerate() {
        targets[row * classes + label] = weights[label];
    }
    let total: f32 = targets.iter().sum();
    let targets = value(targets, &[labels.len(), classes], device)?;
    let targets: Tensor<2> = targets.try_into().map_err(Error::Stopped)?;
    let targets = match logits.is_autodiff() {
        true => targets.autodiff(),
        false => targets,
    };
    Ok((log_softmax(logits, 1) * targets).sum() / -total.max(f32::MIN_POSITIVE))
}

fn value(values: Vec<f32>, dims: &[usize], device: &Device) -> Result<Value> {
    Value::new(values, dims, device).map_err(Error::Stopped)
}

/// The logits, (batch, classes).
fn only(outputs: Vec<Value>, classes: usize) -> Result<Tensor<2>> {
    let Some(Value::Floats(logits)) = outputs.into_iter().next() else {
        return Err(Error::Stopped("the head makes no floats".into()));
    };
    let batch = logits.dims().iter().product::<usize>() / classes.max(1);
    let logits = logits.reshape(&[batch, classes]);
    logits.and_then(TryInto::try_into).map_err(Error::Stopped)
}

/// A linear head on its own: `classes` logits from `width` features, all zero but the bias.
pub fn linear(width: usize, bias: &[f32]) -> Graph {
    use edgefit_graph::{Attribute, Dim, Node, Tensor, ValueInfo};
    let mut graph = Graph::new("linear", 17);
    let batch = || Dim::Symbol("batch".into());
    let classes = bias.len();
    graph
        .inputs
        .push(ValueInfo::f32("features", vec![batch(), Dim::Known(width)]));
    graph
        .outputs
        .push(ValueInfo::f32("logits", vec![batch(), Dim::Known(classes)]));
    let weight = Tensor::from_values(vec![classes, width], &vec![0f32; classes * width]);
    graph.initializers.insert("weight".into(), weight);
    let bias = Tensor::from_values(vec![classes], bias);
    graph.initializers.insert("bias".into(), bias);
    graph.nodes.push(
        Node::new(
            "Gemm",
            "linear",
            &["features", "weight", "bias"],
            &["logits"],
        )
        .with("transB", Attribute::Int(1)),
    );
    graph
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Observer for Nobody {
        fn begin(&mut self, _: &str, _: u64) {}
        fn progress(&mut self, _: u64, _: &str) {}
        fn end(&mut self) {}
        fn warn(&mut self, _: &str) {}
    }

    /// Two classes, 1 : 4, that a line through the origin tells apart.
    fn samples(count: usize, phase: f32) -> Samples {
        let mut samples = Samples::default();
        for index in 0..count {
            let label = usize::from(index % 5 != 0);
            let side = if label == 0 { -1.0 } else { 1.0 };
            let noise = (index as f32 * 1.7 + phase).sin() * 0.4;
            samples.features.extend([side + noise, noise, 1.0]);
            samples.labels.push(label);
        }
        samples
    }

    #[test]
    fn a_separable_problem_is_learned_and_the_best_epoch_kept() {
        let (train, val) = (samples(50, 0.0), samples(20, 0.5));
        let weights = class_weights(&train.labels, 2);
        let bias = log_prior_bias(&train.labels, &weights);
        let head = linear(3, &bias);
        let recipe = Recipe {
            rate: 0.1,
            ..Recipe::default()
        };
        let fit = fit(&head, &train, &val, &weights, &recipe, &mut Nobody).unwrap();
        let (logits, loss) = evaluate(&head, &fit.module, &val, &weights).unwrap();
        assert_eq!(Metrics::of(&logits, &val.labels, 2).accuracy, 1.0);
        let lowest = fit
            .epochs
            .iter()
            .map(|epoch| epoch.val_loss)
            .fold(f64::MAX, f64::min);
        assert!((loss - lowest).abs() < 1e-6);
        assert_eq!(fit.epochs[fit.best_epoch - 1].val_loss, lowest);
    }

    #[test]
    fn an_untrained_head_has_the_loss_of_the_prior() {
        let train = samples(50, 0.0);
        for weights in [class_weights(&train.labels, 2), vec![1.0, 1.0]] {
            let bias = log_prior_bias(&train.labels, &weights);
            let head = linear(3, &bias);
            let module = EvalModule::from_graph(&head, &Device::flex()).unwrap();
            let (_, loss) = evaluate(&head, &module, &train, &weights).unwrap();
            // Entropy of the weighted prior: ½ and ½, or ⅕ and ⅘.
            let entropy = match weights[0] == 1.0 {
                false => 2f64.ln(),
                true => -(0.2 * 0.2f64.ln() + 0.8 * 0.8f64.ln()),
            };
            assert!((loss - entropy).abs() < 1e-5, "{loss} {entropy}");
        }
    }

    #[test]
    fn weights_make_classes_count_the_same() {
        assert_eq!(class_weights(&[0, 1, 1, 1], 3), [2.0, 2.0 / 3.0, 0.0]);
    }

    #[test]
    fn a_rate_that_blows_up_is_named() {
        let (train, val) = (samples(50, 0.0), samples(20, 0.5));
        let recipe = Recipe {
            rate: 1e38,
            ..Recipe::default()
        };
        let head = linear(3, &[0.0, 0.0]);
        let error = fit(&head, &train, &val, &[1.0, 1.0], &recipe, &mut Nobody).unwrap_err();
        assert!(error.to_string().contains("--lr"), "{error}");
    }
}
