//! Whether an int8 model becomes an integer program, which is what engine `c` runs, and in which memory.

use edgefit::cost::{Budget, Check, Request, Resource, Trial, TrialOutcome};
use edgefit::device::{ElementType, EngineId};
use edgefit::graph::Graph;
use edgefit::graph::infer::InputShapes;
use edgefit::graph::rewrite::fix_input;
use edgefit::micro::patch::{Placed, RESERVE_BYTES};
use edgefit::micro::target::flash_bytes;
use edgefit::micro::{Error, InputBy, Program, lower};

/// What lowering `graph` says of engine `c`; `None` where that is not asked for, or for floats.
pub fn tried(graph: &Graph, shapes: &InputShapes, request: &Request) -> Option<Trial> {
    let engine = request.engine_of(graph)?;
    if engine.name != EngineId::C {
        return None;
    }
    let outcome = match lowered(graph, shapes)? {
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

/// The integer program of `graph`; `None` where its input cannot be of these shapes.
fn lowered(graph: &Graph, shapes: &InputShapes) -> Option<Result<Program, Error>> {
    let mut graph = graph.clone();
    if let [(_, dims)] = shapes.0.as_slice() {
        fix_input(&mut graph, dims).ok()?;
    }
    Some(lower(&graph))
}

/// `check` of engine `c`, which runs the first steps in patches where RAM is short: with the RAM that it takes then.
pub fn in_patches(
    mut check: Check,
    (graph, shapes): (&Graph, &InputShapes),
    request: &Request,
) -> Check {
    let short = |budget: &Budget| budget.resource == Resource::Ram && budget.holds == Some(false);
    let is_c = check.engine == Some(EngineId::C) && check.element_type == ElementType::Int8;
    if !is_c || request.limits.ram_bytes.is_some() || !check.budgets.iter().any(short) {
        return check;
    }
    let Some(Ok(program)) = lowered(graph, shapes) else {
        return check;
    };
    let placed = Placed::over(&program, request.profile, (RESERVE_BYTES, InputBy::Whole));
    let Ok(Placed {
        program,
        plan,
        patches: Some(patches),
    }) = placed
    else {
        return check;
    };
    let taken = |name: &String| {
        plan.banks
            .iter()
            .any(|arena| arena.name.as_ref() == Some(name))
    };
    let banks = request.profile.banks.iter();
    let banks: Vec<_> = banks.filter(|bank| taken(&bank.name)).collect();
    let have = banks.iter().map(|bank| bank.largest_buffer_bytes()).sum();
    let names: Vec<&str> = banks.iter().map(|bank| bank.name.as_str()).collect();
    let [rows, columns] = patches.grid;
    let more = patches.macs as f64 / patches.whole_macs.max(1) as f64 - 1.0;
    let words = format!(
        "activations, all up to node '{}' in {rows}×{columns} patches ({} B without, {:+.1} % multiply-accumulates); \
         {RESERVE_BYTES} B of c itself",
        patches.node,
        patches.whole_arena_bytes,
        100.0 * more
    );
    check.with_ram(
        [plan.bytes() + RESERVE_BYTES, have],
        flash_bytes(&program),
        (&names.join(", "), words),
    );
    check
}
