//! The names of the engines.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An inference engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// The trainable executor, in eval mode.
    #[cfg(feature = "burn")]
    Burn,
    /// tract, in pure Rust.
    Tract,
    /// Microsoft's ONNX Runtime, loaded at run time.
    OnnxRuntime,
    /// LiteRT, which runs what `edgefit export --to tflite` makes of a model: it is timed, in the process of its
    /// candidate, and is none of [`EngineName::ALL`].
    LiteRt,
}

impl EngineName {
    /// All engines of this build that take a graph.
    pub const ALL: &[EngineName] = &[
        #[cfg(feature = "burn")]
        EngineName::Burn,
        EngineName::Tract,
        EngineName::OnnxRuntime,
    ];
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "burn")]
            EngineName::Burn => "burn",
            EngineName::Tract => "tract",
            EngineName::OnnxRuntime => "onnxruntime",
            EngineName::LiteRt => "litert",
        })
    }
}

impl FromStr for EngineName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = EngineName::ALL
            .iter()
            .find(|engine| engine.to_string() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<String> = EngineName::ALL.iter().map(ToString::to_string).collect();
            format!("engine '{name}' is not one of {}", names.join(", "))
        })
    }
}
