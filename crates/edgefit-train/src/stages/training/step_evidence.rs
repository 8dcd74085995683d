//! What the guards see of a step, under the names that the weights have in the graph.

use std::collections::{BTreeMap, HashMap};

use edgefit_burn::burn::module::ParamId;
use edgefit_burn::{Gradients, TrainModule};
use edgefit_guards::module::{self, ParameterGradient, Update};

/// The gradients of the trained weights, in figures.
pub(super) fn gradients(module: &TrainModule, gradients: &Gradients) -> Vec<ParameterGradient> {
    let names = names(module);
    let mut found = module::gradients(module, gradients.params());
    for gradient in &mut found {
        rename(&mut gradient.name, names.get(&gradient.id));
    }
    found
}

/// How far a step moved the trained weights from `before`, which have the learning-rate `multipliers`.
pub(super) fn updates(
    before: &TrainModule,
    after: &TrainModule,
    multipliers: &BTreeMap<String, f64>,
) -> Vec<Update> {
    let names = names(after);
    let mut found = module::updates(before, after);
    for update in &mut found {
        rename(&mut update.name, names.get(&update.id));
        if let Some(multiplier) = multipliers.get(&update.name) {
            update.multiplier = *multiplier;
        }
    }
    found
}

fn names(module: &TrainModule) -> HashMap<ParamId, &str> {
    let parameters = module.parameters();
    parameters
        .map(|(name, parameter)| (parameter.id(), name))
        .collect()
}

fn rename(path: &mut String, name: Option<&&str>) {
    if let Some(name) = name {
        (*name).clone_into(path);
    }
}
