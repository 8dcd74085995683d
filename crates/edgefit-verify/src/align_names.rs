//! Another version of a model, its values called as the model's.

use std::collections::HashMap;

use edgefit_graph::rewrite::{rename, rename_all};
use edgefit_graph::{Graph, ValueInfo};

use crate::counterparts::{Counterparts, match_values};
use crate::error::{Error, Result};

/// Names the inputs and outputs of `other` as those of `model` and puts them in the same order; names its
/// inner values as those that they correspond to, and says how many do.
///
/// # Errors
/// It takes or makes another number of values, or a name is taken.
pub fn with_names_of(model: &Graph, mut other: Graph) -> Result<(Graph, Counterparts)> {
    let names = |graph: &Graph| {
        let inputs = graph.free_inputs().map(|input| input.name.clone());
        let outputs = graph.outputs.iter().map(|output| output.name.clone());
        [inputs.collect::<Vec<String>>(), outputs.collect()]
    };
    let kinds = ["inputs", "outputs"].into_iter();
    for (kind, (own, wanted)) in kinds.zip(names(&other).iter().zip(&names(model))) {
        if own.len() != wanted.len() {
            return Err(Error::invalid(format!(
                "it has {} {kind} and the model has {}; give two versions of one model",
                own.len(),
                wanted.len()
            )));
        }
        // In their own order, where they are not called the same.
        let alike = own.iter().all(|name| wanted.contains(name));
        for (own, wanted) in own.iter().zip(wanted).filter(|_| !alike) {
            make_way(&mut other, wanted);
            rename(&mut other, own, wanted)?;
        }
    }
    let [inputs, outputs] = names(model);
    let order = |own: &mut Vec<ValueInfo>, wanted: &[String]| {
        own.sort_by_key(|value| wanted.iter().position(|name| *name == value.name));
    };
    order(&mut other.inputs, &inputs);
    order(&mut other.outputs, &outputs);
    Ok(match_values(model, other))
}

/// Renames an inner value or a weight that is called `name`; inputs and outputs keep theirs.
fn make_way(graph: &mut Graph, name: &str) {
    let declared = graph.inputs.iter().chain(&graph.outputs);
    let mut declared = declared.map(|value| value.name.as_str());
    if declared.any(|declared| declared == name) {
        return;
    }
    let free = format!("{name}/inner");
    rename_all(graph, &HashMap::from([(name.to_owned(), free)]));
}
