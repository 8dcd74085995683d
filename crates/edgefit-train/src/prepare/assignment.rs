//! What each sample is used for.

use edgefit_data::{Dataset, Sample, Split, split, split_groups};
use edgefit_graph::Task;

use crate::config::job::Job;
use crate::error::Result;

/// What each of some samples is used for: every class in every split, every group in one.
///
/// # Errors
/// A class has too few of them, or is in too few groups.
pub(crate) fn assign(job: &Job, dataset: &Dataset, samples: &[&Sample]) -> Result<Vec<Split>> {
    let classes: Vec<usize> = samples.iter().map(|sample| sample.class).collect();
    let given: Vec<Option<Split>> = samples.iter().map(|sample| sample.split).collect();
    let too_few = |class: usize, count: usize| {
        let noun = match count {
            1 => dataset.noun().trim_end_matches('s'),
            _ => dataset.noun(),
        };
        edgefit_data::Error::Dataset {
            path: dataset.root.clone(),
            problem: match dataset.task {
                Task::Classes => format!(
                    "class '{}' has {count} readable {noun} to train on, too few to hold some out; add \
                     some, or remove the class",
                    dataset.classes[class],
                ),
                _ => format!(
                    "has {count} readable {noun} to train on, too few to hold some out; add some"
                ),
            },
        }
    };
    let absent = (0..dataset.classes.len()).find(|class| !classes.contains(class));
    if let (Task::Classes, Some(class)) = (dataset.task, absent) {
        return Err(too_few(class, 0).into());
    }
    let groups: Vec<Option<usize>> = samples.iter().map(|sample| sample.group).collect();
    if groups.iter().any(Option::is_some) {
        let splits = split_groups(&classes, &groups, &given, job.recipe.seed);
        return Ok(splits.map_err(|(class, count)| too_few_groups(dataset, class, count))?);
    }
    let splits = split(&classes, &given, job.recipe.seed);
    Ok(splits.map_err(|(class, count)| too_few(class, count))?)
}

fn too_few_groups(dataset: &Dataset, class: usize, count: usize) -> edgefit_data::Error {
    let what = match dataset.task {
        Task::Classes => format!("class '{}' is", dataset.classes[class]),
        _ => "the samples are".to_owned(),
    };
    edgefit_data::Error::Dataset {
        path: dataset.root.clone(),
        problem: format!(
            "{what} in too few groups ({count}) for train, val and test to have some each; add groups, \
             split the data yourself (x_train, x_val, x_test), or leave groups out"
        ),
    }
}
