use crate::error::Result;
use crate::events::Observer;
use crate::fit::{Problem, Run, order};
use crate::schedule::Schedule;

/// Trains `problem` with one of `rates` in each step, epoch after epoch, and gives the mean loss of each
/// step before it. It ends before its time where a loss is no number, where `enough` says so of the
/// losses so far, or where the user wants it to.
///
/// # Errors
/// burn cannot run the graph, or a sample cannot be read.
pub(crate) fn rising(
    problem: &Problem,
    rates: &[f64],
    enough: impl Fn(&[f64]) -> bool,
    observer: &mut dyn Observer,
) -> Result<Vec<f64>> {
    let (mut run, mut module) = Run::start(problem, None)?;
    let group = problem.recipe.batch * problem.recipe.accumulate;
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut epoch = 0;
    for (step, &rate) in rates.iter().enumerate() {
        if groups.is_empty() {
            epoch += 1;
            run.progress.step = 0;
            let mut rng = run.chance.stream(epoch, 0);
            let order = order::order(problem.train_targets, problem.sampling, &mut rng);
            groups = order.chunks(group).rev().map(<[usize]>::to_vec).collect();
        }
        let Some(group) = groups.pop() else {
            break;
        };
        run.schedule = Schedule::constant(rate);
        let moved;
        (module, moved) = run.update(module, epoch, &group)?;
        let losses = &run.progress.watch.losses;
        if !moved || enough(losses) || observer.stop() {
            break;
        }
        let loss = losses.last().copied().unwrap_or(f64::NAN);
        let words = format!("rate {rate:.1e}, loss {loss:.3}");
        observer.progress(step as u64 + 1, &words);
    }
    Ok(run.progress.watch.losses)
}
