//! Do engines, or two versions of a model, compute the same, and if not, where do they part?
//!
//! [`verify()`] does the whole comparison. Of its parts, [`compare()`] and [`across`] compare results,
//! [`first_divergence`] finds the node, and [`eval_mode`] finds a model that is not in eval mode. [`OnSamples`] compares
//! what a model becomes for microcontrollers.

mod accuracy;
mod align_names;
mod bisect;
pub mod cases;
mod compare;
mod compare_engines;
mod compared;
mod counterparts;
mod divergence;
mod error;
pub mod eval_mode;
mod fidelity;
mod first_divergence;
mod input_kind;
mod integers;
mod known_differences;
mod layer_errors;
mod litert;
mod litert_floats;
mod locate;
mod noise;
mod on_samples;
mod output_tolerance;
mod participant;
mod reduce;
mod results;
mod samples;
mod search;
mod search_crash;
mod setting;
mod side;
mod structure;
mod subgraph;
mod tolerance;
mod value_statistics;
mod verdict;
mod verified_engine;
mod verify;

pub use accuracy::{Accuracy, IntegerAccuracy};
pub use align_names::with_names_of;
pub use compare::{Pair, compare};
pub use compare_engines::{across, pairs};
pub use compared::Compared;
pub use counterparts::{Counterparts, MatchedBy};
pub use divergence::{Divergence, ReducedModel};
pub use error::{Error, Result};
pub use fidelity::{DecidedBy, Fidelity, OutputFidelity, PairedLoss, Quantized, quantized_side};
pub use first_divergence::first_divergence;
pub use input_kind::InputKind;
pub use integers::{EmulatedOn, IntegerPair, IntegerReport};
pub use layer_errors::{LayerError, LayerErrors};
pub use litert_floats::{LiteRtPair, LiteRtReport};
pub use on_samples::{Emulated, IntegerTarget, OnSamples};
pub use output_tolerance::{OutputTolerance, output_tolerances};
pub use participant::{EngineReport, Models, Participant, Status, start};
pub use reduce::ReducedFiles;
pub use search_crash::{Crash, Crashes, Cut};
pub use setting::Setting;
pub use side::Side;
pub use tolerance::Tolerance;
pub use value_statistics::Statistics;
pub use verdict::Verdict;
pub use verified_engine::{IntegerEngine, VerifiedEngine};
pub use verify::{ModelPaths, Report, verify};
