//! Networks whose weights have the same keys and that do not compute the same.

use std::fmt;
use std::str::FromStr;

use edgefit_graph::preprocessing::PreprocessingName;

/// Which of two networks of timm a checkpoint is of, where both have the same keys and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// The one that timm trained, with PyTorch's padding: `efficientnet_lite0`.
    Timm,
    /// The one whose weights come from TensorFlow, with its padding and epsilon: `tf_efficientnet_lite0`.
    Tf,
}

/// A name that is no [`Variant`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a variant; they are timm and tf")]
pub struct UnknownVariant(String);

impl Variant {
    /// Preprocessing that the published weights were trained with.
    pub(crate) fn preprocessing(self) -> PreprocessingName {
        match self {
            Variant::Timm => PreprocessingName::Imagenet,
            Variant::Tf => PreprocessingName::Tf,
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Variant::Timm => "timm",
            Variant::Tf => "tf",
        })
    }
}

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(name: &str) -> Result<Self, UnknownVariant> {
        match name {
            "timm" => Ok(Variant::Timm),
            "tf" => Ok(Variant::Tf),
            _ => Err(UnknownVariant(name.to_owned())),
        }
    }
}
