//! Flash and memory banks of a device, and how fast its largest memory is.

use edgefit_base::units::parse::{Bytes, BytesPerSecond};
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::unit;

/// Non-volatile memory of a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// First address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Size.
    #[serde(deserialize_with = "unit::required::<Bytes, _>")]
    pub bytes: Figure,
    /// What others take of it: a boot loader, a radio's protocol stack.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub reserved_bytes: Option<Figure>,
}

impl Flash {
    /// Bytes left for a program with its model.
    pub fn free_bytes(&self) -> u64 {
        free(&self.bytes, self.reserved_bytes.as_ref())
    }
}

/// One contiguous memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Name in the reference manual.
    pub name: String,
    /// First address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Size.
    #[serde(deserialize_with = "unit::required::<Bytes, _>")]
    pub bytes: Figure,
    /// What others on the board take of it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub reserved_bytes: Option<Figure>,
    /// The most that a program can place there when it is linked, where that is less than all.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub static_bytes: Option<Figure>,
    /// The largest block of it that a heap gives away, where that is less than all.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<Bytes, _>"
    )]
    pub heap_block_bytes: Option<Figure>,
    /// What may live there.
    pub holds: Vec<Content>,
}

impl Bank {
    /// Bytes left for a model, in however many pieces.
    pub fn free_bytes(&self) -> u64 {
        free(&self.bytes, self.reserved_bytes.as_ref())
    }

    /// The largest buffer that can be had there, placed when the program is linked or taken from the
    /// heap, whichever is more.
    pub fn largest_buffer_bytes(&self) -> u64 {
        let ways = [&self.static_bytes, &self.heap_block_bytes].into_iter();
        let most = ways.flatten().max_by_key(|figure| figure.value);
        most.map_or(self.free_bytes(), |most| {
            free(most, self.reserved_bytes.as_ref()).min(self.free_bytes())
        })
    }
}

fn free(bytes: &Figure, reserved: Option<&Figure>) -> u64 {
    let reserved = reserved.map_or(0, |figure| figure.value);
    bytes.value.saturating_sub(reserved)
}

/// What may live in a memory bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Weights that are loaded into RAM.
    Weights,
    /// Activations.
    Arena,
    /// State of the engine, stack and heap.
    Runtime,
}

/// How fast the largest memory of a device is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// What the interface can carry.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<BytesPerSecond, _>"
    )]
    pub bandwidth_bytes_per_second: Option<Figure>,
    /// What a benchmark such as STREAM reached.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "unit::optional::<BytesPerSecond, _>"
    )]
    pub measured_bandwidth_bytes_per_second: Option<Figure>,
}
