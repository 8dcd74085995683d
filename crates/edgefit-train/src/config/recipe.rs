//! How a model is trained, as data.

use edgefit_data::Augmentation;
use serde::{Deserialize, Serialize};

use crate::config::stage_name::StageName;

/// Most epochs, samples of a step, and steps whose gradients are averaged: their products are far from any limit.
const MOST: usize = 1_000_000;

/// Most views of a sample.
const MOST_VIEWS: usize = 1000;

/// All hyperparameters of training. Each key is explained in `recipes/default.toml`, which is also
/// where its default comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Seed of the split, the order of samples, augmentation and dropout.
    pub seed: u64,
    /// How much each class counts in the loss.
    pub class_weighting: ClassWeighting,
    /// Which samples an epoch consists of.
    pub sampling: Sampling,
    /// What an untrained head predicts.
    pub head_bias: HeadBias,
    /// Whether a learning rate that cannot overfit a single batch is replaced by one that can.
    pub learning_rate_search: bool,
    /// Views of each sample that are cached for frozen parts; the first is clean.
    pub views: usize,
    /// Augmentation of training samples.
    pub augmentation: Augmentation,
    /// A new head on frozen features.
    pub probe: StageRecipe,
    /// The last blocks of the backbone and the head.
    pub top: StageRecipe,
    /// The whole network.
    pub full: StageRecipe,
    /// The whole network on integers.
    pub int8: StageRecipe,
}

/// How one stage is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRecipe {
    /// Maximal number of epochs.
    pub epochs: usize,
    /// Samples of a step.
    pub batch: usize,
    /// Steps whose gradients are averaged before weights move.
    pub accumulate: usize,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// Momentum of [`OptimizerKind::Sgd`].
    pub momentum: f64,
    /// Highest learning rate, of the head.
    pub learning_rate: f64,
    /// Learning-rate multiplier of the last block of the backbone; that of the head is 1.
    pub backbone_multiplier: f64,
    /// Factor of the multiplier at the input of what is trained; in between it falls geometrically
    /// (discriminative learning rates, Howard & Ruder 2018, section 3.2).
    pub depth_decay: f64,
    /// How the learning rate changes over the steps.
    pub schedule: ScheduleKind,
    /// Share of the steps in which the learning rate rises.
    pub warmup: f64,
    /// Weight decay, never on biases or normalisation.
    pub weight_decay: f64,
    /// Share of a label that is spread over all classes (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// Alpha of mixup (Zhang et al. 2018, eq. 1); 0 is off.
    pub mixup: f64,
    /// Alpha of cutmix (Yun et al. 2019, section 3.1); 0 is off.
    pub cutmix: f64,
    /// Dropout probability of the features in front of the head.
    pub dropout: f64,
    /// Decay of the moving average of the weights; 0 is off.
    pub ema: f64,
    /// Global norm that the gradient does not exceed (Pascanu et al. 2013, algorithm 1); 0 is off.
    pub clip: f64,
    /// Mode of batch normalisation that lies in what is trained.
    pub normalization: Normalization,
    /// Strength of the recipe's augmentation in this stage: 1 is as it says, 0 off, see
    /// [`Augmentation::scaled`].
    pub augmentation: f64,
    /// Epochs without a better validation loss before the stage ends; 0 is never.
    pub patience: usize,
    /// Share of what the teacher answers in the targets (Hinton et al. 2015, section 2), where there is one:
    /// in stage int8 the float model, else that of the job; 0 is off.
    pub teacher: f64,
}

/// How much each class counts in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeighting {
    /// Every class the same, however many samples it has.
    Balanced,
    /// Every sample the same.
    None,
}

/// Which samples an epoch consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each sample once.
    Shuffled,
    /// As many as there are, drawn so that every class comes equally often.
    Balanced,
}

/// What an untrained head predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadBias {
    /// The share of each class (Lin et al. 2017, section 4.1).
    LogPrior,
    /// The same for all classes.
    Zero,
}

/// The optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    Adamw,
    /// Gradient descent with momentum.
    Sgd,
}

/// How the learning rate changes over the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// Linear warm-up, then half a cosine to 0 (Loshchilov & Hutter 2017, eq. 5).
    Cosine,
    /// Up along a cosine for 30 % of the steps and down for the rest (Smith & Topin 2018).
    OneCycle,
    /// The same learning rate from the first step to the last.
    Constant,
}

/// Mode of batch normalisation that lies in what is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalization {
    /// It uses the running statistics, and nothing of it is trained.
    Frozen,
    /// It uses the statistics of the batch, gathers running ones, and its scale and bias are trained.
    Batch,
}

impl Recipe {
    /// The recipe of a stage.
    pub fn stage(&self, name: StageName) -> &StageRecipe {
        match name {
            StageName::Probe => &self.probe,
            StageName::Top => &self.top,
            StageName::Full => &self.full,
            StageName::Int8 => &self.int8,
        }
    }

    /// Augmentation of the training samples of a stage.
    pub fn augmentation_of(&self, name: StageName) -> Augmentation {
        self.augmentation
            .scaled(self.stage(name).augmentation as f32)
    }

    /// Changes every stage.
    pub fn each_stage(&mut self, change: impl FnMut(&mut StageRecipe)) {
        let float = [&mut self.probe, &mut self.top, &mut self.full];
        let all = float.into_iter().chain([&mut self.int8]);
        all.for_each(change);
    }

    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// The key, its value and what is allowed.
    pub fn validate(&self) -> Result<(), String> {
        if self.views == 0 {
            return Err("views is 0; give at least 1, the clean one".into());
        }
        at_most("views", self.views, MOST_VIEWS)?;
        self.augmentation
            .validate()
            .map_err(|problem| format!("augmentation.{problem}"))?;
        for name in [
            StageName::Probe,
            StageName::Top,
            StageName::Full,
            StageName::Int8,
        ] {
            let recipe = self.stage(name);
            recipe
                .validate()
                .map_err(|problem| format!("{name}.{problem}"))?;
        }
        if let Some(name) = [StageName::Probe, StageName::Top, StageName::Full]
            .into_iter()
            .find(|name| self.stage(*name).epochs == 0)
        {
            return Err(format!(
                "{name}.epochs is 0; give at least 1, or leave the stage out"
            ));
        }
        if self.int8.dropout != 0.0 {
            return Err(format!(
                "int8.dropout is {}; stage int8 trains the graph that is exported, give 0",
                self.int8.dropout
            ));
        }
        Ok(())
    }
}

impl StageRecipe {
    fn validate(&self) -> Result<(), String> {
        let counts = [("batch", self.batch), ("accumulate", self.accumulate)];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(format!("{key} is 0; give at least 1"));
        }
        for (key, count) in counts.into_iter().chain([("epochs", self.epochs)]) {
            at_most(key, count, MOST)?;
        }
        let below = |most: f64| move |value: f64| (0.0..most).contains(&value);
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let counted = |value: f64| value >= 0.0 && value.is_finite();
        let figures: [(&str, f64, bool, &str); 14] = [
            (
                "momentum",
                self.momentum,
                below(1.0)(self.momentum),
                "from 0 to below 1",
            ),
            (
                "learning_rate",
                self.learning_rate,
                positive(self.learning_rate),
                "above 0",
            ),
            (
                "backbone_multiplier",
                self.backbone_multiplier,
                positive(self.backbone_multiplier),
                "above 0",
            ),
            (
                "depth_decay",
                self.depth_decay,
                share(self.depth_decay) && self.depth_decay > 0.0,
                "above 0, and 1 at most",
            ),
            (
                "warmup",
                self.warmup,
                below(1.0)(self.warmup),
                "from 0 to below 1",
            ),
            (
                "weight_decay",
                self.weight_decay,
                counted(self.weight_decay),
                "0 or more",
            ),
            (
                "label_smoothing",
                self.label_smoothing,
                below(1.0)(self.label_smoothing),
                "from 0 to below 1",
            ),
            ("mixup", self.mixup, counted(self.mixup), "0 or more"),
            ("cutmix", self.cutmix, counted(self.cutmix), "0 or more"),
            (
                "dropout",
                self.dropout,
                below(1.0)(self.dropout),
                "from 0 to below 1",
            ),
            ("ema", self.ema, below(1.0)(self.ema), "from 0 to below 1"),
            ("clip", self.clip, counted(self.clip), "0 or more"),
            ("teacher", self.teacher, share(self.teacher), "from 0 to 1"),
            (
                "augmentation",
                self.augmentation,
                counted(self.augmentation),
                "0 or more",
            ),
        ];
        match figures.into_iter().find(|(_, _, good, _)| !good) {
            Some((key, value, _, allowed)) => {
                Err(format!("{key} is {value}; give a number {allowed}"))
            }
            None => Ok(()),
        }
    }
}

fn at_most(key: &str, count: usize, most: usize) -> Result<(), String> {
    if count > most {
        return Err(format!("{key} is {count}; give {most} at most"));
    }
    Ok(())
}
