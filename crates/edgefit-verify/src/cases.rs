//! The inputs that results are compared on: images, arrays of a file, and synthetic ones.

mod case;
mod image_folder;
mod images;
mod npz;
mod options;
mod synthetic;

pub use case::{Case, Source};
pub use image_folder::{HeldOut, ImageFolder};
pub use images::Images;
pub use npz::from_npz;
pub use options::{Options, SAMPLES};
pub use synthetic::synthetic;
