//! The kinds of input that results are compared on.

use std::fmt;

use serde::{Serialize, Serializer};

/// A kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Images of a folder.
    Real,
    /// Arrays of a file.
    Given,
    /// Uniform noise.
    Random,
    /// The first sample of the noise.
    OneSample,
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
    /// ±10⁴.
    Extremes,
    /// Noise times 10⁻⁴⁰, below the smallest normal number.
    Denormals,
}

impl InputKind {
    /// Whether it is data that the user has, which a model is made for and a quantised one is calibrated on.
    pub fn is_data(self) -> bool {
        matches!(self, InputKind::Real | InputKind::Given)
    }

    /// Whether no model is made for it.
    pub fn is_edge_case(self) -> bool {
        matches!(
            self,
            InputKind::Zeros | InputKind::Ones | InputKind::Extremes | InputKind::Denormals
        )
    }
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            InputKind::Real => "real",
            InputKind::Given => "given",
            InputKind::Random => "random",
            InputKind::OneSample => "one sample",
            InputKind::Zeros => "zeros",
            InputKind::Ones => "ones",
            InputKind::Extremes => "extremes",
            InputKind::Denormals => "denormals",
        })
    }
}

impl Serialize for InputKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
