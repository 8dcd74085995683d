use std::path::Path;

use edgefit::graph::Graph;
use edgefit::graph::rewrite::{lift_constants, rename};
use edgefit::train::model_of_run;

use super::super::in_file;

/// The model in a file or of a run, its inputs and outputs called as those of `model`.
///
/// # Errors
/// It cannot be read, or takes or makes another number of values.
pub fn load(path: &Path, model: &Graph) -> anyhow::Result<Graph> {
    let mut graph = match path.is_dir() {
        true => model_of_run(path, model)?,
        false => Graph::load(path)?,
    };
    lift_constants(&mut graph);
    let names = |graph: &Graph| {
        let inputs = graph.free_inputs().map(|input| input.name.clone());
        let outputs = graph.outputs.iter().map(|output| output.name.clone());
        [inputs.collect::<Vec<String>>(), outputs.collect()]
    };
    let kinds = ["inputs", "outputs"].into_iter();
    for (kind, (own, wanted)) in kinds.zip(names(&graph).iter().zip(&names(model))) {
        anyhow::ensure!(
            own.len() == wanted.len(),
            "{} has {} {kind} and the model has {}; give two versions of one model",
            path.display(),
            own.len(),
            wanted.len()
        );
        // In their own order, where they are not called the same.
        let alike = own.iter().all(|name| wanted.contains(name));
        for (own, wanted) in own.iter().zip(wanted).filter(|_| !alike) {
            rename(&mut graph, own, wanted).map_err(in_file(path))?;
        }
    }
    let wanted = names(model);
    let order = |own: &mut Vec<edgefit::graph::ValueInfo>, wanted: &[String]| {
        own.sort_by_key(|value| wanted.iter().position(|name| *name == value.name));
    };
    order(&mut graph.inputs, &wanted[0]);
    order(&mut graph.outputs, &wanted[1]);
    Ok(graph)
}
