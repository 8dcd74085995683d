//! A float model into an int8 one, in the scheme that an engine wants.
//!
//! A [`Scheme`] says what the engine wants. [`Calibrated::new`] folds the model and watches its values
//! on calibration samples; [`Calibrated::quantize`] writes the model in the QDQ format.

mod calibrate;
mod error;
mod histogram;
mod parameters;
mod plan;
mod qdq;
mod quantize;
mod scheme;
mod weights;

pub use calibrate::{Observed, calibrate};
pub use error::{Error, Result};
pub use histogram::Histogram;
pub use parameters::Parameters;
pub use plan::{Group, Plan};
pub use quantize::{Calibrated, Quantized};
pub use scheme::{
    ActivationScheme, FixedOutput, Granularity, IntegerType, OpsetRange, Scheme, WeightScheme,
};
pub use weights::{QuantizedWeight, WeightRule};
