//! Another version of a model, its inputs and outputs called and ordered as the model's.

use edgefit_graph::rewrite::rename;
use edgefit_graph::{Graph, ValueInfo};

use crate::error::{Error, Result};

/// Names the inputs and outputs of `other` as those of `model` and puts them in the same order.
///
/// # Errors
/// It takes or makes another number of values, or a name is taken.
pub fn with_names_of(model: &Graph, mut other: Graph) -> Result<Graph> {
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
            rename(&mut other, own, wanted)?;
        }
    }
    let [inputs, outputs] = names(model);
    let order = |own: &mut Vec<ValueInfo>, wanted: &[String]| {
        own.sort_by_key(|value| wanted.iter().position(|name| *name == value.name));
    };
    order(&mut other.inputs, &inputs);
    order(&mut other.outputs, &outputs);
    Ok(other)
}
