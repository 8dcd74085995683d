//! [`VerifiedEngine`]: what takes part in a comparison, by name.

use std::fmt;
use std::str::FromStr;

use edgefit_engine::EngineName;

/// What takes part in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifiedEngine {
    /// An engine that computes in floats.
    Float(EngineName),
    /// What an int8 model becomes on a microcontroller.
    Integer(IntegerEngine),
}

/// What an int8 model becomes on a microcontroller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerEngine {
    /// The plain reference.
    Micro,
    /// The project in C.
    C,
    /// The `.tflite` file, in LiteRT.
    LiteRt,
}

impl fmt::Display for IntegerEngine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            IntegerEngine::Micro => "micro",
            IntegerEngine::C => "c",
            IntegerEngine::LiteRt => "litert",
        })
    }
}

impl FromStr for VerifiedEngine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut integer = [
            IntegerEngine::Micro,
            IntegerEngine::C,
            IntegerEngine::LiteRt,
        ]
        .into_iter();
        match integer.find(|engine| engine.to_string() == name) {
            Some(engine) => Ok(VerifiedEngine::Integer(engine)),
            None => match name.parse() {
                Ok(engine) => Ok(VerifiedEngine::Float(engine)),
                Err(problem) => Err(format!("{problem}, micro, c, litert")),
            },
        }
    }
}
