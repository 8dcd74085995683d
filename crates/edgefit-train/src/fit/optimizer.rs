use edgefit_burn::burn::module::{ParamGroup, ParamId};
use edgefit_burn::burn::optim::decay::WeightDecayConfig;
use edgefit_burn::burn::optim::lr_scheduler::module_lr_scheduler::{
    ModuleLearningRate, ModuleLrScheduler,
};
use edgefit_burn::burn::optim::momentum::MomentumConfig;
use edgefit_burn::burn::optim::{AdamWConfig, ModuleOptimizer, SgdConfig};
use edgefit_burn::{Parameter, TrainModule};

use crate::recipe::{OptimizerKind, StageRecipe};

/// The optimizer of a stage, with no decay on biases and normalisation: parameters of one dimension.
pub(super) fn optimizer(recipe: &StageRecipe, module: &TrainModule) -> ModuleOptimizer {
    let vectors: Vec<ParamId> = module
        .parameters()
        .filter(|(_, parameter)| matches!(parameter, Parameter::R1(_)))
        .map(|(_, parameter)| parameter.id())
        .collect();
    let vectors = ParamGroup::from_ids(vectors);
    let decay = recipe.weight_decay as f32;
    match recipe.optimizer {
        OptimizerKind::Adamw => {
            let config = AdamWConfig::new()
                .with_epsilon(1e-8)
                .with_weight_decay(decay);
            let bare = config.clone().with_weight_decay(0.0);
            config.init().with_group(vectors, bare.build(), None)
        }
        OptimizerKind::Sgd => {
            // burn's default dampening is not the field's, in which the gradient counts in full.
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

/// How the parameters of a module share a rate: those with the same share together.
pub(super) struct Rates(Vec<(ParamGroup, f64)>);

impl Rates {
    /// `share` says for each weight which part of the rate it gets.
    pub fn new(module: &TrainModule, share: impl Fn(&str) -> f64) -> Self {
        let mut groups: Vec<(f64, Vec<ParamId>)> = Vec::new();
        for (name, parameter) in module.parameters() {
            let share = share(name);
            match groups.iter_mut().find(|(known, _)| *known == share) {
                Some((_, ids)) => ids.push(parameter.id()),
                None => groups.push((share, vec![parameter.id()])),
            }
        }
        let group = |(share, ids)| (ParamGroup::from_ids(ids), share);
        Rates(groups.into_iter().map(group).collect())
    }

    pub fn at(&self, rate: f64) -> ModuleLearningRate {
        let start = ModuleLrScheduler::new(rate);
        let groups = self.0.iter();
        groups
            .fold(start, |rates, (group, share)| {
                rates.with_group(group.clone(), rate * share)
            })
            .step()
    }
}
