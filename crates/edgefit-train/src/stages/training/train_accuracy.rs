//! Accuracy on training samples as they are, in eval mode, after each epoch: what the guards compare with that on the
//! validation samples.

use edgefit_burn::EvalModule;
use edgefit_graph::Task;

use crate::config::stage_name::StageName;
use crate::error::Result;
use crate::prepare::source::Selected;
use crate::prepare::targets::Targets;
use crate::stages::training::evaluate::evaluate;
use crate::stages::training::problem::Problem;

/// Training samples on which it is measured, at most.
const MOST: usize = 512;

/// The training samples on which it is measured.
pub(crate) struct TrainAccuracy {
    /// Spread over all of them; none for regression.
    samples: Vec<usize>,
    targets: Targets,
}

impl TrainAccuracy {
    /// Of a linear probe, whose forward pass costs next to nothing, on up to [`MOST`] samples; of other stages on
    /// as many as there are validation samples: the difference of two accuracies is hardly more certain
    /// than the smaller sample makes it, and the pass is that of whole blocks.
    pub fn of(problem: &Problem) -> Self {
        let most = match problem.stage {
            StageName::Probe => MOST,
            _ => problem.val.len().clamp(1, MOST),
        };
        let all = match problem.train_targets.task {
            Task::Regression => 0,
            _ => problem.train.len(),
        };
        let samples: Vec<usize> = (0..all).step_by(all.div_ceil(most).max(1)).collect();
        TrainAccuracy {
            targets: problem.train_targets.rows(&samples),
            samples,
        }
    }

    /// Number of samples on which it is measured.
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    /// The accuracy of `eval`; `None` for regression.
    pub fn measure(&self, problem: &Problem, eval: &EvalModule) -> Result<Option<f64>> {
        if self.samples.is_empty() {
            return Ok(None);
        }
        let source = Selected::new(problem.train, &self.samples);
        let batch = problem.recipe.batch;
        let (outputs, _) = evaluate(problem.graph, eval, &source, &self.targets, batch)?;
        Ok(self.targets.accuracy(&outputs))
    }
}
