//! Whether an engine runs the model at all: from trying it, or else from what it is known to compute.

use std::collections::HashSet;

use edgefit_device::{ElementType, Engine, EngineId};
use edgefit_graph::{DataType, Node};
use serde::Serialize;

use super::needs::Needs;
use super::request::{Request, Trial, TrialOutcome};
use crate::basis::NeedBasis;

/// Whether the engine runs the model.
#[derive(Debug, Clone, Serialize)]
pub struct Execution {
    /// `None` when that cannot be said.
    pub holds: Option<bool>,
    /// Measured, where the engine was there and was tried.
    pub basis: NeedBasis,
    /// The node that keeps it from running, or may keep it.
    pub node: Option<String>,
    /// What is known, in words.
    pub explanation: String,
    /// Why an engine of this machine was not tried, where it could have been.
    pub not_tried: Option<String>,
}

impl Execution {
    /// What is known of `engine` and the model in the form of `needs`; `None` without an engine. A trial
    /// holds for the model in the type that it is stored in.
    pub(super) fn of(needs: &Needs, request: &Request, engine: Option<&Engine>) -> Option<Self> {
        let engine = engine?;
        let mut not_tried = None;
        let tried = request
            .trials
            .iter()
            .find(|tried| tried.engine == engine.name);
        if let Some(trial) = tried.filter(|_| needs.stored) {
            match Execution::tried(trial) {
                Ok(execution) => return Some(execution),
                Err(reason) => not_tried = Some(reason.to_owned()),
            }
        }
        let doubt = |holds, (node, words): (&Node, String)| Execution {
            holds,
            basis: NeedBasis::Estimate,
            node: Some(node.label().to_owned()),
            explanation: format!("node '{}' ({}) {words}", node.label(), node.op),
            not_tried: not_tried.clone(),
        };
        let types = Types { needs, engine };
        let no = types.mixed().or_else(|| types.lacking());
        if let Some(found) = no.filter(|_| needs.stored) {
            return Some(doubt(Some(false), found));
        }
        if engine.name == EngineId::C
            && let Some(found) = unknown_operator(needs)
        {
            return Some(doubt(Some(false), found));
        }
        if let Some(found) = without_kernel(needs, engine) {
            return Some(doubt(None, found));
        }
        Some(Execution {
            holds: Some(true),
            basis: NeedBasis::Estimate,
            node: None,
            explanation: format!(
                "nothing that keeps {} from running it is known",
                engine.name
            ),
            not_tried,
        })
    }

    /// What a trial says, or why there was none.
    fn tried(trial: &Trial) -> Result<Self, &str> {
        let measured = |holds, node, explanation| Execution {
            holds: Some(holds),
            basis: NeedBasis::Measured,
            node,
            explanation,
            not_tried: None,
        };
        match &trial.outcome {
            TrialOutcome::Ran => {
                let words = format!("{} loaded it and ran it, {}", trial.engine, trial.place);
                Ok(measured(true, None, words))
            }
            TrialOutcome::Lowered => {
                let words = format!("{} has an integer form of every node", trial.engine);
                Ok(measured(true, None, words))
            }
            TrialOutcome::Refused { node, words } => {
                Ok(measured(false, node.clone(), words.clone()))
            }
            TrialOutcome::NotTried { reason } => Err(reason),
        }
    }
}

/// The first node that nothing is known of, of which engine `c` has no kernel.
fn unknown_operator<'g>(needs: &Needs<'g>) -> Option<(&'g Node, String)> {
    let unsupported = needs.inference.unsupported.first()?;
    let label = unsupported.nodes.first()?;
    let mut nodes = needs.graph.nodes.iter();
    let node = nodes.find(|node| node.label() == label)?;
    let words = format!("has no integer form: {}", unsupported.reason);
    Some((node, words))
}

/// The first node whose operator `engine` publishes no kernel for.
fn without_kernel<'g>(needs: &Needs<'g>, engine: &Engine) -> Option<(&'g Node, String)> {
    let mut nodes = computing(needs).into_iter();
    let node = nodes.find(|node| engine.name.has_no_kernel(&node.op))?;
    let words = format!(
        "is of an operator that {} has no kernel for, unless a converter takes it apart",
        engine.name
    );
    Some((node, words))
}

/// Nodes that depend on an input of the model: the others are computed by whoever converts or loads it.
fn computing<'g>(needs: &Needs<'g>) -> Vec<&'g Node> {
    let mut changing: HashSet<&str> = needs
        .graph
        .free_inputs()
        .map(|input| input.name.as_str())
        .collect();
    let mut nodes = Vec::new();
    for node in &needs.graph.nodes {
        let folded = node
            .present_outputs()
            .all(|name| needs.inference.is_folded(name));
        if !folded && node.present_inputs().any(|name| changing.contains(name)) {
            changing.extend(node.present_outputs());
            nodes.push(node);
        }
    }
    nodes
}

/// The types of values, and what an engine computes with.
#[derive(Clone, Copy)]
struct Types<'a, 'g> {
    needs: &'a Needs<'g>,
    engine: &'a Engine,
}

impl<'g> Types<'_, 'g> {
    /// Types of the floats among `names`, in their order.
    fn floats<'n>(self, names: impl IntoIterator<Item = &'n str>) -> Vec<DataType> {
        let types = names.into_iter().map(|name| self.needs.inference.get(name));
        let types = types.flatten().map(|ty| ty.dtype);
        types.filter(|ty| ty.is_float()).collect()
    }

    /// A node that reads floats of two types, which no operator of ONNX may but these.
    fn mixed(self) -> Option<(&'g Node, String)> {
        const MIXING: [&str; 15] = [
            "Attention",
            "BatchNormalization",
            "Cast",
            "CastLike",
            "DequantizeLinear",
            "Dropout",
            "GridSample",
            "Loop",
            "OneHot",
            "Pow",
            "QuantizeLinear",
            "RMSNormalization",
            "Resize",
            "Scan",
            "Upsample",
        ];
        let mut nodes = computing(self.needs).into_iter();
        nodes.find_map(|node| {
            let read = self.floats(node.present_inputs());
            let other = read.iter().find(|ty| **ty != read[0])?;
            let mixes = !node.is_onnx() || MIXING.contains(&node.op.as_str());
            (!mixes).then(|| {
                let words = format!(
                    "reads {} and {}, which its operator cannot; put a Cast before it, or take out the \
                     one that made one of them",
                    name(read[0]),
                    name(*other)
                );
                (node, words)
            })
        })
    }

    /// The first node that computes with floats of a type that the engine does not have.
    fn lacking(self) -> Option<(&'g Node, String)> {
        // The floats of a quantised model are what int8 kernels never make.
        let quantised = self.needs.element == ElementType::Int8;
        let lacks = |ty: &DataType| match ty {
            DataType::F32 => !quantised && !self.has(ElementType::F32),
            DataType::F16 => !self.has(ElementType::F16),
            _ => true,
        };
        let mut nodes = computing(self.needs).into_iter();
        let found = nodes.find_map(|node| {
            let mut values = self.floats(node.present_outputs());
            if node.op != "Cast" {
                values.extend(self.floats(node.present_inputs()));
            }
            let lacking = values.into_iter().find(lacks)?;
            Some((node, name(lacking)))
        });
        let found = found.or_else(|| {
            let first = self.needs.graph.nodes.first()?;
            (quantised && !self.has(ElementType::Int8)).then_some((first, "int8"))
        });
        let (node, lacking) = found?;
        let has: Vec<String> = self
            .engine
            .element_types
            .iter()
            .map(ToString::to_string)
            .collect();
        let words = format!(
            "computes in {lacking}, and {} computes in {} there; export or convert the model to that",
            self.engine.name,
            has.join(", ")
        );
        Some((node, words))
    }

    fn has(self, element: ElementType) -> bool {
        self.engine.element_types.contains(&element)
    }
}

/// The names that element types have in profiles and in the field.
fn name(ty: DataType) -> &'static str {
    match ty {
        DataType::F16 => "f16",
        DataType::BF16 => "bfloat16",
        DataType::F64 => "f64",
        _ => "f32",
    }
}
