//! The graph crate: an ONNX model from the moment it comes in until it goes out.
//!
//! [`Graph::load`] maps a file and checks it; [`infer::infer`] works out every shape; the
//! [`rewrite`] functions fold, cut, replace and extract; [`Graph::save`] writes the result. Names,
//! topology, attributes and metadata that no rewrite touched come out as they came in.
//!
//! [`ops::Op`] is the typed meaning of a node. The opset version of the model decides how a node
//! is read, in one place, so that the cost model and the executors never look at raw attributes.
//!
//! This crate knows ONNX and nothing of any engine.

pub mod attribute;
mod check;
mod decoded_size;
pub mod diff;
mod error;
pub mod evaluate;
mod external_data;
mod file_bytes;
mod foreign_labels;
mod fresh_names;
pub mod graph;
mod image_input;
pub mod infer;
pub mod labels;
mod metadata;
mod model_files;
mod node;
pub mod ops;
mod other_format;
pub mod preprocessing;
mod proto;
pub mod quantized;
mod read;
pub mod rewrite;
pub mod scaler;
pub mod task;
pub mod tensor;
mod tensor_type;
pub mod topology;
pub mod train_mode;
mod trainable_parameters;
mod unsupported;
mod write;

pub use attribute::Attribute;
pub use error::{Error, Result};
pub use fresh_names::FreshNames;
pub use graph::{Dim, Graph, Node, ValueInfo, ValueType};
pub use image_input::ImageInput;
pub use model_files::ModelFiles;
pub use other_format::OtherFormat;
pub use preprocessing::Preprocessing;
pub use scaler::StandardScaler;
pub use task::Task;
pub use tensor::{DataType, Tensor};
pub use trainable_parameters::trainable_parameters;
