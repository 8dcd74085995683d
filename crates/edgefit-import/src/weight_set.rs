//! The sets of weights in a checkpoint: what is wrapped around a network's keys, and several networks' keys
//! side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::str::FromStr;

use edgefit_graph::Tensor;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::layout::{Layout, Wanted};

/// The first layer of the networks in timm's layout.
const TIMM_STEM: &str = "conv_stem.weight";

/// Which of several sets of weights is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightsChoice {
    /// What was trained, not an average of it.
    Raw,
    /// The moving average of what was trained.
    Ema,
    /// What lies under this prefix.
    Under(String),
}

impl FromStr for WeightsChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "raw" => WeightsChoice::Raw,
            "ema" => WeightsChoice::Ema,
            prefix => WeightsChoice::Under(prefix.to_owned()),
        })
    }
}

/// All tensors of a checkpoint below one prefix, by what is left of their keys.
pub(crate) struct WeightSet<'c> {
    pub checkpoint: &'c Checkpoint,
    /// Empty, or with a dot at its end.
    pub prefix: String,
    /// What the checkpoint calls a key otherwise.
    pub renamed: BTreeMap<String, String>,
}

impl<'c> WeightSet<'c> {
    pub fn new(checkpoint: &'c Checkpoint, prefix: impl Into<String>) -> Self {
        WeightSet {
            checkpoint,
            prefix: prefix.into(),
            renamed: BTreeMap::new(),
        }
    }

    fn key(&self, key: &str) -> String {
        let key = self.renamed.get(key).map_or(key, String::as_str);
        format!("{}{key}", self.prefix)
    }

    /// Whose names its keys are.
    pub fn layout(&self) -> Layout {
        match self.shape(TIMM_STEM) {
            Some(_) => Layout::Timm,
            None => Layout::Other,
        }
    }

    /// Shape of the tensor `key`, if there is one.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.checkpoint.shape(&self.key(key))
    }

    /// As [`Checkpoint::tensor`].
    pub fn tensor(&self, key: &str) -> Result<Option<Tensor>> {
        self.checkpoint.tensor(&self.key(key))
    }

    /// What the checkpoint has besides the keys in `used`: below the prefix without it, else whole. What
    /// belongs to an optimiser, or to the set of one of the `other` prefixes, does not count.
    pub fn unused(&self, used: &BTreeSet<String>, other: &[String]) -> Vec<String> {
        let used: BTreeSet<String> = used.iter().map(|key| self.key(key)).collect();
        let keys = self.checkpoint.keys().filter(|key| {
            // A key belongs to the set with the longest prefix that it begins with.
            let own = key.starts_with(self.prefix.as_str());
            let elsewhere = other.iter().any(|prefix| {
                key.starts_with(prefix.as_str()) && !(own && prefix.len() < self.prefix.len())
            });
            !(used.contains(*key) || elsewhere || is_of_an_optimiser(key))
        });
        keys.map(|key| key.strip_prefix(&self.prefix).unwrap_or(key).to_owned())
            .collect()
    }
}

/// Prefixes below which a checkpoint has most of what a network wants, in one of its key layouts.
pub(crate) fn prefixes(checkpoint: &Checkpoint, layouts: &[Vec<Wanted>]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for wanted in layouts {
        let Some(first) = wanted.first() else {
            continue;
        };
        let candidates = checkpoint.keys().filter_map(|key| {
            let prefix = key.strip_suffix(first.key.as_str())?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
        });
        found.extend(candidates.filter_map(|prefix| {
            let set = WeightSet::new(checkpoint, prefix);
            let there = wanted
                .iter()
                .filter(|wanted| set.shape(&wanted.key).is_some());
            (2 * there.count() > wanted.len()).then(|| prefix.to_owned())
        }));
    }
    found.into_iter().collect()
}

/// The one of the `prefixes` that is meant. Raw weights are, where nothing else is said.
///
/// # Errors
/// There is none of the kind that was asked for, or more than one.
pub(crate) fn choose(
    checkpoint: &Checkpoint,
    prefixes: &[String],
    choice: Option<&WeightsChoice>,
) -> Result<String> {
    let (ema, raw): (Vec<&String>, Vec<&String>) =
        prefixes.iter().partition(|prefix| is_average(prefix));
    let asked = |prefix: &str| prefix.trim_end_matches('.').to_owned();
    let (candidates, kind) = match choice {
        None if raw.is_empty() => (ema, "weights"),
        None => (raw, "weights"),
        Some(WeightsChoice::Raw) => (raw, "raw weights"),
        Some(WeightsChoice::Ema) => (ema, "EMA weights"),
        Some(WeightsChoice::Under(wanted)) => {
            let under = prefixes
                .iter()
                .filter(|prefix| asked(prefix) == asked(wanted));
            (under.collect(), "weights under that prefix")
        }
    };
    let names = |prefixes: &[&String]| {
        let quoted = prefixes.iter().map(|prefix| match asked(prefix).as_str() {
            "" => "no prefix".to_owned(),
            prefix => format!("'{prefix}'"),
        });
        quoted.collect::<Vec<_>>().join(", ")
    };
    let problem = match candidates.as_slice() {
        [only] => return Ok((*only).clone()),
        [] => format!(
            "holds no {kind}, only under {}; leave --weights out",
            names(&prefixes.iter().collect::<Vec<_>>())
        ),
        several => format!(
            "holds several sets of {kind}, under {}; say which with --weights PREFIX",
            names(several)
        ),
    };
    Err(Error::Unusable {
        path: checkpoint.path().to_path_buf(),
        problem,
    })
}

/// Whether weights below `prefix` are a moving average of what was trained, by its name.
pub(crate) fn is_average(prefix: &str) -> bool {
    let mut words = prefix.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| {
        let word = word.to_ascii_lowercase();
        [
            "ema", "modelema", "emamodel", "swa", "averaged", "average", "avg",
        ]
        .contains(&word.as_str())
    })
}

/// What optimisers of PyTorch keep for each parameter.
const OPTIMISER_STATE: [&str; 8] = [
    "step",
    "exp_avg",
    "exp_avg_sq",
    "max_exp_avg_sq",
    "momentum_buffer",
    "square_avg",
    "grad_avg",
    "sum",
];

/// Whether `key` is of the state that an optimiser keeps of its parameters: `state.NUMBER.exp_avg`.
pub(crate) fn is_of_an_optimiser(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts
        .windows(3)
        .any(|parts| parts[0] == "state" && number(parts[1]) && OPTIMISER_STATE.contains(&parts[2]))
        || key.contains("param_groups")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_told_by_their_names() {
        for prefix in [
            "ema.",
            "state_dict_ema.",
            "model_ema.module.",
            "EMA.model.",
            "swa_model.",
        ] {
            assert!(is_average(prefix), "{prefix}");
        }
        for prefix in ["", "schema.", "model.", "cinema.", "state_dict."] {
            assert!(!is_average(prefix), "{prefix}");
        }
    }

    #[test]
    fn the_state_of_optimisers_is_told_from_weights() {
        assert!(is_of_an_optimiser("state.0.exp_avg"));
        assert!(is_of_an_optimiser("optimizer.state.12.momentum_buffer"));
        assert!(!is_of_an_optimiser("state_dict.layer1.0.conv1.weight"));
        assert!(!is_of_an_optimiser("state.0.weight"));
    }
}
