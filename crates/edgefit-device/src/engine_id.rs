//! Names of inference engines in profiles: those that edgefit knows something of, and any other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An inference engine. The set is open: a profile may name an engine that edgefit has not heard of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum EngineId {
    /// `burn`
    Burn,
    /// `tract`
    Tract,
    /// `onnxruntime`
    OnnxRuntime,
    /// `tflite`
    Tflite,
    /// `tflite-micro`
    TfliteMicro,
    /// `tinyengine`
    TinyEngine,
    /// `stm32cube-ai`
    Stm32CubeAi,
    /// `c`: the project that `edgefit export --to c` writes
    C,
    /// `tensorrt`
    TensorRt,
    /// `openvino`
    OpenVino,
    /// Any other name.
    Other(String),
}

impl EngineId {
    const KNOWN: [EngineId; 10] = [
        EngineId::Burn,
        EngineId::Tract,
        EngineId::OnnxRuntime,
        EngineId::Tflite,
        EngineId::TfliteMicro,
        EngineId::TinyEngine,
        EngineId::Stm32CubeAi,
        EngineId::C,
        EngineId::TensorRt,
        EngineId::OpenVino,
    ];

    /// The name as profiles and the command line write it.
    pub fn as_str(&self) -> &str {
        match self {
            EngineId::Burn => "burn",
            EngineId::Tract => "tract",
            EngineId::OnnxRuntime => "onnxruntime",
            EngineId::Tflite => "tflite",
            EngineId::TfliteMicro => "tflite-micro",
            EngineId::TinyEngine => "tinyengine",
            EngineId::Stm32CubeAi => "stm32cube-ai",
            EngineId::C => "c",
            EngineId::TensorRt => "tensorrt",
            EngineId::OpenVino => "openvino",
            EngineId::Other(name) => name,
        }
    }

    /// Whether it is known to compute on the processor, whatever else a board has.
    pub fn is_cpu_only(&self) -> bool {
        matches!(
            self,
            EngineId::Burn
                | EngineId::Tract
                | EngineId::OnnxRuntime
                | EngineId::TfliteMicro
                | EngineId::TinyEngine
                | EngineId::C
        )
    }
}

impl From<String> for EngineId {
    fn from(name: String) -> Self {
        let known = EngineId::KNOWN.into_iter();
        let mut known = known.filter(|engine| engine.as_str() == name);
        known.next().unwrap_or(EngineId::Other(name))
    }
}

impl From<EngineId> for String {
    fn from(engine: EngineId) -> String {
        engine.as_str().to_owned()
    }
}

impl fmt::Display for EngineId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_engines_are_recognised_and_others_keep_their_name() {
        for engine in EngineId::KNOWN {
            assert_eq!(EngineId::from(engine.to_string()), engine);
        }
        let other = EngineId::from("emlearn".to_owned());
        assert_eq!(other, EngineId::Other("emlearn".into()));
        assert_eq!(other.to_string(), "emlearn");
    }
}
