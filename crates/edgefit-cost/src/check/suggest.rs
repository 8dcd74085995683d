//! Changes to a model that does not fit, each tried on the same device.

use std::fmt;

use edgefit_device::{ElementType, Engine, EngineId};
use edgefit_graph::infer::InputShapes;
use serde::{Serialize, Serializer};

use super::assessment::Assessment;
use super::budget::{Condition, Resource, Verdict};
use super::execution::Execution;
use super::needs::Needs;
use super::request::{Backbone, Request, computes_with, spreads};
use crate::costs::Costs;

/// A change that was tried on the same device, and what it would reach.
#[derive(Debug, Clone, Serialize)]
pub struct Suggestion {
    /// What was changed.
    pub change: Change,
    /// Whether the changed model fits.
    pub verdict: Verdict,
    /// What has to be true for it to fit, where that is all that is not known.
    pub fits_if: Vec<Condition>,
    /// Flash it would need, as far as it is known.
    pub flash_bytes: Option<u64>,
    /// RAM it would need, as far as it is known.
    pub ram_bytes: Option<u64>,
    /// Time that one run would take.
    pub latency_ns: Option<u64>,
    /// The command that makes the changed model, where there is one and it may fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What a [`Suggestion`] changes; all that is `None` or false stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The nodes run in the order that needs the least memory.
    pub order: bool,
    /// Another engine of the profile.
    pub engine: Option<EngineId>,
    /// Another network.
    pub backbone: Option<String>,
    /// Narrower weights and activations.
    pub element_type: Option<ElementType>,
    /// Another side of the square input in pixels.
    pub resolution: Option<usize>,
    /// The engine that is assumed for the changed model, where that is another than for this one.
    pub with: Option<EngineId>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if self.order {
            parts.push("another order of the nodes".into());
        }
        parts.extend(self.backbone.clone());
        parts.extend(self.engine.as_ref().map(|name| format!("--engine {name}")));
        parts.extend(self.element_type.map(|element| element.to_string()));
        parts.extend(self.resolution.map(|side| format!("at {side}×{side}")));
        parts.extend(self.with.as_ref().map(|name| format!("with {name}")));
        f.write_str(&parts.join(" "))
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Input sides that are tried for a model that is too large.
const RESOLUTIONS: [usize; 4] = [192, 160, 128, 96];

/// Changes from the gentlest to the harshest, up to the first after which no budget is short.
pub(super) fn suggestions(
    needs: &Needs,
    shapes: &InputShapes,
    request: &Request,
) -> Vec<Suggestion> {
    let mut made = Vec::new();
    for change in changes(needs, shapes, request) {
        // A resolution at which the network cannot run is no suggestion.
        let Some((suggestion, settled)) = attempt(needs, shapes, request, change) else {
            continue;
        };
        made.push(suggestion);
        if settled {
            return made;
        }
    }
    if refused(needs, request) {
        return made;
    }
    for backbone in &request.backbones {
        let Some((suggestion, settled)) = replacement(needs, request, backbone) else {
            continue;
        };
        made.push(suggestion);
        if settled {
            return made;
        }
    }
    made
}

fn changes(needs: &Needs, shapes: &InputShapes, request: &Request) -> Vec<Change> {
    let none = Change::default;
    let mut changes = Vec::new();
    let own = request.engine_for(needs.element);
    let better = |order: &crate::memory_plan::BestOrder| order.arena_bytes < needs.plan.arena_bytes;
    if needs.plan.best_order.as_ref().is_some_and(better) {
        changes.push(Change {
            order: true,
            ..none()
        });
    }
    let runs = |engine: &Engine| {
        let found = Execution::of(needs, request, Some(engine));
        found.is_some_and(|found| found.holds == Some(true))
    };
    // Another engine helps where this one does not run it, or keeps its arena in one bank.
    let refused = refused(needs, request);
    let engines = request.profile.engines.iter().filter(|engine| {
        let spread = !spreads(own) && spreads(Some(engine));
        own.is_none_or(|own| own.name != engine.name) && (spread || refused) && runs(engine)
    });
    changes.extend(engines.map(|engine| Change {
        engine: Some(engine.name.clone()),
        ..none()
    }));
    let narrower: Vec<ElementType> = match needs.element {
        ElementType::F32 => vec![ElementType::F16, ElementType::Int8],
        ElementType::F16 if computes_with(own, ElementType::F16) => {
            vec![ElementType::Int8]
        }
        // Wider, but what the engine computes with.
        ElementType::F16 => vec![ElementType::F32, ElementType::Int8],
        ElementType::Int8 => vec![],
    };
    let narrower: Vec<ElementType> = narrower
        .into_iter()
        .filter(|&element| computes_with(request.engine_for(element), element))
        .collect();
    changes.extend(narrower.iter().map(|&element| Change {
        element_type: Some(element),
        ..none()
    }));
    let side = square(shapes);
    let smaller: Vec<usize> = RESOLUTIONS
        .into_iter()
        .filter(|&resolution| side.is_some_and(|side| resolution < side))
        .collect();
    changes.extend(smaller.iter().map(|&resolution| Change {
        resolution: Some(resolution),
        ..none()
    }));
    if narrower.contains(&ElementType::Int8) {
        changes.extend(smaller.iter().map(|&resolution| Change {
            element_type: Some(ElementType::Int8),
            resolution: Some(resolution),
            ..none()
        }));
    }
    if refused {
        // What is no matter of size is mended by another engine, or by another type if that is the matter.
        let typed = computes_with(own, needs.element);
        changes
            .retain(|change| change.engine.is_some() || (change.element_type.is_some() && !typed));
    }
    changes
}

/// Whether the engine of `request` does not run the model.
fn refused(needs: &Needs, request: &Request) -> bool {
    let runs = Execution::of(needs, request, request.engine_for(needs.element));
    runs.is_some_and(|runs| runs.holds == Some(false))
}

/// Side of the only input, if that is a batch of square images.
fn square(shapes: &InputShapes) -> Option<usize> {
    match shapes.0.as_slice() {
        [(_, dims)] if dims.len() == 4 && dims[2] == dims[3] => Some(dims[2]),
        _ => None,
    }
}

fn at(shapes: &InputShapes, side: Option<usize>) -> InputShapes {
    let mut shapes = shapes.clone();
    if let (Some(side), Some((_, dims))) = (side, shapes.0.first_mut()) {
        dims[2..].fill(side);
    }
    shapes
}

/// The suggestion of `change`, and whether no smaller model is needed after it.
fn attempt(
    needs: &Needs,
    shapes: &InputShapes,
    request: &Request,
    mut change: Change,
) -> Option<(Suggestion, bool)> {
    let reordered = match &needs.plan.best_order {
        Some(order) if change.order => Some(order.apply(needs.graph)),
        _ => None,
    };
    let graph = reordered.as_ref().unwrap_or(needs.graph);
    let element = change.element_type.unwrap_or(needs.element);
    let engine = match &change.engine {
        Some(name) => {
            let mut engines = request.profile.engines.iter();
            engines.find(|engine| engine.name == *name)
        }
        None => {
            change.with = assumed(request, [needs.element, element]);
            request.engine_for(element)
        }
    };
    let shapes = at(shapes, change.resolution);
    let needs = Needs::of(graph, &shapes, element, engine).ok()?;
    Some(assess(&needs, request, engine, change))
}

/// The engine that is assumed for the second element type, where that is another than for the first.
fn assumed(request: &Request, elements: [ElementType; 2]) -> Option<EngineId> {
    let [before, after] = elements.map(|element| request.engine_for(element));
    let name = &after?.name;
    before
        .is_none_or(|before| before.name != *name)
        .then(|| name.clone())
}

fn assess(
    needs: &Needs,
    request: &Request,
    engine: Option<&Engine>,
    change: Change,
) -> (Suggestion, bool) {
    let assessment = Assessment::of(needs, request, engine);
    let quantized = Change {
        element_type: Some(ElementType::Int8),
        with: change.with.clone(),
        ..Change::default()
    };
    let made = change == quantized && assessment.verdict() != Verdict::DoesNotFit;
    let suggestion = Suggestion {
        change,
        command: request.quantize.clone().filter(|_| made),
        verdict: assessment.verdict(),
        fits_if: assessment.fits_if(),
        flash_bytes: assessment.need_bytes(Resource::Flash),
        ram_bytes: assessment.need_bytes(Resource::Ram),
        latency_ns: assessment.latency.as_ref().and_then(|figure| figure.ns),
    };
    (suggestion, assessment.reached())
}

/// `backbone` in int8 for as many classes, at the largest resolution at which it fits, or the
/// smallest if it never does; `None` for one that computes as much as the model itself.
fn replacement(
    needs: &Needs,
    request: &Request,
    backbone: &Backbone,
) -> Option<(Suggestion, bool)> {
    let element = ElementType::Int8;
    let engine = request.engine_for(element);
    if !computes_with(engine, element) {
        return None;
    }
    let output = needs.graph.outputs.first()?;
    let classes = *needs.inference.get(&output.name)?.dims.last()?;
    let graph = (backbone.build)(classes);
    let shapes = InputShapes::bind(&graph, 1, None).ok()?;
    let inference = edgefit_graph::infer::infer(&graph, &shapes).ok()?;
    let macs = Costs::of(needs.graph, &needs.inference).totals.macs;
    if Costs::of(&graph, &inference).totals.macs >= macs {
        return None;
    }
    let mut last = None;
    for resolution in [None].into_iter().chain(RESOLUTIONS.map(Some)) {
        let change = Change {
            backbone: Some(backbone.name.to_owned()),
            element_type: Some(element),
            resolution,
            with: assumed(request, [needs.element, element]),
            ..Change::default()
        };
        let shapes = at(&shapes, resolution);
        if let Ok(needs) = Needs::of(&graph, &shapes, element, engine) {
            last = Some(assess(&needs, request, engine, change));
        }
        if last.as_ref().is_some_and(|(_, settled)| *settled) {
            break;
        }
    }
    last
}
