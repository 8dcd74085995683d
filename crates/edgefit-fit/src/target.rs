//! [`Target`]: what a network may take.

use edgefit_cost::{Limits, Request};
use edgefit_device::{ElementType, Profile};
use edgefit_quant::Scheme;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A device, the engine that runs the network there, and limits that the user sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The device; the first of its engines is meant.
    pub profile: Profile,
    /// Budgets in the place of the device's own.
    pub limits: Limits,
    /// What its int8 models are like; `None` where the engine wants none.
    pub scheme: Option<Scheme>,
}

impl Target {
    /// `profile` with `engine`; if none is named, with the first that wants int8 models, else with the first.
    ///
    /// # Errors
    /// The device has no such engine, or its scheme is not known.
    pub fn new(mut profile: Profile, engine: Option<&str>, limits: Limits) -> Result<Self> {
        let mut engines = profile.engines.iter();
        let place = match engine {
            Some(name) => {
                let found = engines.position(|engine| engine.name.as_str() == name);
                Some(found.ok_or_else(|| unknown(&profile, name))?)
            }
            None => engines.position(|engine| engine.scheme.is_some()),
        };
        if let Some(place) = place {
            profile.engines.swap(0, place);
        }
        let first = profile.engines.first();
        let scheme = first.and_then(|engine| engine.scheme.as_deref());
        let scheme = scheme.map(Scheme::named).transpose()?;
        Ok(Target {
            profile,
            limits,
            scheme,
        })
    }

    /// What a model is compared with.
    pub fn request(&self) -> Request<'_> {
        Request {
            limits: self.limits,
            ..Request::new(&self.profile)
        }
    }

    /// In which forms the engine runs a network.
    pub fn element_types(&self) -> Vec<ElementType> {
        let engine = self.profile.engines.first();
        let float = engine.is_none_or(|engine| engine.element_types.contains(&ElementType::F32));
        let int8 = self.scheme.as_ref().map(|_| ElementType::Int8);
        int8.into_iter()
            .chain(float.then_some(ElementType::F32))
            .collect()
    }
}

fn unknown(profile: &Profile, name: &str) -> Error {
    let engines = profile.engines.iter();
    let names: Vec<&str> = engines.map(|engine| engine.name.as_str()).collect();
    Error::Choice(format!(
        "device '{}' has no engine '{name}'; {}",
        profile.name,
        match names.as_slice() {
            [] => "leave --engine out, its profile has none".to_owned(),
            names => format!("use one of {}", names.join(", ")),
        }
    ))
}
