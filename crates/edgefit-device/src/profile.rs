//! The schema of device profiles, version 2: `profiles/README.md` describes it field by field.

mod bank;
mod compute;
mod engine;
mod figure;
mod unit;

use serde::{Deserialize, Serialize};

pub use bank::{Bank, Content, Flash, Memory};
pub use compute::{Accelerator, Cpu, Peak, Power, Quantization, Scheme};
pub use engine::{ArenaLayout, Engine};
pub use figure::{Basis, Figure};

use crate::calibration::Calibration;
use crate::process_memory::ProcessMemory;
use crate::rates::Rate;

/// Version of the schema that this crate reads.
pub const VERSION: u32 = 2;

/// A board, or a class of boards that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`VERSION`].
    pub version: u32,
    /// Name on the command line.
    pub name: String,
    /// Human-readable name.
    pub title: String,
    /// Other names on the command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Kind of device.
    pub class: Class,
    /// Where the weights lie while the model runs.
    pub weights_in: WeightsIn,
    /// What somebody has to know for whom a model is too large: a sentence, such as that there is a
    /// variant with more memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Processor.
    pub cpu: Cpu,
    /// GPU or NPU, if the board has one that runs networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<Accelerator>,
    /// Built-in non-volatile memory, if the board has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<Flash>,
    /// How fast the largest memory is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub memory: Memory,
    /// How fast the whole device computes at best.
    #[serde(default, skip_serializing_if = "is_default")]
    pub peak: Peak,
    /// Which quantised networks the device runs best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantization: Option<Quantization>,
    /// What the device draws.
    #[serde(default, skip_serializing_if = "is_default")]
    pub power: Power,
    /// Memory, bank by bank: a buffer lies in one bank, never across two.
    #[serde(rename = "bank")]
    pub banks: Vec<Bank>,
    /// Inference engines that run there; the first is the one to assume.
    #[serde(default, rename = "engine", skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<Engine>,
    /// How fast engines run ops of many sizes, as a probe measured it.
    #[serde(default, rename = "rate", skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<Rate>,
    /// How much memory the processes of engines take, as a probe measured it.
    #[serde(default, rename = "footprint", skip_serializing_if = "Vec::is_empty")]
    pub process_memory: Vec<ProcessMemory>,
    /// How well the rates predict whole models.
    #[serde(default, rename = "calibration", skip_serializing_if = "Vec::is_empty")]
    pub calibrations: Vec<Calibration>,
}

/// Kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Runs from built-in flash, without an operating system or with a small one.
    Microcontroller,
    /// A small computer on one board, soldered memory and all.
    SingleBoardComputer,
    /// A desktop, laptop or server.
    Computer,
    /// A graphics card in a computer; its banks are its own memory.
    Gpu,
}

/// Where weights lie while the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightsIn {
    /// Read in place, as microcontrollers do.
    Flash,
    /// Loaded into RAM, where the activations are too.
    Ram,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether `character` may stand in the name of a profile.
pub fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// Whether `name` can be that of a profile: of the command line, and of a file in a folder.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_of_name)
}
