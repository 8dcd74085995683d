//! The page of `edgefit check`.

use askama::Template;
use edgefit_cost::Check;
use edgefit_device::Profile;
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;
use serde::Deserialize;

use crate::document;
use crate::error::{Error, Result};
use crate::page::{Allowance, Page};
use crate::run::Deployed;
use crate::section::{Board, DeviceCard, Tone};
use crate::words::{shown, text, whole};

/// What was checked.
#[derive(Clone, Copy)]
pub struct Checked<'a> {
    /// What the model is called.
    pub name: &'a str,
    /// The model.
    pub graph: &'a Graph,
    /// Shapes of its inputs.
    pub shapes: &'a InputShapes,
    /// The device.
    pub profile: &'a Profile,
    /// What came of it.
    pub check: &'a Check,
}

/// The page of a model that was checked against a device: budgets, the arena over time, where the time
/// goes, and how it fares on every board that has a profile.
///
/// # Errors
/// The page cannot be made.
pub fn check_page(checked: Checked) -> Result<Page> {
    let value = serde_json::to_value(checked.check).and_then(document::Check::deserialize);
    let check = value.map_err(|error| Error::Document {
        schema: "edgefit.check/1".into(),
        problem: error.to_string(),
    })?;
    let deployed = Deployed::new(checked.check.clone(), checked.profile);
    let boards = Board::all(checked.graph, checked.shapes);
    Allowance::largest(|allowance| {
        let view = View {
            title: shown(checked.name),
            tone: match check.verdict {
                document::Verdict::Fits => Tone::Good,
                document::Verdict::DoesNotFit => Tone::Bad,
                document::Verdict::Unknown => Tone::Unsure,
            },
            sentence: sentence(&check),
            suggestions: suggestions(checked.check),
            device: DeviceCard::of(&check, Some(&deployed), allowance),
            boards: &boards,
        };
        Ok(Page {
            html: view.render()?,
            remarks: Vec::new(),
        })
    })
}

#[derive(Template)]
#[template(path = "check.html")]
struct View<'a> {
    title: String,
    tone: Tone,
    sentence: String,
    suggestions: Vec<String>,
    device: DeviceCard,
    boards: &'a [Board],
}

fn sentence(check: &document::Check) -> String {
    let short = check
        .budgets
        .iter()
        .filter(|budget| budget.holds == Some(false));
    let short: Vec<String> = short
        .map(|budget| format!("{} {}", budget.place, budget.margin_words()))
        .collect();
    let why = if short.is_empty() {
        String::new()
    } else {
        format!(": {}", short.join(", "))
    };
    let engine = check.engine.as_deref();
    let engine = engine.map_or(String::new(), |engine| format!(" with {engine}"));
    whole(&text(&format!(
        "On {}{engine} it {}{why}.",
        check.device,
        check.words()
    )))
}

fn suggestions(check: &Check) -> Vec<String> {
    let tried = check.suggestions.iter().map(|tried| {
        let fits = match tried.verdict {
            edgefit_cost::Verdict::Fits => "fits",
            edgefit_cost::Verdict::DoesNotFit => "does not fit",
            edgefit_cost::Verdict::Unknown => "may fit",
        };
        let command = tried.command.as_deref();
        let command = command.map_or(String::new(), |command| format!("; {command}"));
        text(&format!("{} {fits}{command}", tried.change))
    });
    let search = check.search.as_deref();
    tried
        .chain(search.map(|search| text(&format!("a network that fits is found by {search}"))))
        .collect()
}
