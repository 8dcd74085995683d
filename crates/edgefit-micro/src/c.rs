//! A [`Program`] as a C99 project.
//!
//! The kernels are files of their own, in the folder `c` of this crate; what is made here is data and
//! calls. Nothing that the model is called becomes part of the code: things have numbers, and labels are
//! string literals of escaped bytes.

mod build_files;
mod exported;
mod fields;
mod file;
mod folder;
mod header;
mod kernels;
mod library;
mod literal;
mod model;
mod name;
mod parts;
mod prepared;
mod sample;

pub use exported::{Arena, CalledLibrary, Exported};
pub use file::File;
pub use folder::{FolderError, ensure_free, write};
pub use library::{Library, LibraryError};
pub use name::Name;
pub use parts::Parts;

/// The whole project: header, model, the kernels that it calls, a `main` that runs one sample, and build
/// files. The same program gives the same bytes.
pub fn project(parts: Parts) -> Vec<File> {
    let kernels = kernels(parts);
    let mut files = vec![header::header(parts), model::source(parts)];
    files.extend(sample::files(parts));
    let sources = kernels.iter().filter(|file| file.name.ends_with(".c"));
    let sources: Vec<&str> = sources.map(|file| file.name.as_str()).collect();
    files.extend(build_files::files(parts, &sources));
    files.extend(kernels);
    files
}

/// Header and source of the model alone.
pub fn model(parts: Parts) -> [File; 2] {
    [header::header(parts), model::source(parts)]
}

/// The kernels that the model calls, but for those of a library.
pub fn kernels(parts: Parts) -> Vec<File> {
    kernels::of(parts)
}

/// Every kernel.
pub fn all_kernels() -> Vec<File> {
    kernels::all()
}
