//! Processor, accelerator, peak rates, quantisation and power of a device.

use edgefit_base::units::parse::{Count, Hertz, MacsPerSecond, Milliwatts, Time};
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::unit;

/// Processor of a board; of a graphics card, its streaming multiprocessors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Human-readable name.
    pub model: String,
    /// Number of cores that run networks.
    #[serde(deserialize_with = "unit::required::<Count, _>")]
    pub cores: Figure,
    /// Highest clock.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Hertz, _>"
    )]
    pub clock_hz: Option<Figure>,
    /// Instruction set and its extensions, by the names that compilers take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isa: Option<Figure<Vec<String>>>,
    /// Bytes of the caches that a core reaches for data, nearest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_bytes: Option<Figure<Vec<u64>>>,
}

/// GPU or NPU of a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accelerator {
    /// Human-readable name.
    pub model: String,
    /// What the smallest kernel takes at best, from its launch to its end.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Time, _>"
    )]
    pub kernel_ns: Option<Figure>,
}

/// Highest rates of dense multiply-accumulates: of all cores together, and of the accelerator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Peak {
    /// Processor, 32-bit floats.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<MacsPerSecond, _>"
    )]
    pub cpu_f32_macs_per_second: Option<Figure>,
    /// Processor, 16-bit floats.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<MacsPerSecond, _>"
    )]
    pub cpu_f16_macs_per_second: Option<Figure>,
    /// Processor, 8-bit integers.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<MacsPerSecond, _>"
    )]
    pub cpu_int8_macs_per_second: Option<Figure>,
    /// Accelerator, 32-bit floats.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<MacsPerSecond, _>"
    )]
    pub accelerator_f32_macs_per_second: Option<Figure>,
    /// Accelerator, 16-bit floats.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<MacsPerSecond, _>"
    )]
    pub accelerator_f16_macs_per_second: Option<Figure>,
    /// Accelerator, 8-bit integers.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<MacsPerSecond, _>"
    )]
    pub accelerator_int8_macs_per_second: Option<Figure>,
}

/// Which quantised networks a device runs best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantization {
    /// How weights are to be scaled.
    pub scheme: Figure<Scheme>,
}

/// How the weights of a quantised network are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// One scale for each output channel.
    PerChannel,
    /// One scale for the whole tensor.
    PerTensor,
}

/// What a device draws.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Power {
    /// Doing nothing.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Milliwatts, _>"
    )]
    pub idle_milliwatts: Option<Figure>,
    /// With all that computes at work.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Milliwatts, _>"
    )]
    pub load_milliwatts: Option<Figure>,
}
