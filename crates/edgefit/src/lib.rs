//! edgefit fits a pretrained model to somebody's data and to somebody's board.
//!
//! This facade re-exports the crates of edgefit, each under its own name.

pub use edgefit_assets as assets;
pub use edgefit_base as base;
pub use edgefit_bench as bench;
pub use edgefit_cost as cost;
pub use edgefit_data as data;
pub use edgefit_device as device;
pub use edgefit_engine as engine;
pub use edgefit_graph as graph;
pub use edgefit_import as import;
pub use edgefit_predict as predict;
pub use edgefit_probe as probe;
pub use edgefit_remote as remote;
pub use edgefit_terminal as terminal;

#[cfg(feature = "train")]
pub use {
    edgefit_burn as burn, edgefit_fit as fit, edgefit_guards as guards, edgefit_litert as litert,
    edgefit_micro as micro, edgefit_prune as prune, edgefit_quant as quant,
    edgefit_report as report, edgefit_train as train, edgefit_verify as verify,
};
