//! [`Target`]: what a network may take.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use edgefit_cost::{Check, Limits, Request, judge};
use edgefit_device::{ElementType, Profile, find};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use edgefit_micro::judge_lowered;
use edgefit_micro::patch::Patches;
use edgefit_micro::ram_limit::for_project;
use edgefit_quant::{Calibrated, Scheme};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::footprint::Footprint;

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
    /// What `network` takes as `element_type`. An int8 model is written out for that, with
    /// weights and scales of the size that it will have.
    ///
    /// # Errors
    /// Its scheme does not take the network, or its shapes do not go together.
    pub fn footprint(&self, network: &Graph, element_type: ElementType) -> Result<Footprint> {
        let int8 = match (&self.scheme, element_type) {
            (Some(scheme), ElementType::Int8) => {
                Some(Calibrated::blank(network, scheme)?.quantize(&HashSet::new())?)
            }
            _ => None,
        };
        let graph = int8.as_ref().map_or(network, |made| &made.graph);
        let (check, patches) = self.judged(graph)?;
        Ok(Footprint {
            patches,
            ..Footprint::read(&check, element_type)
        })
    }

    /// What the model in a file takes.
    ///
    /// # Errors
    /// It cannot be read, or its shapes do not go together.
    pub fn check(&self, model: &Path) -> Result<Check> {
        Ok(self.judged(&Graph::load(model)?)?.0)
    }

    fn judged(&self, graph: &Graph) -> Result<(Check, Option<Patches>)> {
        let shapes = InputShapes::bind(graph, 1, None)?;
        let request = self.request();
        let mut check = judge(graph, &shapes, &request)?;
        let patches = judge_lowered(&mut check, (graph, &shapes), &request);
        Ok((check, patches))
    }

    /// For each of `devices` the one with `engine` and `limits`, by name; a device that is named twice counts once.
    ///
    /// # Errors
    /// As [`Target::new`]; a device is not known, or two that differ have the same name.
    pub fn for_devices(
        devices: &[String],
        engine: Option<&str>,
        limits: Limits,
    ) -> Result<Vec<Self>> {
        let mut named = Vec::new();
        for device in devices {
            let target = Target::new(find(device)?, engine, limits)?;
            named.push((device.as_str(), target));
        }
        distinct(named)
    }

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

    /// The device with the RAM that a project for it may take.
    pub fn for_project(&self) -> Profile {
        let limited = for_project(&self.profile, &self.limits);
        limited.map_or_else(|| self.profile.clone(), Cow::into_owned)
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

/// The targets, sorted by the names of their profiles, each once; in front of each stands what it was called.
fn distinct(mut named: Vec<(&str, Target)>) -> Result<Vec<Target>> {
    named.sort_by(|(_, a), (_, b)| a.profile.name.cmp(&b.profile.name));
    named.dedup_by(|(_, a), (_, b)| a == b);
    for pair in named.windows(2) {
        let [(one, target), (other, of_same_name)] = pair else {
            continue;
        };
        let name = &target.profile.name;
        if *name == of_same_name.profile.name {
            return Err(Error::Choice(format!(
                "--device {one} and --device {other} are different profiles of one name, '{name}'; \
                 rename one of them"
            )));
        }
    }
    Ok(named.into_iter().map(|(_, target)| target).collect())
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

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, Node, Tensor, ValueInfo};

    use super::*;

    fn convolution() -> Graph {
        let mut graph = Graph::new("convolution", 17);
        let dims = [1, 32, 64, 64].map(Dim::Known).to_vec();
        graph.inputs.push(ValueInfo::f32("x", dims));
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        let weight = Tensor::from_values(vec![32, 32, 3, 3], &[0.5f32; 32 * 32 * 9]);
        graph.initializers.insert("w".into(), weight);
        graph
            .nodes
            .push(Node::new("Conv", "conv", &["x", "w"], &["y"]));
        graph
    }

    #[test]
    fn two_profiles_of_one_name_are_not_taken_for_the_same() {
        let target = |device: &str| {
            let limits = Limits::default();
            Target::new(find(device).unwrap(), None, limits).unwrap()
        };
        let small = target("stm32f411");
        let mut larger = target("stm32f746");
        let all = vec![
            ("f7", larger.clone()),
            ("f4", small.clone()),
            ("f7.toml", larger.clone()),
        ];
        assert_eq!(distinct(all).unwrap(), [small, larger.clone()]);
        let first = larger.clone();
        larger.profile.engines.pop();
        let refused = distinct(vec![("f7", first), ("mine.toml", larger)]);
        let refused = refused.unwrap_err().to_string();
        for word in ["--device f7 ", "--device mine.toml ", "'stm32f746'"] {
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn what_is_made_for_a_limit_lies_in_it() {
        let bytes = |ram_bytes: Option<u64>| {
            let limits = Limits {
                ram_bytes,
                ..Limits::default()
            };
            let target = Target::new(find("stm32f411").unwrap(), None, limits).unwrap();
            let banks = target.for_project().banks.into_iter();
            banks.map(|bank| bank.bytes.value).collect::<Vec<_>>()
        };
        assert_eq!(bytes(Some(40 << 10)), [40 << 10]);
        assert_eq!(bytes(None), [128 << 10]);
    }

    #[test]
    fn a_time_that_is_likely_to_do_is_enough_and_one_that_is_not_is_none() {
        let profile = find("raspberry-pi-zero-2w").unwrap();
        let within = |latency_ns: Option<u64>| {
            let limits = Limits {
                latency_ns,
                ..Limits::default()
            };
            let target = Target::new(profile.clone(), None, limits).unwrap();
            target.footprint(&convolution(), ElementType::F32).unwrap()
        };
        let likely = within(None).latency_ns.unwrap();
        for (limit, fits) in [(likely, true), (likely - 1, false), (100 * likely, true)] {
            let footprint = within(Some(limit));
            assert_eq!(footprint.fits, fits, "{limit}: {footprint:?}");
        }
        assert_eq!(within(Some(likely - 1)).unknown, ["limit"]);
        assert_eq!(within(Some(1)).short.len(), 1);
    }
}
