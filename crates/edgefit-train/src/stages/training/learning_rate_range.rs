//! Training with a learning rate that rises from step to step.

use crate::error::Result;
use crate::observer::Observer;
use crate::prepare::read_ahead::Batches;
use crate::stages::schedule::Schedule;
use crate::stages::training::loop_state::LoopState;
use crate::stages::training::order;
use crate::stages::training::problem::Problem;
use crate::stages::training::step::Update;

/// Trains `problem` with one of `learning_rates` in each step, epoch after epoch, and gives the mean
/// loss of each step before it. It ends early where a loss is non-finite, where `enough` says so of
/// the losses so far, or where the user wants it to.
///
/// # Errors
/// burn cannot run the graph, or a sample cannot be read.
pub(crate) fn range_test(
    problem: &Problem,
    learning_rates: &[f64],
    enough: impl Fn(&[f64]) -> bool,
    observer: &mut dyn Observer,
) -> Result<Vec<f64>> {
    let (mut run, mut module) = LoopState::start(problem, None)?;
    let group = problem.recipe.batch * problem.recipe.accumulate;
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut epoch = 0;
    let rows = Batches::Now(problem.train);
    for (step, &learning_rate) in learning_rates.iter().enumerate() {
        if groups.is_empty() {
            epoch += 1;
            run.progress.step = 0;
            let mut rng = run.random.stream(epoch, 0);
            let order = order::order(problem.train_targets, problem.sampling, &mut rng);
            let parts = order::parts(&order, group, problem.recipe);
            groups = parts.map(<[usize]>::to_vec).collect();
            groups.reverse();
        }
        let Some(group) = groups.pop() else {
            break;
        };
        run.schedule = Schedule::constant(learning_rate);
        let step_taken;
        (module, step_taken) = run.update(module, epoch, &group, &rows)?;
        let losses = run.progress.watch.losses();
        if step_taken == Update::RolledBack || enough(losses) || observer.stop() {
            break;
        }
        let loss = losses.last().copied().unwrap_or(f64::NAN);
        let status = format!("learning rate {learning_rate:.1e}, loss {loss:.3}");
        observer.progress(step as u64 + 1, &status);
    }
    Ok(run.progress.watch.losses().to_vec())
}
