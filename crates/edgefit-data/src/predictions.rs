//! What a model says of samples, as comma-separated values.

use std::io::Write;

use edgefit_base::statistics::{argmax, is_right, probabilities};
use edgefit_graph::Task;

/// Probability above which a label counts as given.
pub const LABEL_THRESHOLD: f32 = 0.5;

/// Between the labels of a sample.
const BETWEEN: &str = "; ";

/// What a model says of a sample, and what is true of it where that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction<'a> {
    /// Path or row of the sample.
    pub sample: &'a str,
    /// What is true of it, if that is known.
    pub truth: Option<Truth<'a>>,
    /// The model's outputs: logits or probabilities of classes, probabilities of labels, or
    /// regression targets.
    pub outputs: &'a [f32],
}

/// What is true of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Truth<'a> {
    /// Its class.
    Class(usize),
    /// 1 for each label that it has and 0 for the others, or its regression targets.
    Targets(&'a [f32]),
}

impl Prediction<'_> {
    /// What the model says, in the `names` of its outputs: a class, the labels, or numbers.
    pub fn said(&self, task: Task, names: &[String]) -> String {
        match task {
            Task::Classes => name(names, argmax(self.outputs)),
            Task::MultiLabel => labels(self.outputs, names),
            Task::Regression => numbers(self.outputs).join(BETWEEN),
        }
    }

    /// What is true, in the same words.
    pub fn true_words(&self, task: Task, names: &[String]) -> Option<String> {
        Some(match (self.truth?, task) {
            (Truth::Class(class), _) => name(names, class),
            (Truth::Targets(targets), Task::MultiLabel) => labels(targets, names),
            (Truth::Targets(targets), _) => numbers(targets).join(BETWEEN),
        })
    }

    /// Whether the model says what is true, where that is known; of a class only where it is one of several outputs, as
    /// [`is_right`] judges.
    pub fn is_right(&self, task: Task, names: &[String]) -> Option<bool> {
        match (self.truth?, task) {
            (Truth::Class(class), Task::Classes) => is_right(self.outputs, class),
            _ => Some(self.true_words(task, names)? == self.said(task, names)),
        }
    }

    /// Probabilities of the classes or labels; `None` for regression.
    pub fn probabilities(&self, task: Task) -> Option<Vec<f64>> {
        match task {
            Task::Classes => Some(probabilities(self.outputs)),
            Task::MultiLabel => Some(self.outputs.iter().map(|&p| f64::from(p)).collect()),
            Task::Regression => None,
        }
    }
}

/// Writes a line for each prediction, behind a line of heads.
///
/// - Classes and labels: `sample`, `truth`, `predicted`, `correct`, and `p(NAME)` for each output, its
///   probability. The labels of a sample are separated by `; `.
/// - Regression: `sample`, and for each target `truth(NAME)` and `predicted(NAME)`.
///
/// The columns about what is true are there if it is known of any sample, and empty where it is not; `correct` also where
/// the class is none of several outputs.
///
/// ```
/// use edgefit_data::{Prediction, Truth, write_predictions};
/// use edgefit_graph::Task;
///
/// let names = ["cat".to_owned(), "dog".to_owned()];
/// let truth = Some(Truth::Class(0));
/// let one = Prediction { sample: "a.png", truth, outputs: &[0.25, 0.75] };
/// let mut file = Vec::new();
/// write_predictions(&mut file, Task::Classes, &names, &[one])?;
/// let text = String::from_utf8(file)?;
/// assert_eq!(text, "sample,truth,predicted,correct,p(cat),p(dog)\n\
///                   a.png,cat,dog,false,0.250000,0.750000\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `file` cannot be written.
pub fn write_predictions(
    file: &mut dyn Write,
    task: Task,
    names: &[String],
    predictions: &[Prediction],
) -> std::io::Result<()> {
    let known = predictions.iter().any(|one| one.truth.is_some());
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(heads(task, names, known))?;
    for one in predictions {
        let mut cells = vec![one.sample.to_owned()];
        match one.probabilities(task) {
            None => cells.extend(numbers_beside(one, names.len(), known)),
            Some(probabilities) => {
                let said = one.said(task, names);
                if known {
                    let truth = one.true_words(task, names);
                    let correct = one.is_right(task, names).map(|right| right.to_string());
                    cells.extend([truth.unwrap_or_default(), said, correct.unwrap_or_default()]);
                } else {
                    cells.push(said);
                }
                cells.extend(probabilities.iter().map(|p| format!("{p:.6}")));
            }
        }
        writer.write_record(cells)?;
    }
    writer.flush()
}

/// Writes `confusion[truth][prediction]` with the names of the classes: a line for each true class, a
/// column for each predicted one.
///
/// # Errors
/// `file` cannot be written.
pub fn write_confusion(
    file: &mut dyn Write,
    classes: &[String],
    confusion: &[Vec<usize>],
) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(std::iter::once("truth \\ predicted").chain(names_of(classes)))?;
    for (class, counts) in classes.iter().zip(confusion) {
        let counts = counts.iter().map(usize::to_string);
        writer.write_record(std::iter::once(class.clone()).chain(counts))?;
    }
    writer.flush()
}

fn names_of(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().map(String::as_str)
}

fn heads(task: Task, names: &[String], known: bool) -> Vec<String> {
    let mut heads = vec!["sample".to_owned()];
    if task == Task::Regression {
        for name in names {
            heads.extend(known.then(|| format!("truth({name})")));
            heads.push(format!("predicted({name})"));
        }
        return heads;
    }
    heads.extend(known.then(|| "truth".to_owned()));
    heads.push("predicted".into());
    heads.extend(known.then(|| "correct".to_owned()));
    heads.extend(names.iter().map(|name| format!("p({name})")));
    heads
}

/// What is true of each regression target, if that is `known` of any sample, and what was predicted.
fn numbers_beside(one: &Prediction, targets: usize, known: bool) -> Vec<String> {
    let truth = match one.truth {
        Some(Truth::Targets(truth)) => numbers(truth),
        _ => vec![String::new(); targets],
    };
    let pairs = truth.into_iter().zip(numbers(one.outputs));
    pairs
        .flat_map(|(truth, predicted)| known.then_some(truth).into_iter().chain([predicted]))
        .collect()
}

/// The name of an output; its number where it has none.
fn name(names: &[String], output: usize) -> String {
    names.get(output).cloned().unwrap_or(output.to_string())
}

fn labels(values: &[f32], names: &[String]) -> String {
    let given = values.iter().enumerate();
    let given = given.filter(|(_, value)| **value > LABEL_THRESHOLD);
    let given: Vec<String> = given.map(|(label, _)| name(names, label)).collect();
    given.join(BETWEEN)
}

fn numbers(values: &[f32]) -> Vec<String> {
    values.iter().map(f32::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn csv(task: Task, names: &[String], predictions: &[Prediction]) -> String {
        let mut file = Vec::new();
        write_predictions(&mut file, task, names, predictions).unwrap();
        String::from_utf8(file).unwrap()
    }

    #[test]
    fn logits_become_probabilities_and_the_unknown_stays_empty() {
        let one = |sample, truth, outputs| Prediction {
            sample,
            truth,
            outputs,
        };
        let outputs: &[f32] = &[0.0, f32::ln(3.0)];
        let known = one("a, \"b\".png", Some(Truth::Class(1)), outputs);
        let unknown = one("c.png", None, &[9.0, 0.0]);
        let classes = names(&["no", "yes"]);
        assert_eq!(
            csv(Task::Classes, &classes, &[known, unknown]),
            "sample,truth,predicted,correct,p(no),p(yes)\n\
             \"a, \"\"b\"\".png\",yes,yes,true,0.250000,0.750000\n\
             c.png,,no,,0.999877,0.000123\n"
        );
        assert_eq!(
            csv(Task::Classes, &classes, &[unknown]),
            "sample,predicted,p(no),p(yes)\nc.png,no,0.999877,0.000123\n"
        );
    }

    #[test]
    fn a_class_that_is_none_of_several_outputs_is_neither_right_nor_wrong() {
        let correct = |class, outputs: &[f32]| {
            let one = Prediction {
                sample: "a",
                truth: Some(Truth::Class(class)),
                outputs,
            };
            let classes = names(&["no", "yes"][..outputs.len()]);
            let text = csv(Task::Classes, &classes, &[one]);
            let row = text.lines().nth(1).unwrap();
            row.split(',').nth(3).unwrap().to_owned()
        };
        assert_eq!(correct(1, &[0.0, 1.0]), "true");
        assert_eq!(correct(2, &[0.0, 1.0]), "");
        assert_eq!(correct(0, &[1.0]), "");
    }

    #[test]
    fn labels_are_listed_and_targets_stand_side_by_side() {
        let one = |truth, outputs| Prediction {
            sample: "row 0",
            truth: Some(Truth::Targets(truth)),
            outputs,
        };
        let two = names(&["a", "b"]);
        assert_eq!(
            csv(
                Task::MultiLabel,
                &two,
                &[one(&[1.0, 1.0], &[0.9, 0.6]), one(&[1.0, 0.0], &[0.1, 0.2])]
            ),
            "sample,truth,predicted,correct,p(a),p(b)\n\
             row 0,a; b,a; b,true,0.900000,0.600000\n\
             row 0,a,,false,0.100000,0.200000\n"
        );
        assert_eq!(
            csv(Task::Regression, &two, &[one(&[1.5, -2.0], &[1.25, 0.5])]),
            "sample,truth(a),predicted(a),truth(b),predicted(b)\nrow 0,1.5,1.25,-2,0.5\n"
        );
    }

    #[test]
    fn a_confusion_has_the_names_on_both_sides() {
        let mut file = Vec::new();
        write_confusion(
            &mut file,
            &names(&["cat", "dog"]),
            &[vec![3, 1], vec![0, 2]],
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "truth \\ predicted,cat,dog\ncat,3,1\ndog,0,2\n"
        );
    }
}
