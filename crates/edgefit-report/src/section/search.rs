//! What a search for a network tried, and what it chose.

use std::collections::HashSet;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use edgefit_base::file;
use edgefit_base::units::format;

use crate::document::{Candidate, Search};
use crate::page::Allowance;
use crate::words::{counted, dash, percent, shown, text, whole};

/// Rows of the front that are shown; of more, those spread evenly over it.
const MOST_ROWS: usize = 40;

/// Bytes of the picture of the front that are taken into a page.
const MOST_PICTURE: usize = 300_000;

/// What a search tried.
pub(crate) struct SearchCard {
    pub sentence: String,
    /// The picture of the front, as `data:…`.
    pub picture: Option<String>,
    pub front: Vec<Row>,
    pub front_left_out: usize,
    pub finalists: Vec<Row>,
    pub simpler: Vec<Row>,
    pub remarks: Vec<String>,
}

/// A network.
pub(crate) struct Row {
    pub way: String,
    pub name: String,
    pub ram: String,
    pub flash: String,
    pub time: String,
    pub accuracy: String,
    pub stages: String,
    pub expected: String,
    pub basis: String,
    pub is_chosen: bool,
}

impl SearchCard {
    pub fn of(search: &Search, folder: &Path, allowance: Allowance) -> Self {
        let fitting = search.candidates.iter().filter(|one| one.fits).count();
        let chosen = search.chosen.name();
        let row = |one: &Candidate| Row {
            is_chosen: one.name() == chosen,
            ..Row::of(one)
        };
        let most = MOST_ROWS.min(allowance.rows).max(1);
        let step = search.front.len().div_ceil(most).max(1);
        let front: Vec<Row> = search.front.iter().rev().step_by(step).map(row).collect();
        let early = if search.interrupted {
            " The search was ended before its time: this is the best so far."
        } else {
            ""
        };
        let trained: HashSet<String> = search
            .finalists
            .iter()
            .map(|finalist| finalist.candidate.name())
            .collect();
        let sentence = format!(
            "{fitting} of {} fit {}; of {} that were trained, {chosen} was chosen: RAM {}, flash {}, {} right on {} \
             validation samples. All of it took {}.{early}",
            counted(search.candidates.len(), "network", "networks"),
            search.device,
            trained.len(),
            amount(search.chosen.ram_bytes, format::bytes),
            amount(search.chosen.flash_bytes, format::bytes),
            percent(search.chosen.accuracy),
            search.chosen.samples,
            format::seconds(search.timing.total_ns),
        );
        SearchCard {
            sentence: whole(&sentence),
            picture: (allowance.pictures > 0).then(|| picture(folder)).flatten(),
            front_left_out: search.front.len() - front.len(),
            front,
            finalists: search
                .finalists
                .iter()
                .map(|finalist| Row {
                    stages: shown(&finalist.stages.join(", ")),
                    expected: format::percent(finalist.expected),
                    ..row(&finalist.candidate)
                })
                .collect(),
            simpler: search
                .baselines
                .iter()
                .map(|simpler| Row {
                    way: shown(&simpler.name),
                    ..simpler.candidate.as_ref().map_or_else(Row::nothing, row)
                })
                .collect(),
            remarks: search.remarks.iter().map(|remark| text(remark)).collect(),
        }
    }
}

impl Row {
    fn of(one: &Candidate) -> Self {
        Row {
            way: String::new(),
            name: shown(&one.name()),
            ram: amount(one.ram_bytes, format::bytes),
            flash: amount(one.flash_bytes, format::bytes),
            time: amount(one.latency_ns, format::milliseconds),
            accuracy: percent(one.accuracy),
            stages: String::new(),
            expected: String::new(),
            basis: one.basis.as_deref().map_or(String::new(), shown),
            is_chosen: false,
        }
    }

    fn nothing() -> Self {
        Row {
            way: String::new(),
            name: "nothing fits".into(),
            ram: dash(),
            flash: dash(),
            time: dash(),
            accuracy: dash(),
            stages: String::new(),
            expected: String::new(),
            basis: String::new(),
            is_chosen: false,
        }
    }
}

fn amount(amount: Option<u64>, written: fn(u64) -> String) -> String {
    amount.map_or_else(dash, written)
}

/// The picture that the search drew. As the source of an image nothing in it can act.
fn picture(folder: &Path) -> Option<String> {
    let svg = file::read(&folder.join("front.svg")).ok()?;
    let fits = svg.len() <= MOST_PICTURE;
    fits.then(|| format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(svg)))
}
