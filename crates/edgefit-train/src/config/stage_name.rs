//! The stages of training.

use serde::{Deserialize, Serialize};

/// A stage of training, from simple to complex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageName {
    /// A new head on frozen features: a linear probe.
    Probe,
    /// The last blocks and the head.
    Top,
    /// The whole network.
    Full,
    /// The whole network on integers, with the float model as its teacher.
    Int8,
}

impl StageName {
    /// `stages` and `others`, each once, in the order in which they are trained.
    pub fn in_order(mut stages: Vec<Self>, others: &[Self]) -> Vec<Self> {
        stages.extend(others);
        stages.sort_unstable();
        stages.dedup();
        stages
    }
}

impl std::fmt::Display for StageName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            StageName::Probe => "probe",
            StageName::Top => "top",
            StageName::Full => "full",
            StageName::Int8 => "int8",
        })
    }
}

impl std::str::FromStr for StageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "probe" => Ok(StageName::Probe),
            "top" => Ok(StageName::Top),
            "full" => Ok(StageName::Full),
            "int8" => Ok(StageName::Int8),
            _ => Err(format!(
                "'{text}' is not a stage; they are probe, top, full and int8"
            )),
        }
    }
}
