//! Datasets: from a folder of images, or a file of arrays, to plain arrays.
//!
//! [`Dataset::open`] lists a folder of class folders or reads a file of arrays. [`decode`] and
//! [`prepare`] turn an image into a model's input, [`augmented`] into one of its many views;
//! [`fit_scaler`] fits what standardises arrays. [`split`] divides samples into train, val and test,
//! [`near_duplicates`] and [`equal_samples`] find those that are in two of them. [`write_predictions`]
//! lists what a model says of samples. This crate depends on no engine.

mod arrays;
mod augment;
mod card;
mod dataset;
mod decode;
mod duplicates;
mod error;
mod picture;
mod predictions;
mod prepare;
mod resample;
mod scaler;
mod split;

pub use arrays::{
    Inputs, NamedArray, is_array_file, npz, read_array, read_inputs, read_named_inputs,
    read_trained_inputs,
};
pub use augment::{Augmentation, augmented, png, preview, stream};
pub use card::{Card, Copies, LabelDoubt, LabelDoubts, LeftOut, Outlier, Spread};
pub use dataset::{
    Content, Dataset, Sample, class_name, images_below, is_array_folder, sample_name, sample_path,
};
pub use decode::{decode, image_size, read_image};
pub use duplicates::{Duplicate, equal_samples, near_copies, near_duplicates};
pub use error::{Error, Result};
pub use image::RgbImage;
pub use predictions::{LABEL_THRESHOLD, Prediction, Truth, write_confusion, write_predictions};
pub use prepare::{halved, kept_area, normalised, prepare, resized, thumbnail};
pub use scaler::fit_scaler;
pub use split::{Split, Splits, split, split_groups};
