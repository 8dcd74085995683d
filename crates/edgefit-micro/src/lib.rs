//! An int8 model as an integer program, for microcontrollers.
//!
//! [`lower`] makes a [`Program`] of a model in the QDQ format whose scheme is TFLite's; [`Program::run`]
//! is a plain reference of it; [`ArenaPlan`] says where its values lie; [`patch`] makes them smaller; [`c`] writes it
//! as C99, and [`tflite`] as a LiteRT model.

pub mod c;
mod error;
mod fixed_point;
mod judged;
mod lower;
pub mod ops;
pub mod patch;
mod plan;
mod program;
pub mod ram_limit;
pub mod target;
pub mod tflite;

pub use error::{Error, Refusal, Result};
pub use fixed_point::Multiplier;
pub use judged::{judge_lowered, lowering_tried, not_linked};
pub use lower::{fix_sample, lower};
pub use plan::{ArenaBank, ArenaPlan};
pub use program::{InputBy, Port, Program, Quantization, Signature, Source, Step, TensorType};
