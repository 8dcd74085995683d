//! The data room: from a folder of images to plain arrays.
//!
//! [`Dataset::scan`] lists a folder of class folders, [`decode`] and [`prepare`] turn a file into a
//! model's input, [`augmented`] into one of its many views, [`split`] divides samples into train, val
//! and test. No engine is known here.

mod augment;
mod dataset;
mod decode;
mod error;
mod prepare;
mod split;

pub use augment::{Augmentation, augmented, preview, stream};
pub use dataset::{Dataset, Sample};
pub use decode::decode;
pub use error::{Error, Result};
pub use image::RgbImage;
pub use prepare::{prepare, thumbnail};
pub use split::{Part, split};
