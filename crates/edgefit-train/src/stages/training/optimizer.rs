//! Optimizers, and the learning rate of each weight.

use edgefit_burn::burn::module::{ParamGroup, ParamId};
use edgefit_burn::burn::optim::decay::WeightDecayConfig;
use edgefit_burn::burn::optim::lr_scheduler::module_lr_scheduler::{
    ModuleLearningRate, ModuleLrScheduler,
};
use edgefit_burn::burn::optim::momentum::MomentumConfig;
use edgefit_burn::burn::optim::{ModuleOptimizer, SgdConfig};
use edgefit_burn::{AdamW, Parameter, TrainModule};

use crate::config::recipe::{OptimizerKind, StageRecipe};

/// The optimizer of a stage, with no decay on biases and normalisation: parameters of one dimension.
pub(crate) fn optimizer(recipe: &StageRecipe, module: &TrainModule) -> ModuleOptimizer {
    let vectors: Vec<ParamId> = module
        .parameters()
        .filter(|(_, parameter)| matches!(parameter, Parameter::R1(_)))
        .map(|(_, parameter)| parameter.id())
        .collect();
    let vectors = ParamGroup::from_ids(vectors);
    let decay = recipe.weight_decay as f32;
    match recipe.optimizer {
        OptimizerKind::Adamw => {
            ModuleOptimizer::from(AdamW::new(decay)).with_group(vectors, AdamW::new(0.0), None)
        }
        OptimizerKind::Sgd => {
            // Without dampening, as PyTorch's default is and burn's is not.
            let momentum = MomentumConfig::new()
                .with_momentum(recipe.momentum)
                .with_dampening(0.0);
            let bare = SgdConfig::new().with_momentum(Some(momentum));
            let config = bare
                .clone()
                .with_weight_decay(Some(WeightDecayConfig::new(decay)));
            config.init().with_group(vectors, bare.build(), None)
        }
    }
}

/// The learning rates of a module: its parameters, grouped by learning-rate multiplier.
pub(crate) struct LearningRates(Vec<(ParamGroup, f64)>);

impl LearningRates {
    /// `multiplier` says the learning-rate multiplier of each weight.
    pub fn new(module: &TrainModule, multiplier: impl Fn(&str) -> f64) -> Self {
        let mut groups: Vec<(f64, Vec<ParamId>)> = Vec::new();
        for (name, parameter) in module.parameters() {
            let multiplier = multiplier(name);
            match groups.iter_mut().find(|(known, _)| *known == multiplier) {
                Some((_, ids)) => ids.push(parameter.id()),
                None => groups.push((multiplier, vec![parameter.id()])),
            }
        }
        let group = |(multiplier, ids)| (ParamGroup::from_ids(ids), multiplier);
        LearningRates(groups.into_iter().map(group).collect())
    }

    /// Where the head has `learning_rate`.
    pub fn at(&self, learning_rate: f64) -> ModuleLearningRate {
        let start = ModuleLrScheduler::new(learning_rate);
        let groups = self.0.iter();
        groups
            .fold(start, |rates, (group, multiplier)| {
                rates.with_group(group.clone(), learning_rate * multiplier)
            })
            .step()
    }
}
