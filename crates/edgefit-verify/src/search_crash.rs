//! What happens when an engine crashes while a divergence or a fault is searched for.
//!
//! The crash is a result: [`Crash`] says which engine, at which [`Cut`] of the model, and its last
//! words. The search goes on with a new process and what the engine could not show is left out.

use std::fmt;

use edgefit_engine::{EngineName, Error, Result};
use serde::Serialize;

/// A part of the model that an engine was given during a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cut {
    /// The whole model.
    Whole,
    /// The whole model, with every inner value an output.
    AllValues,
    /// The model up to some values, which are its outputs.
    UpTo {
        /// The values.
        values: Vec<String>,
    },
    /// A few nodes alone.
    Nodes {
        /// Names of the nodes, or of their outputs.
        nodes: Vec<String>,
    },
}

/// An engine whose process ended by itself during a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Crash {
    /// The engine.
    pub engine: EngineName,
    /// What it was given.
    pub cut: Cut,
    /// Its last words, or the signal.
    pub message: String,
}

/// The crashes of a search; the same crash at the same cut counts once.
#[derive(Debug, Default)]
pub struct Crashes(Vec<Crash>);

impl Crashes {
    /// What an engine made of `cut`; `None` if it refused it, which says nothing, or crashed, which is
    /// noted.
    pub(crate) fn note<T>(&mut self, cut: impl FnOnce() -> Cut, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Error::Crashed { engine, detail }) => {
                let crash = Crash {
                    engine,
                    cut: cut(),
                    message: detail,
                };
                self.add(crash);
                None
            }
            Err(_) => None,
        }
    }

    fn add(&mut self, crash: Crash) {
        if !self.0.contains(&crash) {
            self.0.push(crash);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of another search.
    pub(crate) fn extend(&mut self, others: Crashes) {
        others.0.into_iter().for_each(|crash| self.add(crash));
    }

    /// All of them, in the order in which they happened.
    pub fn into_vec(self) -> Vec<Crash> {
        self.0
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Cut::Whole => f.write_str("the whole model"),
            Cut::AllValues => f.write_str("the model with all inner values as outputs"),
            Cut::UpTo { values } => write!(f, "the model up to '{}'", values.join("', '")),
            Cut::Nodes { nodes } => write!(f, "'{}' alone", nodes.join("', '")),
        }
    }
}
