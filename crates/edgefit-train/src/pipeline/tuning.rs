//! Tuning in a run: from the checkpoint, or done now and kept there.

use edgefit_base::file::WriteError;

use crate::config::job::Job;
use crate::config::recipe::Recipe;
use crate::error::Result;
use crate::pipeline::session::{Completion, Session};
use crate::prepare::model::Model;
use crate::run::event::Event;
use crate::run::folder::RunFolder;
use crate::stages::trainer::Trainer;
use crate::stages::tune::search;

/// What is trained after tuning.
pub(crate) struct TunedJob {
    /// The job, with what was chosen in its recipe.
    pub job: Job,
    /// Learning rate of the first stage, instead of the recipe's.
    pub first_learning_rate: Option<f64>,
    /// Whether something was chosen, if that was asked for.
    pub completion: Completion,
}

/// Does what the job says about tuning, unless the checkpoint has the result, and writes the recipe
/// into the run folder as `recipe.toml`.
///
/// # Errors
/// A candidate cannot be trained, or the run folder cannot be written.
pub(crate) fn tune(trainer: &Trainer, model: &Model, session: &mut Session) -> Result<TunedJob> {
    let mut tuned = TunedJob {
        job: trainer.job.clone(),
        first_learning_rate: trainer.first_learning_rate,
        completion: Completion::Complete,
    };
    let Some(count) = trainer.job.tune else {
        return Ok(tuned);
    };
    if session.checkpoint.tuning.is_none() {
        let Some(tuning) = search(trainer, model, count, session.observer)? else {
            tuned.completion = Completion::Interrupted;
            return Ok(tuned);
        };
        session
            .run
            .events
            .append(&Event::Tuning { tuning: &tuning });
        session.checkpoint.tuning = Some(tuning);
        session.run.save(&mut session.checkpoint)?;
    }
    if let Some(tuning) = &session.checkpoint.tuning {
        tuning.apply_to(&mut tuned.job.recipe);
        tuned.first_learning_rate = None;
        write(&tuned.job.recipe, &session.run)?;
    }
    Ok(tuned)
}

fn write(recipe: &Recipe, run: &RunFolder) -> Result<()> {
    let text = text(recipe).map_err(|error| WriteError {
        path: run.path("recipe.toml"),
        source: std::io::Error::other(error),
    })?;
    run.write("recipe.toml", |file| file.write_all(text.as_bytes()))
}

/// A recipe that trains with what was chosen, and searches no other learning rate.
fn text(recipe: &Recipe) -> Result<String, toml::ser::Error> {
    let recipe = Recipe {
        learning_rate_search: false,
        ..recipe.clone()
    };
    let text = toml::to_string(&recipe)?;
    Ok(format!(
        "# What `--tune` chose for stage probe, for `--recipe`.\n\n{text}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_that_was_chosen_is_not_searched_again() {
        let chosen = Recipe::default();
        assert!(chosen.learning_rate_search);
        let written = Recipe::parse(&text(&chosen).unwrap()).unwrap();
        let expected = Recipe {
            learning_rate_search: false,
            ..chosen
        };
        assert_eq!(written, expected);
    }
}
