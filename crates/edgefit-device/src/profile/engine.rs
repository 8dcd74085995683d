//! Inference engines of a device.

use edgefit_base::units::parse::Bytes;
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::unit;
use crate::element_type::ElementType;
use crate::engine_id::EngineId;

/// An inference engine on a device, and what it needs there in addition to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Its name, such as `tflite-micro` or `onnxruntime`.
    pub name: EngineId,
    /// Where it can place activations.
    pub arena: ArenaLayout,
    /// Flash or disk that it takes.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub code_bytes: Option<Figure>,
    /// RAM that it needs in addition to the arena and the weights.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub runtime_bytes: Option<Figure>,
    /// RAM that it needs for each tensor.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub tensor_bytes: Option<Figure>,
    /// RAM that it needs for each node that runs.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub node_bytes: Option<Figure>,
    /// RAM that it needs for each output channel of each convolution.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub channel_bytes: Option<Figure>,
    /// What it computes with there.
    pub element_types: Vec<ElementType>,
    /// Name of the scheme in which it wants int8 models (`edgefit scheme list`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// Where an engine can place activations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArenaLayout {
    /// In one buffer, so in one bank.
    OneBank,
    /// In several pools, so in several banks; each tensor still lies in one.
    SeveralBanks,
}
