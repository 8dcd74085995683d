//! What a model is compared with: device, engine, limits.

use edgefit_device::{ArenaLayout, ElementType, Engine, EngineId, Profile};
use edgefit_graph::Graph;
use serde::{Deserialize, Serialize};

use crate::weight_types::computed_type;

/// What a model is compared with.
pub struct Request<'a> {
    /// The device.
    pub profile: &'a Profile,
    /// Engine that was asked for; `None` for that of [`Request::engine_for`].
    pub engine: Option<&'a Engine>,
    /// Threads that the engine runs with.
    pub threads: u32,
    /// Budgets given by hand: each replaces what the profile has of that resource.
    pub limits: Limits,
    /// What the model, as it is, was seen to take; it replaces what would be predicted.
    pub measured: Option<Measured>,
    /// What engines of this machine made of the model, as it is, when they were tried.
    pub trials: Vec<Trial>,
    /// Smaller networks to try where nothing gentler helps.
    pub backbones: Vec<Backbone<'a>>,
    /// The command that makes an int8 model of this one for the device, for the suggestions.
    pub quantize: Option<String>,
    /// The command that searches for a network that fits, for a no.
    pub search: Option<String>,
}

/// What a process took that ran the model.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Where, and with what, human-readable.
    pub by: String,
    /// Most memory that it had resident, in bytes; `None` where the system does not say.
    pub peak_rss_bytes: Option<u64>,
    /// Time of a run: median, and the 95 % interval of the median, in nanoseconds; `None` for too few
    /// runs.
    pub run_ns: Option<[u64; 3]>,
}

/// What an engine made of the model when it was told to load it and to run it once.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The engine.
    pub engine: EngineId,
    /// Where, human-readable, such as `on this machine`.
    pub place: String,
    /// What came of it.
    pub outcome: TrialOutcome,
}

/// What came of a [`Trial`].
#[derive(Debug, Clone)]
pub enum TrialOutcome {
    /// It ran.
    Ran,
    /// It is compiled ahead of its runs, and has an integer form for every node.
    Lowered,
    /// The engine refused it, or died of it.
    Refused {
        /// The node at which it did, where that is known.
        node: Option<String>,
        /// What is wrong, and the fix where one is known.
        words: String,
    },
    /// There was no trial.
    NotTried {
        /// Why, human-readable.
        reason: String,
    },
}

/// Budgets given by hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// RAM, in one piece.
    pub ram_bytes: Option<u64>,
    /// Flash, or the size of the weights on disk.
    pub flash_bytes: Option<u64>,
    /// Time of one run.
    pub latency_ns: Option<u64>,
}

/// A network that may take the place of the one that does not fit.
pub struct Backbone<'a> {
    /// Its name.
    pub name: &'a str,
    /// Builds it for a number of classes; the values of its weights do not matter.
    pub build: Box<dyn Fn(usize) -> Graph + 'a>,
}

/// The profile has no such engine.
#[derive(Debug, thiserror::Error)]
#[error("device '{device}' has no engine '{engine}'; {fix}")]
pub struct UnknownEngine {
    device: String,
    engine: String,
    fix: String,
}

impl<'a> Request<'a> {
    /// `profile` with the engine that is assumed for a model, no limits but its own, and no other networks to
    /// try; with as many threads as its rates were measured with, or on all cores.
    pub fn new(profile: &'a Profile) -> Self {
        let cores = u32::try_from(profile.cpu.cores.value).unwrap_or(u32::MAX);
        let measured = profile.rates.iter().map(|rate| rate.threads).max();
        Request {
            profile,
            engine: None,
            threads: measured.unwrap_or(cores),
            limits: Limits::default(),
            measured: None,
            trials: Vec::new(),
            backbones: Vec::new(),
            quantize: None,
            search: None,
        }
    }

    /// The engine for models that compute with `element`: the one that was asked for, else the first of the
    /// profile. Floats pass over engines of integers alone, where there is another.
    pub fn engine_for(&self, element: ElementType) -> Option<&'a Engine> {
        let mut engines = self.profile.engines.iter();
        let takes = |engine: &&Engine| {
            element == ElementType::Int8 || engine.element_types != [ElementType::Int8]
        };
        let assumed = engines.find(takes).or(self.profile.engines.first());
        self.engine.or(assumed)
    }

    /// The engine for `graph`, as [`Request::engine_for`] has it.
    pub fn engine_of(&self, graph: &Graph) -> Option<&'a Engine> {
        self.engine_for(computed_type(graph))
    }

    /// The same with the engine `name`.
    ///
    /// # Errors
    /// The profile has no such engine.
    pub fn with_engine(mut self, name: &str) -> Result<Self, UnknownEngine> {
        let engines = &self.profile.engines;
        let found = engines.iter().find(|engine| engine.name.as_str() == name);
        self.engine = Some(found.ok_or_else(|| {
            let names: Vec<&str> = engines.iter().map(|engine| engine.name.as_str()).collect();
            UnknownEngine {
                device: self.profile.name.clone(),
                engine: name.to_owned(),
                fix: if names.is_empty() {
                    "add an [[engine]] to its profile, or leave --engine out".to_owned()
                } else {
                    format!("use one of {}", names.join(", "))
                },
            }
        })?);
        Ok(self)
    }
}

/// Whether `engine` computes with `element`; an engine that is not known may.
pub(super) fn computes_with(engine: Option<&Engine>, element: ElementType) -> bool {
    engine.is_none_or(|engine| engine.element_types.contains(&element))
}

/// Whether `engine` can spread its arena over banks.
pub(super) fn spreads(engine: Option<&Engine>) -> bool {
    engine.is_some_and(|engine| engine.arena == ArenaLayout::SeveralBanks)
}
