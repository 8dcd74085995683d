//! One file a command.

pub mod bench;
pub mod check;
pub mod device;
mod diff;
pub mod engine;
pub mod inspect;
pub mod plan;
mod remote;
pub mod run_model;

#[cfg(feature = "train")]
pub mod demo;
#[cfg(feature = "train")]
pub mod explain;
#[cfg(feature = "train")]
pub mod import;
#[cfg(feature = "train")]
pub mod lr_find;
#[cfg(feature = "train")]
pub mod recipe;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod verify;

use std::path::Path;

use edgefit::assets::Cache;
use edgefit::base::file::write_atomically;
use edgefit::engine::onnxruntime::{self, Found, Missing};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use edgefit::graph::rewrite::lift_constants;

use crate::cli::Shape;

/// Loads a model and the shapes it is to be looked at with; errors name the file.
fn load(path: &Path, shape: &Shape) -> anyhow::Result<(Graph, InputShapes)> {
    let mut graph = Graph::load(path)?;
    lift_constants(&mut graph);
    let given = shape.input_shape.as_ref().map(|shape| shape.0.as_slice());
    let shapes = InputShapes::bind(&graph, shape.batch as usize, given).map_err(in_file(path))?;
    Ok((graph, shapes))
}

/// The block that a node belongs to: the first `depth` parts of its name.
fn block(name: &str, depth: usize) -> String {
    let parts = name.split(['/', '.']).filter(|part| !part.is_empty());
    parts.take(depth).collect::<Vec<_>>().join("/")
}

/// Puts the name of a file before an error about what is in it.
fn in_file<E: Into<anyhow::Error>>(path: &Path) -> impl Fn(E) -> anyhow::Error {
    let name = path.display().to_string();
    move |error| error.into().context(name.clone())
}

/// Writes a picture; a file that is there is replaced once the new one is whole.
fn draw(path: &Path, picture: &str) -> anyhow::Result<()> {
    Ok(write_atomically(path, |file| {
        file.write_all(picture.as_bytes())
    })?)
}

/// Looks for ONNX Runtime's library, in the cache folder among other places.
fn discover(cache: &Cache) -> Result<&'static Found, Missing> {
    onnxruntime::discover(None, &cache.onnxruntime_folder())
}

/// The number of threads asked for, or all cores.
#[cfg(feature = "train")]
fn threads(given: Option<u32>) -> usize {
    match given {
        Some(threads) => threads as usize,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    }
}
