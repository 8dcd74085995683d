//! The reports of the other crates as human-readable text, a file each.

mod benchmark;
mod boards;
mod check;
mod devices;
mod difference;
mod engines;
mod inspection;
mod memory_plan;
mod predictions;
mod probed;
mod profile;
mod quantized;
mod shorten;

#[cfg(feature = "train")]
mod data;
#[cfg(feature = "train")]
mod explanation;
#[cfg(feature = "train")]
mod exported;
#[cfg(feature = "train")]
mod findings;
#[cfg(feature = "train")]
mod import;
#[cfg(feature = "train")]
mod integers;
#[cfg(feature = "train")]
mod learning_rates;
#[cfg(feature = "train")]
mod linked;
#[cfg(feature = "train")]
mod litert;
#[cfg(feature = "train")]
mod next_commands;
#[cfg(feature = "train")]
mod pruning;
#[cfg(feature = "train")]
mod quantization;
#[cfg(feature = "train")]
mod refusal;
#[cfg(feature = "train")]
mod runs;
#[cfg(feature = "train")]
mod search;
#[cfg(feature = "train")]
mod sides;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "train")]
mod verification;

pub use benchmark::benchmark;
pub use boards::boards;
pub use check::{check, layers};
pub use devices::devices;
pub use difference::difference;
pub use engines::engines;
pub use inspection::inspection;
pub use memory_plan::memory_plan;
pub use predictions::predictions;
pub use probed::probed;
pub use profile::profile;

#[cfg(feature = "train")]
pub use {
    data::data, explanation::explanation, exported::exported, exported::exported_file,
    import::import, integers::integers, learning_rates::learning_rates, linked::linked,
    litert::litert, next_commands::next_commands, pruning::pruning, quantization::quantization,
    refusal::refusal, runs::runs, search::nothing_fits, search::search, search::searches,
    training::training, verification::verification,
};
