//! The data room: from a folder of images, or a file of arrays, to plain arrays.
//!
//! [`Dataset::open`] lists a folder of class folders or reads a file of arrays. [`decode`] and
//! [`prepare`] turn an image into a model's input, [`augmented`] into one of its many views;
//! [`fit_scaler`] fits what centres and scales arrays. [`split`] divides samples into train, val and
//! test, [`near_duplicates`] and [`equal_samples`] find those that are in two of them. No engine is
//! known here.

mod arrays;
mod augment;
mod dataset;
mod decode;
mod duplicates;
mod error;
mod prepare;
mod scaler;
mod split;

pub use arrays::{Arrays, NamedArray, Targets, npz, read_array, read_npz};
pub use augment::{Augmentation, augmented, png, preview, stream};
pub use dataset::{Content, Dataset, Sample};
pub use decode::decode;
pub use duplicates::{Near, equal_samples, near_duplicates, perceptual_hash};
pub use error::{Error, Result};
pub use image::RgbImage;
pub use prepare::{prepare, thumbnail};
pub use scaler::fit_scaler;
pub use split::{Split, Split as Part, Splits, split};
