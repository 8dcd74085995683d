//! Whether an int8 model becomes an integer program, which is what engine `c` runs.

use edgefit::cost::{Request, Trial, TrialOutcome};
use edgefit::device::EngineId;
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use edgefit::micro::{Error, lower_for};

/// What lowering `graph` says of engine `c`; `None` where that is not asked for, or for floats.
pub fn tried(graph: &Graph, shapes: &InputShapes, request: &Request) -> Option<Trial> {
    let engine = request.engine_of(graph)?;
    if engine.name != EngineId::C {
        return None;
    }
    let outcome = match lower_for(graph, shapes)? {
        Ok(_) => TrialOutcome::Lowered,
        // What computes in floats is told with the node at which it does.
        Err(Error::Float) => return None,
        Err(error) => TrialOutcome::Refused {
            node: match &error {
                Error::Unsupported(refusals) => refusals.first().map(|first| first.node.clone()),
                _ => None,
            },
            words: error.to_string(),
        },
    };
    Some(Trial {
        engine: engine.name.clone(),
        place: "here".into(),
        outcome,
    })
}
