//! A model on every board that has a profile.

use edgefit_cost::{Check, Request, judge};
use edgefit_device as device;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use serde::Deserialize;

use super::tone::Tone;
use crate::document;
use crate::words::{dash, shown};

/// How a model fares on a board.
pub(crate) struct Board {
    pub name: String,
    pub verdict: String,
    pub tone: Tone,
    pub tightest: String,
    pub share: String,
    pub bar: u32,
    pub time: String,
}

impl Board {
    /// Every board that has a profile, that with the most room for `graph` first.
    pub fn all(graph: &Graph, shapes: &InputShapes) -> Vec<Self> {
        let profiles = device::list().into_iter().flatten();
        let mut boards: Vec<(Tone, f64, Board)> = profiles
            .filter_map(|profile| {
                let check = judge(graph, shapes, &Request::new(&profile)).ok()?;
                Board::of(&check)
            })
            .collect();
        boards.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        boards.into_iter().map(|(_, _, board)| board).collect()
    }

    fn of(check: &Check) -> Option<(Tone, f64, Self)> {
        let check = serde_json::to_value(check).ok()?;
        let check = document::Check::deserialize(check).ok()?;
        let tightest = check
            .budgets
            .iter()
            .filter_map(|budget| Some((budget.share()?, budget)))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        let (share, budget) = tightest;
        let tone = match check.verdict {
            document::Verdict::Fits => Tone::Good,
            document::Verdict::Unknown => Tone::Unsure,
            document::Verdict::DoesNotFit => Tone::Bad,
        };
        let [need, have] = budget.amounts();
        let board = Board {
            name: shown(&check.device),
            verdict: match tone {
                Tone::Good => "fits",
                Tone::Unsure => "open",
                Tone::Bad => "does not fit",
            }
            .to_owned(),
            tone,
            tightest: shown(&format!("{}: {need} of {have}", budget.place)),
            share: match 100.0 * share {
                percent if percent < 1000.0 => format!("{percent:.0} %"),
                _ => format!("{share:.0} ×"),
            },
            bar: (100.0 * share).min(100.0).round() as u32,
            time: check
                .latency
                .as_ref()
                .map_or_else(dash, |time| time.words()),
        };
        Some((tone, share, board))
    }
}
