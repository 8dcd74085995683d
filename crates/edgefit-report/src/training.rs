//! The page about a run of training.

use std::collections::HashSet;
use std::path::Path;

use askama::Template;
use edgefit_base::units::format;

use crate::document::Training;
use crate::error::Result;
use crate::page::{Allowance, Page};
use crate::run::{Outcome, Run, model_of_run, outcome};
use crate::section::{
    Advice, Board, Calibration, Classes, Confusion, DataCard, DeviceCard, Figures, Flips, Guards,
    Learning, Mistakes, Parity, RegressionPictures, SearchCard, Summary, origin_facts,
};
use crate::stopped::stopped_page;
use crate::words::{counted, file_name, shown, text};

/// The page about the run in `folder`, or about the search there with the run that it chose, or about what is
/// known of a run that a guard ended; `advice` says of a guard what it looks at, and the fix.
///
/// # Errors
/// There is no run that came to an end, or it is of another version.
pub fn training_page(folder: &Path, advice: &dyn Fn(&str) -> Option<Advice>) -> Result<Page> {
    if let Ok(Outcome::Stopped(stopped)) = outcome(folder) {
        return stopped_page(folder, &stopped, advice);
    }
    let run = Run::open(folder)?;
    let model = model_of_run(&run.model);
    let mut boards = model.map_or(Vec::new(), |(graph, shapes)| Board::all(&graph, &shapes));
    // What this machine has free says nothing of the run.
    boards.retain(|board| board.name != edgefit_device::HOST);
    Allowance::largest(|allowance| {
        let view = View::of((&run, &boards), allowance, advice);
        Ok(Page {
            remarks: view.remarks(),
            html: view.render()?,
        })
    })
}

/// What the template shows.
#[derive(Template)]
#[template(path = "training.html")]
struct View<'a> {
    kind: &'static str,
    title: String,
    search: Option<SearchCard>,
    summary: Summary,
    facts: Vec<(&'static str, String)>,
    remarks: Vec<String>,
    figures: Figures,
    classes: Option<Classes>,
    confusion: Option<Confusion>,
    mistakes: Option<Mistakes>,
    flips: Option<Flips>,
    regression: Option<RegressionPictures>,
    calibration: Option<Calibration>,
    learning: Option<Learning>,
    guards: Guards,
    data: DataCard,
    device: DeviceCard,
    boards: &'a [Board],
    parity: Parity,
    times: Vec<(&'static str, String)>,
}

impl<'a> View<'a> {
    fn of(
        (run, boards): (&Run, &'a [Board]),
        allowance: Allowance,
        advice: &dyn Fn(&str) -> Option<Advice>,
    ) -> Self {
        let report = &run.report;
        let folder = match &run.search {
            Some((_, folder)) => folder,
            None => &run.folder,
        };
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let search = run.search.as_ref();
        let search = search.map(|(search, folder)| SearchCard::of(search, folder, allowance));
        let regression = RegressionPictures::of(run, allowance.rows);
        View {
            kind: if search.is_some() {
                "Search for a network"
            } else {
                "Training run"
            },
            title: shown(&name.to_string_lossy()),
            search,
            summary: Summary::of(report),
            facts: facts(report),
            remarks: run.remarks.iter().map(|remark| text(remark)).collect(),
            figures: Figures::of(report),
            classes: Classes::of(report, allowance),
            confusion: Confusion::of(report, allowance),
            mistakes: regression.is_none().then(|| Mistakes::of(run, allowance)),
            flips: if regression.is_none() {
                Flips::of(run, allowance)
            } else {
                None
            },
            regression,
            calibration: Calibration::of(run),
            learning: Learning::of(&report.stages, &report.guards),
            guards: Guards::of(&report.guards, advice),
            data: DataCard::of(run, allowance),
            device: DeviceCard::of(&report.check, run.deployed.as_ref(), allowance),
            boards,
            parity: Parity::of(report),
            times: times(run),
        }
    }

    /// What is missing on the page, and why.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = self.remarks.clone();
        let missing = self.mistakes.iter().flat_map(|all| &all.missing);
        let missing = missing.chain(self.flips.iter().flat_map(|all| &all.missing));
        let mut named = HashSet::new();
        let missing: Vec<String> = missing
            .map(|one| format!("{} {}", one.sample, one.problem))
            .filter(|told| named.insert(told.clone()))
            .collect();
        if let Some(first) = missing.first() {
            remarks.push(format!(
                "{} not shown: {first}{}",
                counted(missing.len(), "picture is", "pictures are"),
                match missing.len() {
                    1 => String::new(),
                    count => format!(", and {} more, which the page names", count - 1),
                }
            ));
        }
        remarks
    }
}

/// Where the run comes from, and what it made.
fn facts(report: &Training) -> Vec<(&'static str, String)> {
    let mut facts = origin_facts(&report.origin);
    let exported = &report.exported;
    let model = format!("{}, SHA-256 {}", file_name(&exported.path), exported.sha256);
    facts.push(("Took", format::seconds(report.timing.total_ns)));
    facts.push(("Model", shown(&model)));
    facts
}

/// Where the time of the job went.
fn times(run: &Run) -> Vec<(&'static str, String)> {
    let timing = run.report.timing;
    let known = timing.features_ns
        + timing.tuning_ns
        + timing.stages_ns
        + timing.baselines_ns
        + timing.int8_ns
        + timing.test_ns
        + timing.parity_ns;
    let parts = [
        ("features by the frozen backbone", timing.features_ns),
        ("tuning", timing.tuning_ns),
        ("training", timing.stages_ns),
        ("baselines", timing.baselines_ns),
        ("int8", timing.int8_ns),
        ("comparison of the engines", timing.parity_ns),
        ("test", timing.test_ns),
        (
            "guards, files and the rest",
            timing.total_ns.saturating_sub(known),
        ),
        ("all", timing.total_ns),
    ];
    let spent = parts.into_iter().filter(|(_, ns)| *ns > 1_000_000);
    spent
        .map(|(name, ns)| (name, format::seconds(ns)))
        .collect()
}

#[cfg(test)]
mod tests;
