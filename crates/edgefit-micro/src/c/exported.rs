//! [`Exported`]: what became of a model, the document `edgefit.export/1`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::file::File;
use super::parts::Parts;
use crate::error::Refusal;
use crate::patch::Patches;
use crate::program::InputBy;

/// What became of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The model.
    pub model: PathBuf,
    /// The folder of the project.
    pub folder: PathBuf,
    /// The device that it is for, if that was said.
    pub device: Option<String>,
    /// Its files.
    pub files: Vec<String>,
    /// Bytes of all arenas together.
    pub arena_bytes: u64,
    /// The arenas.
    pub arenas: Vec<Arena>,
    /// Bytes of weights, biases, multipliers and tables.
    pub weights_bytes: u64,
    /// How the first steps run, if in patches.
    pub patches: Option<Patches>,
    /// Results that lie over what they are made of.
    pub overlaps: usize,
    /// How the input comes to it.
    pub input: InputBy,
    /// The library that runs convolutions and products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library: Option<CalledLibrary>,
    /// Ops that run.
    pub steps: usize,
    /// Nodes without an integer form: none, of a model that was exported.
    pub unsupported: Vec<Refusal>,
}

/// A library of kernels that a project calls.
#[derive(Debug, Clone, Serialize)]
pub struct CalledLibrary {
    /// What it is called.
    pub name: &'static str,
    /// Bytes of memory that it works in, beside the arenas.
    pub scratch_bytes: usize,
}

/// An arena in a memory.
#[derive(Debug, Clone, Serialize)]
pub struct Arena {
    /// The memory, if a device says it.
    pub bank: Option<String>,
    /// Its size.
    pub bytes: u64,
}

impl Exported {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.export/1";

    /// Of `files` made of `parts`, a model, and written into a folder.
    pub fn of(parts: Parts, files: &[File], [model, folder]: [&Path; 2]) -> Self {
        let banks = parts.plan.banks.iter();
        Exported {
            model: model.to_path_buf(),
            folder: folder.to_path_buf(),
            device: None,
            patches: None,
            overlaps: parts.plan.overlaps,
            input: parts.program.input_by,
            library: parts.library.map(|library| CalledLibrary {
                name: library.name(),
                scratch_bytes: library.scratch_bytes(parts.program),
            }),
            files: files.iter().map(|file| file.name.clone()).collect(),
            arena_bytes: parts.plan.bytes(),
            arenas: banks
                .map(|bank| Arena {
                    bank: bank.name.clone(),
                    bytes: bank.bytes,
                })
                .collect(),
            weights_bytes: parts.program.constant_bytes(),
            steps: parts.program.steps.len(),
            unsupported: Vec::new(),
        }
    }
}
