use edgefit_burn::burn::tensor::Device;
use edgefit_burn::{EvalModule, Gradients};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::fit::Problem;
use crate::fit::chance::Chance;
use crate::fit::inputs::{Inputs, only};
use crate::fit::optimizer::optimizer;
use crate::fit::order;

/// What a learning-rate range test saw (Smith 2017, Cyclical Learning Rates, section 3.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RangeTest {
    /// The lowest and the highest rate that were tried.
    pub tried: [f64; 2],
    /// The rate at which the loss fell fastest, over powers of ten.
    pub steepest: f64,
}

/// How far from the steepest rate another may be.
const FAR: f64 = 10.0;

impl RangeTest {
    /// `rate`, unless it is more than a power of ten from where the loss falls fastest.
    pub fn instead_of(&self, rate: f64) -> f64 {
        match (self.steepest / FAR..=self.steepest * FAR).contains(&rate) {
            true => rate,
            false => self.steepest,
        }
    }
}

/// Rates that are tried.
const RANGE: [f64; 2] = [1e-6, 10.0];

/// Steps from one end to the other.
const STEPS: usize = 100;

/// The test ends when the smoothed loss is this many times the lowest.
const BLOWN_UP: f64 = 4.0;

/// Weight of the past in the smoothed loss.
const SMOOTHING: f64 = 0.9;

/// Trains for a hundred steps while the rate grows from one end of the range to the other. The weights
/// are thrown away.
///
/// # Errors
/// burn cannot run the graph, or a sample cannot be read.
pub(crate) fn range_test(problem: &Problem) -> Result<RangeTest> {
    let device = Device::flex();
    let module = EvalModule::from_graph(problem.graph, &device)?;
    let mut module = module.into_train(|name| problem.trained.contains_key(name));
    let mut optimizer = optimizer(problem.recipe, &module);
    let inputs = Inputs::of(problem.graph)?;
    let chance = Chance {
        seed: problem.seed,
        stage: problem.stage,
    };
    let growth = (RANGE[1] / RANGE[0]).powf(1.0 / (STEPS - 1) as f64);
    let (mut rate, mut average, mut losses) = (RANGE[0], 0.0, Vec::new());
    let mut waiting: Vec<usize> = Vec::new();
    let mut epoch = 0;
    while losses.len() < STEPS {
        if waiting.is_empty() {
            epoch += 1;
            let mut rng = chance.stream(epoch, 0);
            waiting = order::order(problem.train_targets, problem.sampling, &mut rng);
        }
        let left = waiting.split_off(problem.recipe.batch.min(waiting.len()));
        let batch = std::mem::replace(&mut waiting, left);
        let rows = problem.train.rows(&batch, epoch)?;
        let targets = problem.train_targets.rows(&batch);
        let values = inputs.of_rows(&rows, batch.len(), &device)?;
        let outputs = only(module.forward(values)?, targets.outputs)?;
        let loss = targets.loss(outputs, &device)? / targets.mass().max(f64::MIN_POSITIVE);
        let now = f64::from(loss.clone().inner().into_scalar::<f32>());
        average = SMOOTHING * average + (1.0 - SMOOTHING) * now;
        // A young average leans towards 0 (Kingma & Ba 2015, section 3).
        let smoothed = average / (1.0 - SMOOTHING.powi(losses.len() as i32 + 1));
        let lowest = losses
            .iter()
            .map(|(_, loss)| *loss)
            .fold(smoothed, f64::min);
        if !now.is_finite() || smoothed > BLOWN_UP * lowest {
            break;
        }
        losses.push((rate, smoothed));
        let gradients = Gradients::of(&loss, &module);
        module = optimizer.step(rate, module, gradients.into_params());
        rate *= growth;
    }
    let fall = |pair: &[(f64, f64)]| pair[0].1 - pair[1].1;
    let steepest = losses.windows(2).max_by(|a, b| fall(a).total_cmp(&fall(b)));
    Ok(RangeTest {
        tried: [RANGE[0], losses.last().map_or(RANGE[0], |(rate, _)| *rate)],
        steepest: steepest.map_or(RANGE[0], |pair| pair[0].0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::Cached;
    use crate::linear::linear;
    use crate::recipe::{Recipe, Sampling, StageName};
    use crate::task::Targets;

    #[test]
    fn small_features_want_large_rates() {
        let labels: Vec<usize> = (0..64).map(|at| at % 2).collect();
        let targets = Targets::of_classes(&labels, &[1.0, 1.0]);
        let recipe = Recipe::default().probe;
        let steepest = |scale: f32| {
            let row = |at: &usize| [scale, if *at == 0 { -scale } else { scale }];
            let rows = Cached::new(2, vec![labels.iter().flat_map(row).collect()]);
            let graph = linear(2, &[0.0, 0.0]);
            let problem = Problem {
                graph: &graph,
                trained: &[("weight".to_owned(), 1.0), ("bias".to_owned(), 1.0)].into(),
                train: &rows,
                train_targets: &targets,
                val: &rows,
                val_targets: &targets,
                recipe: &recipe,
                sampling: Sampling::Shuffled,
                seed: 0,
                stage: StageName::Probe,
            };
            range_test(&problem).unwrap().steepest
        };
        let (large, small) = (steepest(10.0), steepest(0.1));
        assert!(large * 10.0 < small, "{large} {small}");
    }
}
