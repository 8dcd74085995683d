//! What the demo and the tests train and check with.

mod apt;
mod conformance;
mod fashion_mnist;
mod mnist;
mod photographs;
mod rapidocr;
mod weights;

use super::{Cache, Error, Result, cache, pip};

pub use conformance::onnx_operator_cases;
pub use fashion_mnist::fashion_mnist;
pub use mnist::mnist;
pub use photographs::tux_paint_photographs;
pub use rapidocr::rapidocr_classifier;
pub use weights::{efficientnet_lite, efficientnet_lite0};
