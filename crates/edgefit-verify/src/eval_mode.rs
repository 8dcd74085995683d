//! Models that are not in eval mode: what the file says, and what an engine shows.

use edgefit_engine::{Array, Engine, EngineName, Result};
use edgefit_graph::train_mode::{self, Training};
use edgefit_graph::{Graph, Node};
use serde::Serialize;

use crate::compare::compare;
use crate::samples::{count, takes_one};
use crate::search_crash::{Crashes, Cut};
use crate::subgraph::{Shown, opened, shown};
use crate::tolerance::Tolerance;

/// Two runs on one input may differ by this share; below lies the order of summation.
const REPEATED: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 1e-5,
    cosine: None,
    step: None,
    nan_is_nan: true,
};

/// Why a model is not in eval mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A BatchNormalization normalises by the batch at hand.
    TrainingNormalization,
    /// A Dropout drops out.
    LiveDropout,
    /// A node draws random numbers.
    Random,
    /// Two runs on the same input differ.
    ChangesBetweenRuns,
    /// A sample alone has another output than in a batch.
    DependsOnBatch,
}

/// A node that makes a model's output depend on more than the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Name of the node, or of its output.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// The engine that showed it; `None` if the file says so itself.
    pub engine: Option<EngineName>,
    /// What it does, and the fix.
    pub message: String,
}

impl Fault {
    fn new(kind: FaultKind, node: &Node, engine: Option<EngineName>) -> Self {
        let message = match kind {
            FaultKind::TrainingNormalization => {
                "normalises by the statistics of the batch (training_mode=1); export the model in eval \
                 mode"
            }
            FaultKind::LiveDropout => {
                "drops out (its input training_mode is true); export the model in eval mode"
            }
            FaultKind::Random => "draws random numbers; export the model without it",
            FaultKind::ChangesBetweenRuns => {
                "makes another value of the same input when it runs again; export the model in eval mode"
            }
            FaultKind::DependsOnBatch => {
                "makes another value of a sample alone than of the same sample in a batch; export the \
                 model in eval mode, with a dynamic batch"
            }
        };
        Fault {
            kind,
            node: node.label().to_owned(),
            op: node.op.clone(),
            engine,
            message: message.to_owned(),
        }
    }
}

/// Nodes that say of themselves that they behave as in training.
pub fn in_train_mode(graph: &Graph) -> Vec<Fault> {
    let fault = |(node, training)| {
        let kind = match training {
            Training::Normalization => FaultKind::TrainingNormalization,
            Training::Dropout => FaultKind::LiveDropout,
            Training::Random => FaultKind::Random,
        };
        Fault::new(kind, node, None)
    };
    train_mode::in_train_mode(graph).map(fault).collect()
}

/// The first node whose value changes between two runs on `inputs`, if an output of the model does.
///
/// A crash in the search for the node is added to `crashes`, and the fault is at the last node.
///
/// # Errors
/// The engine cannot run the model.
pub fn unrepeatable(
    graph: &Graph,
    engine: &mut dyn Engine,
    inputs: &[Array],
    crashes: &mut Crashes,
) -> Result<Option<Fault>> {
    engine.load(graph)?;
    let (first, second) = (engine.run(inputs)?, engine.run(inputs)?);
    let name = engine.name();
    let apart = |x: &Array, y: &Array| !compare((name, x), (name, y), REPEATED).within;
    if !first.iter().zip(&second).any(|(x, y)| apart(x, y)) {
        return Ok(None);
    }
    let values = shown(graph, inputs);
    let twice = |engine: &mut dyn Engine| -> Result<_> {
        open(graph, engine, &values)?;
        Ok((engine.run(inputs)?, engine.run(inputs)?))
    };
    let both = twice(engine);
    let both = crashes.note(|| Cut::AllValues, both);
    let at = both.and_then(|(first, second)| {
        let mut both = first.iter().zip(&second);
        both.position(|(x, y)| apart(x, y))
    });
    Ok(fault(
        FaultKind::ChangesBetweenRuns,
        graph,
        name,
        &values,
        at,
    ))
}

/// The first node that makes another value of the first sample of `inputs` alone than of all of them,
/// if an output of the model differs by more than its `tolerances`. `None`, too, where rows are no samples,
/// and of outputs that do not have a row for each sample.
///
/// A crash in the search for the node is added to `crashes`, and the fault is at the last node.
///
/// # Errors
/// The engine cannot run the model on one sample.
pub fn batch_dependent(
    graph: &Graph,
    engine: &mut dyn Engine,
    inputs: &[Array],
    tolerances: &[Tolerance],
    crashes: &mut Crashes,
) -> Result<Option<Fault>> {
    let samples = count(inputs);
    if samples < 2 || !takes_one(inputs, graph) {
        return Ok(None);
    }
    let one: Vec<Array> = inputs.iter().map(|input| input.rows(0..1)).collect();
    let name = engine.name();
    let apart = |alone: &Array, all: &Array, tolerance: Tolerance| {
        let rows = alone.dims.first() == Some(&1) && all.dims.first() == Some(&samples);
        let tolerance = Tolerance {
            nan_is_nan: true,
            ..tolerance
        };
        rows && !compare((name, alone), (name, &all.rows(0..1)), tolerance).within
    };
    engine.load(graph)?;
    let (all, alone) = (engine.run(inputs)?, engine.run(&one)?);
    let mut outputs = alone.iter().zip(&all).zip(tolerances);
    if !outputs.any(|((alone, all), tolerance)| apart(alone, all, *tolerance)) {
        return Ok(None);
    }
    let values = shown(graph, inputs);
    let both = |engine: &mut dyn Engine| -> Result<_> {
        open(graph, engine, &values)?;
        Ok((engine.run(inputs)?, engine.run(&one)?))
    };
    // An inner value without a row for each sample may not depend on the batch either.
    let inner = |alone: &Array, all: &Array| {
        if alone.dims == all.dims {
            !compare((name, alone), (name, all), Tolerance::F32).within
        } else {
            apart(alone, all, Tolerance::F32)
        }
    };
    let both = both(engine);
    let both = crashes.note(|| Cut::AllValues, both);
    let at = both.and_then(|(all, alone)| {
        let mut values = alone.iter().zip(&all);
        values.position(|(alone, all)| inner(alone, all))
    });
    Ok(fault(FaultKind::DependsOnBatch, graph, name, &values, at))
}

fn open(graph: &Graph, engine: &mut dyn Engine, values: &[Shown]) -> Result<()> {
    let all: Vec<&Shown> = values.iter().collect();
    engine.load(&opened(graph, &all))
}

/// The fault at the value `at`, or at the last node where the values between do not show it.
fn fault(
    kind: FaultKind,
    graph: &Graph,
    engine: EngineName,
    values: &[Shown],
    at: Option<usize>,
) -> Option<Fault> {
    let node = at.map_or_else(|| graph.nodes.last(), |at| graph.nodes.get(values[at].node));
    Some(Fault::new(kind, node?, Some(engine)))
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Attribute, Dim, Tensor, ValueInfo};

    use super::*;
    use edgefit_engine::InProcess;

    /// x → less its mean over the batch → doubled → y
    fn graph() -> Graph {
        let mut graph = Graph::new("g", 17);
        let dims = || vec![Dim::Symbol("n".into()), Dim::Known(2)];
        graph.inputs.push(ValueInfo::f32("x", dims()));
        graph.outputs.push(ValueInfo::f32("y", dims()));
        let two = Tensor::from_values(vec![1], &[2f32]);
        graph.initializers.insert("two".into(), two);
        graph.nodes = vec![
            Node::new("ReduceMean", "mean", &["x"], &["m"]).with("axes", Attribute::Ints(vec![0])),
            Node::new("Sub", "centre", &["x", "m"], &["c"]),
            Node::new("Mul", "double", &["c", "two"], &["y"]),
        ];
        graph
    }

    #[test]
    fn an_output_that_depends_on_the_batch_is_traced_to_its_node() {
        let inputs = [Array {
            dims: vec![3, 2],
            values: vec![1.0, 2.0, 3.0, -4.0, 0.5, 0.25],
        }];
        let mut engine = InProcess::new(EngineName::Tract, 1);
        let tolerances = [Tolerance::F32];
        let mut crashes = Crashes::default();
        let found = batch_dependent(&graph(), &mut engine, &inputs, &tolerances, &mut crashes);
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.node.as_str(), found.kind),
            ("mean", FaultKind::DependsOnBatch)
        );
        let mut sound = graph();
        sound.nodes[0]
            .attributes
            .insert("axes".into(), Attribute::Ints(vec![1]));
        let found = batch_dependent(&sound, &mut engine, &inputs, &tolerances, &mut crashes);
        assert_eq!(found.unwrap(), None);
        let found = unrepeatable(&sound, &mut engine, &inputs, &mut crashes);
        assert_eq!(found.unwrap(), None);
        assert!(crashes.into_vec().is_empty());
    }
}
