//! The inputs that results are compared on: images, arrays of a file, and synthetic ones.

mod case;
mod images;
mod npz;
mod synthetic;

pub use case::{Case, Source};
pub use images::{HeldOut, ImageFolder, Images};
pub use npz::from_npz;
pub use synthetic::synthetic;
