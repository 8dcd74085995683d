//! What a search for a network found.

use std::path::Path;

use edgefit_base::units::format;
use edgefit_cost::Resource;
use edgefit_fit::{AccuracyBasis, Candidate, Choice, DevicesReport, Report, Results};

use super::exported::patches;
use crate::report::check::check;
use crate::table::{Table, table};

/// Rows of the front that are shown; of more, those spread evenly over it.
const SHOWN: usize = 12;

/// The whole report.
pub fn search(report: &Report) -> String {
    let results = &report.results;
    let mut parts = vec![front(results)];
    parts.push(finalists(results));
    parts.push(simpler(results));
    parts.extend(results.remarks.iter().cloned());
    parts.push(verdict(results));
    parts.push(check(&report.check));
    parts.push(format!(
        "every network and the picture of the front: {} and front.svg beside it",
        results.run.join("fit.json").display()
    ));
    if results.interrupted {
        parts.push(ended_early(&results.run));
    }
    parts.join("\n")
}

/// That nothing fits, and what the nearest lacks.
pub fn nothing_fits(nearest: &Candidate) -> String {
    let footprint = &nearest.footprint;
    let mut lines = vec![format!(
        "no network of the search fits; the nearest is {} (RAM {}, flash {}, {})",
        nearest.name(),
        amount(footprint.ram_bytes, format::bytes),
        amount(footprint.flash_bytes, format::bytes),
        amount(footprint.latency_ns, format::milliseconds),
    )];
    for short in &footprint.short {
        let missing = match (short.resource, short.missing) {
            (_, None) => "not enough".to_owned(),
            (Resource::Latency, Some(ns)) => format!("{} too slow", format::milliseconds(ns)),
            (_, Some(bytes)) => format!("{} short", format::bytes(bytes)),
        };
        lines.push(format!("{}: {missing}", short.place));
    }
    for place in &footprint.unknown {
        lines.push(format!(
            "{place}: the device's profile has no figure to compare with; complete it, or give a limit with \
             --ram, --flash or --latency"
        ));
    }
    if !footprint.short.is_empty() {
        lines.push(
            "give a smaller backbone with --backbone, a larger device, or more with --ram, --flash, --latency"
                .into(),
        );
    }
    lines.join("\n")
}

/// What was found for each of several devices, and the front of all.
pub fn searches(found: &DevicesReport) -> String {
    let mut front = candidates_table(&["some device holds it, and nothing beats it", "held by"]);
    let step = found.front.len().div_ceil(SHOWN).max(1);
    for shared in found.front.iter().rev().step_by(step) {
        add(
            &mut front,
            &shared.candidate,
            vec![shared.devices.join("\n")],
        );
    }
    let mut chosen = candidates_table(&["device", "chosen", "test"]);
    let mut refusals = Vec::new();
    for choice in &found.devices {
        match choice {
            Choice::Found(report) => {
                let results = &report.results;
                let test = format::percent(results.test.accuracy);
                let cells = vec![results.device.clone(), results.chosen.name(), test];
                add_cells(&mut chosen, &results.chosen, cells);
            }
            Choice::NothingFits {
                device, nearest, ..
            } => refusals.push(format!("{device}: {}", nothing_fits(nearest))),
        }
    }
    let mut parts = vec![front.to_string(), chosen.to_string()];
    parts.append(&mut refusals);
    if !found.front.is_empty() {
        let folder = found.run.display();
        parts.push(format!(
            "the search for each device, with its model and its page: {folder}/DEVICE"
        ));
    }
    if found.interrupted {
        parts.push(ended_early(&found.run));
    }
    parts.join("\n")
}

/// That the user ended the search in the folder `run`.
fn ended_early(run: &Path) -> String {
    format!(
        "ended before its time, with the best so far; `edgefit fit --resume {}` goes on (give --export again, if \
         it was given)",
        run.display()
    )
}

fn front(results: &Results) -> String {
    let mut rows = candidates_table(&["fits and nothing beats it"]);
    let step = results.front.len().div_ceil(SHOWN).max(1);
    let is_chosen = |one: &Candidate| one.is_same(&results.chosen);
    let on_front = results.front.iter().rev().enumerate();
    let mut shown: Vec<&Candidate> = on_front
        .filter(|(at, one)| at % step == 0 || is_chosen(one))
        .map(|(_, one)| one)
        .collect();
    let left = results.front.len() - shown.len();
    if !shown.iter().any(|one| is_chosen(one)) {
        shown.push(&results.chosen);
    }
    for candidate in shown {
        let mark = if is_chosen(candidate) {
            " (chosen)"
        } else {
            ""
        };
        add_cells(&mut rows, candidate, vec![candidate.name() + mark]);
    }
    let more = match left {
        0 => String::new(),
        left => format!("\n{left} more in fit.json"),
    };
    let scored = results.candidates.iter();
    let fitting = scored.filter(|one| one.footprint.fits).count();
    format!(
        "{fitting} of {} networks fit {}\n{rows}{more}",
        results.candidates.len(),
        results.device
    )
}

fn finalists(results: &Results) -> String {
    let mut rows = candidates_table(&["trained", "last stage", "expected"]);
    for finalist in &results.finalists {
        let last = finalist.stages.last().map(ToString::to_string);
        let expected = format::percent(finalist.expected);
        let cells = vec![last.unwrap_or_default(), expected];
        add(&mut rows, &finalist.candidate, cells);
    }
    rows.to_string()
}

fn simpler(results: &Results) -> String {
    let mut rows = candidates_table(&["simpler way", "the best that it finds"]);
    for baseline in &results.baselines {
        let way = baseline.name.clone();
        match &baseline.candidate {
            Some(candidate) => {
                add_cells(&mut rows, candidate, vec![way, candidate.name()]);
            }
            None => {
                rows.add_row([way, "nothing fits".to_owned()]);
            }
        }
    }
    rows.to_string()
}

fn verdict(results: &Results) -> String {
    let simpler = results.baselines.iter().filter_map(|baseline| {
        let candidate = baseline.candidate.as_ref()?;
        Some((baseline.name.as_str(), candidate))
    });
    let won = simpler
        .filter(|(_, candidate)| candidate.name() == results.chosen.name())
        .map(|(name, _)| name)
        .collect::<Vec<_>>();
    let won = match won.as_slice() {
        [] => String::new(),
        names => format!(" ({} found it too)", names.join(" and ")),
    };
    let patched = results.chosen.footprint.patches.as_ref().map(patches);
    let val = results.chosen.accuracy;
    format!(
        "chosen: {}{won}{}\ntest accuracy {} on {} samples, validation {}; {}",
        results.chosen.name(),
        patched.unwrap_or_default(),
        format::percent(results.test.accuracy),
        results.test.samples,
        val.map_or("–".to_owned(), format::percent),
        results.exported.path.display()
    )
}

fn candidates_table(first: &[&str]) -> Table {
    let rest = ["RAM", "flash", "time", "accuracy", ""];
    let mut rows = table(&[first, &rest].concat());
    rows.align_right(first.len()..first.len() + 4);
    rows
}

fn add(rows: &mut Table, candidate: &Candidate, between: Vec<String>) {
    let cells = [vec![candidate.name()], between].concat();
    add_cells(rows, candidate, cells);
}

/// A row that begins with `cells`.
fn add_cells(rows: &mut Table, candidate: &Candidate, mut cells: Vec<String>) {
    let footprint = &candidate.footprint;
    cells.extend([
        amount(footprint.ram_bytes, format::bytes),
        amount(footprint.flash_bytes, format::bytes),
        amount(footprint.latency_ns, format::milliseconds),
        candidate.accuracy.map_or("–".to_owned(), format::percent),
        match candidate.basis {
            Some(AccuracyBasis::Scored) => "scored".to_owned(),
            Some(AccuracyBasis::Trained) => candidate.score.map_or_else(
                || "trained".to_owned(),
                |score| format!("trained; scored {}", format::percent(score)),
            ),
            None => String::new(),
        },
    ]);
    rows.add_row(cells);
}

fn amount(amount: Option<u64>, format: fn(u64) -> String) -> String {
    amount.map_or("–".to_owned(), format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_was_ended_early_says_so_and_how_to_go_on() {
        let told = |interrupted| {
            searches(&DevicesReport {
                run: "runs/both".into(),
                devices: Vec::new(),
                front: Vec::new(),
                interrupted,
            })
        };
        assert!(told(true).contains("`edgefit fit --resume runs/both` goes on"));
        assert!(!told(false).contains("--resume"));
    }
}
