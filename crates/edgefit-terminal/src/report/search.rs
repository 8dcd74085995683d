//! What a search for a network found.

use edgefit_base::units::format;
use edgefit_cost::Resource;
use edgefit_fit::{AccuracyBasis, Candidate, Choice, DevicesReport, Report};

use super::exported::patches;
use crate::report::check::check;
use crate::table::{Table, table};

/// Rows of the front that are shown; of more, those spread evenly over it.
const SHOWN: usize = 12;

/// The whole report.
pub fn search(report: &Report) -> String {
    let mut parts = vec![front(report)];
    parts.push(finalists(report));
    parts.push(simpler(report));
    parts.extend(report.remarks.iter().cloned());
    parts.push(verdict(report));
    parts.push(check(&report.check));
    parts.push(format!(
        "every network and the picture of the front: {} and front.svg beside it",
        report.run.join("fit.json").display()
    ));
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
                let test = report.test.accuracy();
                let test = test.map_or("–".to_owned(), |test| format::percent(test.share));
                let cells = vec![report.device.clone(), report.chosen.name(), test];
                add_cells(&mut chosen, &report.chosen, cells);
            }
            Choice::NothingFits {
                device, nearest, ..
            } => refusals.push(format!("{device}: {}", nothing_fits(nearest))),
        }
    }
    let folder = found.run.display();
    let mut parts = vec![front.to_string(), chosen.to_string()];
    parts.append(&mut refusals);
    parts.push(format!(
        "the search for each device, with its model and its page: {folder}/DEVICE"
    ));
    parts.join("\n")
}

fn front(report: &Report) -> String {
    let mut rows = candidates_table(&["fits and nothing beats it"]);
    let step = report.front.len().div_ceil(SHOWN).max(1);
    for candidate in report.front.iter().rev().step_by(step) {
        add(&mut rows, candidate, Vec::new());
    }
    let left = report.front.len() - report.front.len().div_ceil(step);
    let more = match left {
        0 => String::new(),
        left => format!("\n{left} more in fit.json"),
    };
    let scored = report.candidates.iter();
    let fitting = scored.filter(|one| one.footprint.fits).count();
    format!(
        "{fitting} of {} networks fit {}\n{rows}{more}",
        report.candidates.len(),
        report.device
    )
}

fn finalists(report: &Report) -> String {
    let mut rows = candidates_table(&["trained", "last stage", "expected"]);
    for finalist in &report.finalists {
        let last = finalist.stages.last().map(ToString::to_string);
        let expected = format::percent(finalist.expected);
        let cells = vec![last.unwrap_or_default(), expected];
        add(&mut rows, &finalist.candidate, cells);
    }
    rows.to_string()
}

fn simpler(report: &Report) -> String {
    let mut rows = candidates_table(&["simpler way", "the best that it finds"]);
    for baseline in &report.baselines {
        let way = baseline.name.to_owned();
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

fn verdict(report: &Report) -> String {
    let accuracy = |share: Option<f64>| share.map_or("–".to_owned(), format::percent);
    let test = report.test.accuracy();
    let simpler = report.baselines.iter().filter_map(|baseline| {
        let candidate = baseline.candidate.as_ref()?;
        Some((baseline.name, candidate))
    });
    let won = simpler
        .filter(|(_, candidate)| candidate.name() == report.chosen.name())
        .map(|(name, _)| name)
        .collect::<Vec<_>>();
    let won = match won.as_slice() {
        [] => String::new(),
        names => format!(" ({} found it too)", names.join(" and ")),
    };
    let patched = report.chosen.footprint.patches.as_ref().map(patches);
    format!(
        "chosen: {}{won}{}\ntest accuracy {} on {} samples, validation {}; {}",
        report.chosen.name(),
        patched.unwrap_or_default(),
        accuracy(test.map(|test| test.share)),
        test.map_or(0, |test| test.samples),
        accuracy(report.chosen.accuracy),
        report.exported.path.display()
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
            Some(AccuracyBasis::Trained) => "trained".to_owned(),
            None => String::new(),
        },
    ]);
    rows.add_row(cells);
}

fn amount(amount: Option<u64>, format: fn(u64) -> String) -> String {
    amount.map_or("–".to_owned(), format)
}
