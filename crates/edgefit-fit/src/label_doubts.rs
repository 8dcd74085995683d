//! Labels that a linear probe on the features of a backbone doubts.
//!
//! Confident learning (Northcutt, Jiang & Chuang 2021, section 3.1): a sample counts to the likeliest of the
//! classes whose probability is at least what samples with that label have on average; where that one is likelier
//! than its own label, the label is in doubt. Probabilities are cross-validated.

use edgefit_data::{LabelDoubt, LabelDoubts};
use edgefit_graph::rewrite::extract;
use edgefit_train::{Job, Observer, Survey, SurveyedBackbone};

use crate::error::Result;
use crate::linear_probe::{folds, probabilities};

/// The labels in doubt of the data of `job`, the most doubtful first, by the features of its backbone.
///
/// # Errors
/// The data or the backbone cannot be read, do not go together, or hold no classes.
pub fn label_doubts(job: &Job, observer: &mut dyn Observer) -> Result<LabelDoubts> {
    let survey = Survey::open_all(job, observer)?;
    let backbone = SurveyedBackbone::load(job, observer)?;
    let graph = backbone.graph();
    let features = extract(graph, &graph.inputs, &backbone.features())?;
    observer.begin("features", 0);
    let made = survey.run(&backbone, &features, observer)?;
    observer.end();
    let rows: Vec<&[f32]> = made.rows.iter().map(Vec::as_slice).collect();
    let folds = folds(&made.classes, &made.groups, job.recipe.seed);
    let probabilities = probabilities(&rows, &made.classes, &folds);
    let classes = survey.classes();
    let names: Vec<&str> = survey.names().collect();
    let mut doubts: Vec<LabelDoubt> = doubted(&probabilities, &made.classes)
        .into_iter()
        .map(|doubt| LabelDoubt {
            sample: names[doubt.sample].to_owned(),
            label: classes[made.classes[doubt.sample]].clone(),
            likelier: classes[doubt.likelier].clone(),
            probabilities: doubt.probabilities,
        })
        .collect();
    let margin = |doubt: &LabelDoubt| doubt.probabilities[1] - doubt.probabilities[0];
    doubts.sort_by(|a, b| margin(b).total_cmp(&margin(a)));
    Ok(LabelDoubts {
        samples: rows.len(),
        doubts,
    })
}

/// A sample whose label is in doubt.
#[derive(Debug, PartialEq)]
struct Doubt {
    sample: usize,
    likelier: usize,
    /// Of the label, and of the class that is likelier.
    probabilities: [f32; 2],
}

fn doubted(probabilities: &[Vec<f32>], labels: &[usize]) -> Vec<Doubt> {
    let classes = probabilities.first().map_or(0, Vec::len);
    let mean = |class: usize| {
        let own = probabilities.iter().zip(labels);
        let own: Vec<f32> = own
            .filter(|(_, label)| **label == class)
            .map(|(row, _)| row.get(class).copied().unwrap_or(0.0))
            .collect();
        own.iter().sum::<f32>() / own.len().max(1) as f32
    };
    let thresholds: Vec<f32> = (0..classes).map(mean).collect();
    let rows = probabilities.iter().zip(labels).enumerate();
    rows.filter_map(|(sample, (row, &label))| {
        let confident = |class: &usize| row[*class] >= thresholds[*class] && row[*class] > 0.0;
        let likeliest = (0..row.len())
            .filter(confident)
            .max_by(|&a, &b| row[a].total_cmp(&row[b]))?;
        (row[likeliest] > row[label]).then(|| Doubt {
            sample,
            likelier: likeliest,
            probabilities: [row[label], row[likeliest]],
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_in_doubt_where_another_class_is_as_likely_as_its_own_samples_find_it() {
        let rows = [
            vec![0.9, 0.1],
            vec![0.7, 0.3],
            // Labelled 0, and as much a 1 as those of 1 are.
            vec![0.2, 0.8],
            // Likelier a 1, but less so than the samples of 1 are.
            vec![0.45, 0.55],
            vec![0.1, 0.9],
            vec![0.3, 0.7],
        ];
        let doubts = doubted(&rows, &[0, 0, 0, 0, 1, 1]);
        let doubt = Doubt {
            sample: 2,
            likelier: 1,
            probabilities: [0.2, 0.8],
        };
        assert_eq!(doubts, [doubt]);
        assert!(doubted(&[], &[]).is_empty());
    }
}
