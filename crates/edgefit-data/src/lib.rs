//! The data room: from a folder of images, or a file of arrays, to plain arrays.
//!
//! [`Dataset::scan`] lists a folder of class folders, [`decode`] and [`prepare`] turn a file into a
//! model's input, [`augmented`] into one of its many views. [`Arrays::load`] reads data that are no
//! images, [`fit_scaler`] what centres and scales them. [`split`] divides samples into train, val and
//! test, and [`near_duplicates`] finds images that are in two of them. No engine is known here.

mod arrays;
mod augment;
mod dataset;
mod decode;
mod duplicates;
mod error;
mod prepare;
mod scaler;
mod split;

pub use arrays::{Arrays, Targets};
pub use augment::{Augmentation, augmented, png, preview, stream};
pub use dataset::{Dataset, Sample};
pub use decode::decode;
pub use duplicates::{Near, near_duplicates, perceptual_hash};
pub use error::{Error, Result};
pub use image::RgbImage;
pub use prepare::{prepare, thumbnail};
pub use scaler::fit_scaler;
pub use split::{Part, split};
