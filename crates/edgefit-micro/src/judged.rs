//! What a check says of a model for engine `c`, whose program is known: its flash, and RAM where results lie over what
//! they are made of and the first steps run in patches.

use edgefit_cost::{Amounts, Budget, Check, Request, Resource, Trial, TrialOutcome, Verdict};
use edgefit_device::{ElementType, EngineId, Profile, WeightsIn};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;

use crate::error::{Error, Result};
use crate::patch::{Patches, Placed, RESERVE_BYTES, bank_with_room};
use crate::program::{InputBy, Program};
use crate::ram_limit::in_limit;
use crate::target::{Core, data_bytes, flash_bytes, uncertain_bytes};
use crate::{fix_sample, lower};

/// The integer program of `graph` for one input of `shapes`, which it has for one sample alone; `None` where its input
/// cannot be of these shapes.
fn lower_for(graph: &Graph, shapes: &InputShapes) -> Option<Result<Program>> {
    let mut graph = graph.clone();
    if let [(_, dims)] = shapes.0.as_slice() {
        match fix_sample(&mut graph, dims) {
            Err(refused @ Error::Border { .. }) => return Some(lower(&graph).and(Err(refused))),
            fixed => fixed.ok()?,
        }
    }
    Some(lower(&graph))
}

/// What lowering `graph` says of engine `c`; `None` where that is not asked for, or for floats, which are told with the
/// node at which they are computed.
pub fn lowering_tried(graph: &Graph, shapes: &InputShapes, request: &Request) -> Option<Trial> {
    let engine = request.engine_of(graph)?;
    if engine.name != EngineId::C {
        return None;
    }
    let outcome = match lower_for(graph, shapes)? {
        Ok(_) => TrialOutcome::Lowered,
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

/// What stands in the place of the linker's word about engine `c`, which is compiled for its device; `None` of others.
pub fn not_linked(check: &Check, profile: &Profile) -> Option<String> {
    let is_c = check.engine == Some(EngineId::C) && check.element_type == ElementType::Int8;
    is_c.then(|| match Core::of(profile) {
        Some(_) => "these are predictions; --link asks the linker".to_owned(),
        None => format!(
            "these are predictions; there is no compiler here for the core {}",
            profile.cpu.model
        ),
    })
}

/// Makes `check`, of engine `c` for `graph`, say what its program takes: flash, and where it is short of RAM otherwise,
/// as little RAM as makes it fit the device, to the byte, with the time of what patches compute twice. Returns how the first
/// steps run, if in patches.
pub fn judge_lowered(
    check: &mut Check,
    (graph, shapes): (&Graph, &InputShapes),
    request: &Request,
) -> Option<Patches> {
    let is_c = check.engine == Some(EngineId::C) && check.element_type == ElementType::Int8;
    let program = is_c.then(|| lower_for(graph, shapes)?.ok()).flatten();
    let placed = program
        .as_ref()
        .and_then(|program| in_less_ram(check, program, request));
    let placed_program = placed.as_ref().map(|placed| &placed.program);
    if let Some(program) = placed_program.or(program.as_ref()) {
        in_its_flash(check, program, request.profile);
    }
    note_tried(check);
    placed.and_then(|placed| placed.patches)
}

/// Puts what `program` takes of flash in the place of what was planned, where that is known.
fn in_its_flash(check: &mut Check, program: &Program, profile: &Profile) {
    let code = profile
        .engines
        .iter()
        .find(|engine| engine.name == EngineId::C);
    let code = code.and_then(|engine| engine.code_bytes.as_ref());
    let data = data_bytes(program);
    let (need, words) = match (Core::of(profile), code) {
        _ if profile.weights_in != WeightsIn::Flash => return,
        (Some(core), _) => {
            let (linked, uncertain) = (flash_bytes(program, core), uncertain_bytes(program));
            let words = format!(
                "{data} B of weights and parameters, {} B of code of c, and {uncertain} B by which a linker may differ",
                linked - data
            );
            (linked.saturating_add(uncertain), words)
        }
        (None, Some(code)) => {
            let words = format!(
                "{data} B of weights and parameters, and {} B of code of c ({})",
                code.value, code.source
            );
            (data.saturating_add(code.value), words)
        }
        (None, None) => return,
    };
    check.with_flash(need, &words);
}

/// Says of changes that were tried, and are short of RAM alone with engine `c`, that they were planned without.
fn note_tried(check: &mut Check) {
    let own = check.engine == Some(EngineId::C);
    let mut flash = check.budgets.iter();
    let flash = flash.find(|budget| budget.resource == Resource::Flash);
    let flash = flash.and_then(|budget| match budget.amounts {
        Amounts::Bytes { have_bytes, .. } => Some(have_bytes),
        Amounts::Time { .. } => None,
    });
    let is_short = check.suggestions.iter().any(|tried| {
        let with_c = match &tried.change.with {
            Some(engine) => *engine == EngineId::C,
            None => own && tried.change.engine.is_none(),
        };
        let has_flash = tried
            .flash_bytes
            .zip(flash)
            .is_none_or(|(need, have)| need <= have);
        with_c && tried.verdict == Verdict::DoesNotFit && tried.ram_bytes.is_some() && has_flash
    });
    if is_short {
        let words = "RAM of what was tried with c is without patches, which may make it fit: quantise it for that \
                     input and check again";
        let note = check.note.take().map(|note| format!("{note}; {words}"));
        check.note = Some(note.unwrap_or_else(|| words.to_owned()));
    }
}

/// The program in the banks of a device that is short of RAM otherwise; `None` where it is not, or nothing helps.
fn in_less_ram(check: &mut Check, program: &Program, request: &Request) -> Option<Placed> {
    let short = |budget: &Budget| budget.resource == Resource::Ram && budget.holds == Some(false);
    if !check.budgets.iter().any(short) {
        return None;
    }
    let limited = in_limit(request.profile, &request.limits)?;
    let profile = &*limited;
    let placed = Placed::over(program, profile, (RESERVE_BYTES, InputBy::Whole)).ok()?;
    if placed.plan.overlaps == 0 && placed.patches.is_none() {
        return None;
    }
    let taken = |name: &String| {
        let mut arenas = placed.plan.banks.iter();
        arenas.any(|arena| arena.name.as_ref() == Some(name))
    };
    let rest = bank_with_room(&placed.plan, profile, RESERVE_BYTES);
    let banks = profile.banks.iter();
    let banks: Vec<_> = banks
        .filter(|bank| taken(&bank.name) || rest.is_some_and(|rest| rest.name == bank.name))
        .collect();
    let have = banks.iter().map(|bank| bank.largest_buffer_bytes()).sum();
    let names: Vec<&str> = banks.iter().map(|bank| bank.name.as_str()).collect();
    check.with_ram(
        [placed.plan.bytes() + RESERVE_BYTES, have],
        (&names.join(", "), words(&placed)),
    );
    if let Some(patches) = &placed.patches {
        check.take_longer(patches.factor());
    }
    Some(placed)
}

/// How activations take so little.
fn words(placed: &Placed) -> String {
    let mut words = String::from("activations");
    if placed.plan.overlaps > 0 {
        words.push_str(&format!(
            ", {} of them over what they are made of",
            placed.plan.overlaps
        ));
    }
    if let Some(patches) = &placed.patches {
        let [rows, columns] = patches.grid;
        words.push_str(&format!(
            ", all up to node '{}' in {rows}×{columns} patches ({} B without, {:+.1} % multiply-accumulates)",
            patches.node,
            patches.whole_arena_bytes,
            100.0 * (patches.factor() - 1.0)
        ));
    }
    words.push_str(&format!("; {RESERVE_BYTES} B of c itself"));
    words
}
