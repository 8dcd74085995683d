//! The commands, a file each, and what several of them need.

pub mod bench;
pub mod check;
pub mod device;
pub mod engine;
pub mod inspect;
pub mod plan;
pub mod predict;
pub mod run_model;

#[cfg(feature = "train")]
pub mod data;
#[cfg(feature = "train")]
pub mod demo;
#[cfg(feature = "train")]
pub mod explain;
#[cfg(feature = "train")]
pub mod export;
#[cfg(feature = "train")]
pub mod fit;
#[cfg(feature = "train")]
pub mod import;
#[cfg(feature = "train")]
pub mod lr_find;
#[cfg(feature = "train")]
pub mod prune;
#[cfg(feature = "train")]
pub mod quantize;
#[cfg(feature = "train")]
pub mod recipe;
#[cfg(feature = "train")]
pub mod report;
#[cfg(feature = "train")]
pub mod runs;
#[cfg(feature = "train")]
mod sample_sets;
#[cfg(feature = "train")]
pub mod scheme;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod verify;

use std::path::Path;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::bench::Program;
use edgefit::engine::onnxruntime::{self, Found, Missing};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use edgefit::graph::rewrite::lift_constants;

#[cfg(feature = "train")]
use crate::cli::InputShape;
use crate::cli::Shape;

/// Loads a model and the shapes of its inputs; errors name the file.
fn load(path: &Path, shape: &Shape) -> anyhow::Result<(Graph, InputShapes)> {
    let mut graph = Graph::load(path)?;
    lift_constants(&mut graph);
    let given = shape.input_shape.as_ref().map(|shape| shape.0.as_slice());
    let batch = shape.batch as usize;
    let shapes = InputShapes::bind(&graph, batch, given).map_err(in_file(path))?;
    let mut batches = shapes.0.iter().filter_map(|(_, dims)| dims.first());
    if let (Some(fixed), 2..) = (batches.next(), batch)
        && *fixed != batch
        && batches.all(|other| *other != batch)
    {
        anyhow::bail!(
            "{}: was exported for batches of {fixed}, not of {batch}; leave --batch out, or export it with a \
             dynamic batch",
            path.display()
        );
    }
    Ok((graph, shapes))
}

/// The model in a file, with its input of the shape that is given; errors name the file.
#[cfg(feature = "train")]
pub fn loaded(path: &Path, shape: Option<&InputShape>) -> anyhow::Result<Graph> {
    let mut graph = Graph::load(path)?;
    lift_constants(&mut graph);
    if let Some(shape) = shape {
        edgefit::micro::fix_sample(&mut graph, &shape.0).map_err(in_file(path))?;
    }
    Ok(graph)
}

/// The model in a file, and its integer program; errors name the file.
#[cfg(feature = "train")]
pub fn integer_program(
    path: &Path,
    shape: Option<&InputShape>,
) -> anyhow::Result<(Graph, edgefit::micro::Program)> {
    let graph = loaded(path, shape)?;
    let program = edgefit::micro::lower(&graph).map_err(in_file(path))?;
    Ok((graph, program))
}

/// Puts the name of a file before an error about what is in it.
pub fn in_file<E: Into<anyhow::Error>>(path: &Path) -> impl Fn(E) -> anyhow::Error {
    let name = path.display().to_string();
    move |error| error.into().context(name.clone())
}

/// Looks for ONNX Runtime's library, in the cache folder among other places.
pub fn discover(cache: &Cache) -> Result<&'static Found, Missing> {
    onnxruntime::discover(None, &cache.onnxruntime_folder())
}

/// This program, to be started again in processes of its own.
fn own_program() -> anyhow::Result<Program> {
    Ok(Program {
        binary: std::env::current_exe().context("cannot find edgefit's own binary")?,
        onnxruntime: discover(&Cache::of_user()?).map(|found| found.path.clone()),
    })
}

/// LiteRT, to be run in processes of its own.
#[cfg(feature = "train")]
fn litert() -> anyhow::Result<edgefit::litert::Subprocess> {
    Ok(edgefit::litert::Subprocess {
        binary: std::env::current_exe().context("cannot find edgefit's own binary")?,
        library: edgefit::litert::Library::find(&Cache::of_user()?.litert_folder())?,
    })
}

/// The number of threads asked for, or all cores.
pub fn threads(given: Option<u32>) -> usize {
    match given {
        Some(threads) => threads as usize,
        None => edgefit::base::threads(),
    }
}
