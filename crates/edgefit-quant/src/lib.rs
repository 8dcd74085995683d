//! A float model into an int8 one, in the scheme that an engine wants.
//!
//! A [`Scheme`] says what the engine wants. [`Calibrated::new`] prepares the model and watches its values
//! on calibration samples; [`Calibrated::quantize`] writes it in the QDQ format; [`guard()`] compares it with
//! the float model on samples of their own, and keeps in floats what costs too much.

mod channels;
mod equalize;
mod error;
mod execution;
mod guard;
mod histogram;
mod layer;
mod learned_scales;
mod moments;
mod nodes;
mod observe;
mod parameters;
mod plan;
mod prepare;
mod provenance;
mod qdq;
mod quantize;
mod report;
mod rounding;
mod scheme;
mod trainable;
mod trainable_form;
mod trainable_layer;
mod value_parameters;
mod weights;

pub use edgefit_predict::{Chosen, Comparison, Outputs, Samples, draw, outputs, shuffled};
pub use equalize::Equalized;
pub use error::{Error, Result};
pub use execution::{execution_here, execution_of, is_of_this_processor};
pub use guard::{Fallback, Guarded, KeptFloat, Limits, Validation, guard};
pub use provenance::Provenance;
pub use quantize::{Calibrated, FloatNode, FloatReason, Quantized};
pub use report::{Files, Report};
pub use scheme::{
    ActivationScheme, FixedOutput, Granularity, IntegerType, OpsetRange, Scheme, WeightScheme,
};
pub use trainable::Trainable;
