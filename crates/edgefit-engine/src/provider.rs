//! Where an engine computes: the CPU, or a GPU.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::engine_name::EngineName;

/// The processor that an engine uses, after ONNX Runtime's execution providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The processor that the program runs on.
    #[default]
    Cpu,
    /// The first NVIDIA GPU that CUDA shows; ONNX Runtime alone knows it.
    Cuda,
}

/// An engine and its provider, written as `tract` or `onnxruntime:cuda`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// Engine.
    pub engine: EngineName,
    /// Provider.
    pub provider: Provider,
}

impl From<EngineName> for Target {
    fn from(engine: EngineName) -> Self {
        Target {
            engine,
            provider: Provider::Cpu,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.provider {
            Provider::Cpu => self.engine.fmt(f),
            Provider::Cuda => write!(f, "{}:cuda", self.engine),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (engine, provider) = match text.split_once(':') {
            Some((engine, "cuda")) => (engine, Provider::Cuda),
            Some((engine, "cpu")) => (engine, Provider::Cpu),
            Some((_, other)) => return Err(format!("provider '{other}' is not one of cpu, cuda")),
            None => (text, Provider::Cpu),
        };
        if engine == EngineName::LiteRt.to_string() && provider == Provider::Cpu {
            return Ok(EngineName::LiteRt.into());
        }
        let engine = engine.parse::<EngineName>();
        let engine = engine.map_err(|problem| format!("{problem}, {}", EngineName::LiteRt))?;
        match (engine, provider) {
            (EngineName::OnnxRuntime, _) | (_, Provider::Cpu) => Ok(Target { engine, provider }),
            _ => Err(format!(
                "{engine} has no provider 'cuda'; onnxruntime:cuda does"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_onnxruntime_has_cuda() {
        for text in ["tract", "onnxruntime", "onnxruntime:cuda", "litert"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        assert!("tract:cuda".parse::<Target>().is_err());
        let error = "onnxruntime:rocm".parse::<Target>().unwrap_err();
        assert!(error.contains("cpu, cuda"), "{error}");
    }
}
