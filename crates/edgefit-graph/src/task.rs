//! What the outputs of a model mean; part of the model file.

use serde::{Deserialize, Serialize};

use crate::error;
use crate::graph::{Dim, Graph, ValueInfo};
use crate::metadata;

const KEY: &str = "edgefit.task";

/// What the outputs of a model mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Each sample has one of the classes.
    Classes,
    /// Each sample has any number of labels.
    MultiLabel,
    /// Each sample has one or more real-valued targets.
    Regression,
}

impl Task {
    /// What the model says of itself, if anything.
    ///
    /// # Errors
    /// The metadata entry is no task.
    pub fn of(graph: &Graph) -> error::Result<Option<Self>> {
        metadata::read(graph, KEY)
    }

    /// Whether the outputs of the model are those of classes, as far as it says: what says nothing may be a
    /// classifier unless it makes an image or a sequence.
    ///
    /// # Errors
    /// The metadata entry is no task.
    pub fn is_classes(graph: &Graph) -> error::Result<bool> {
        Ok(match Task::of(graph)? {
            Some(task) => task == Task::Classes,
            None => graph.outputs.first().is_none_or(is_vector),
        })
    }

    /// Stores the task in the metadata of the model.
    pub fn store(self, graph: &mut Graph) {
        metadata::store(graph, KEY, self);
    }
}

/// Whether no more than one dimension behind that of the samples is known to be larger than 1.
fn is_vector(output: &ValueInfo) -> bool {
    let dims = output.dims().unwrap_or_default().iter().skip(1);
    let larger = dims.filter(|dim| matches!(dim, Dim::Known(size) if *size > 1));
    larger.count() <= 1
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Task::Classes => "classes",
            Task::MultiLabel => "multi-label",
            Task::Regression => "regression",
        })
    }
}

impl std::str::FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "classes" => Ok(Task::Classes),
            "multi-label" => Ok(Task::MultiLabel),
            "regression" => Ok(Task::Regression),
            _ => Err(format!(
                "'{text}' is not a task; they are classes, multi-label and regression"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_no_classes_unless_the_model_says_so() {
        let is_classes = |dims: &[usize]| {
            let mut graph = Graph::new("g", 17);
            let dims = dims.iter().copied().map(Dim::Known).collect();
            graph.outputs.push(ValueInfo::f32("y", dims));
            let silent = Task::is_classes(&graph).unwrap();
            Task::Classes.store(&mut graph);
            (silent, Task::is_classes(&graph).unwrap())
        };
        assert_eq!(is_classes(&[1, 10]), (true, true));
        assert_eq!(is_classes(&[1, 10, 1, 1]), (true, true));
        assert_eq!(is_classes(&[1, 1, 32, 32]), (false, true));
    }

    #[test]
    fn comes_back_and_nonsense_is_refused() {
        let mut graph = Graph::new("g", 17);
        assert_eq!(Task::of(&graph).unwrap(), None);
        assert!(Task::is_classes(&graph).unwrap());
        assert_eq!("multi-label".parse(), Ok(Task::MultiLabel));
        assert!("poetry".parse::<Task>().is_err());
        Task::MultiLabel.store(&mut graph);
        assert_eq!(Task::of(&graph).unwrap(), Some(Task::MultiLabel));
        assert!(!Task::is_classes(&graph).unwrap());
        graph.metadata.insert(KEY.into(), "\"poetry\"".into());
        assert!(Task::of(&graph).unwrap_err().to_string().contains(KEY));
    }
}
