//! A dataset before anything is trained.

use edgefit_base::names::listed;
use edgefit_base::units::format;
use edgefit_data::{Card, Copies, Spread};

use crate::table::table;

/// Samples that are named of each kind.
const NAMED: usize = 10;

/// Classes, sizes, copies, outliers and what would be left out.
pub fn data(card: &Card) -> String {
    let mut parts = vec![format!(
        "samples: {} of {} classes or targets",
        format::count(card.samples as u64),
        card.classes.len()
    )];
    parts.extend(card.remarks.iter().cloned());
    if !card.counts.is_empty() {
        parts.push(classes(card));
    }
    if card.width.is_some() {
        parts.push(sizes(card));
    }
    parts.push(copies("of equal contents", &card.copies));
    parts.push(copies("nearly the same", &card.near_copies));
    let outliers = card.outliers.iter().map(|one| {
        format!(
            "{}: {} {:.3}, the median is {:.3}",
            one.sample, one.figure, one.value, one.median
        )
    });
    parts.push(named("unlike the others", outliers.collect()));
    if let Some(labels) = &card.label_doubts {
        let lines = labels.doubts.iter().map(|one| {
            let [own, other] = one.probabilities.map(|share| format::percent(share.into()));
            format!(
                "{}: {} ({own}), rather {} ({other})",
                one.sample, one.label, one.likelier
            )
        });
        let what = format!("labels in doubt, of {}", labels.samples);
        parts.push(named(&what, lines.collect()));
    }
    let left_out = card.left_out.iter();
    let left_out = left_out.map(|one| format!("{} {}", one.sample, one.problem));
    parts.push(named("would be left out", left_out.collect()));
    parts.join("\n")
}

fn classes(card: &Card) -> String {
    let all = card.counts.iter().sum::<usize>() as u64;
    let mut rows = table(&["class", "samples", "share"]);
    for (name, &count) in card.classes.iter().zip(&card.counts) {
        rows.add_row([
            name.clone(),
            count.to_string(),
            format::share(count as u64, all),
        ]);
    }
    rows.to_string()
}

fn sizes(card: &Card) -> String {
    let mut rows = table(&["", "least", "median", "greatest"]);
    let figures = [
        ("width", card.width, 0),
        ("height", card.height, 0),
        ("width by height", card.aspect, 3),
        ("brightness", card.brightness, 3),
    ];
    for (name, spread, digits) in figures {
        if let Some(Spread {
            least,
            median,
            greatest,
        }) = spread
        {
            let written = |value: f64| format!("{value:.digits$}");
            rows.add_row([
                name.to_owned(),
                written(least),
                written(median),
                written(greatest),
            ]);
        }
    }
    rows.to_string()
}

fn copies(what: &str, of: &[Copies]) -> String {
    let lines = of.iter().map(|group| {
        let why = match (group.classes_differ, group.splits_differ) {
            (true, _) => " (of different classes)",
            (_, true) => " (in different splits)",
            _ => "",
        };
        format!("{}{why}", listed(&group.samples))
    });
    named(what, lines.collect())
}

fn named(what: &str, lines: Vec<String>) -> String {
    let mut text = format!("{what}: {}", lines.len());
    for line in lines.iter().take(NAMED) {
        text.push_str(&format!("\n  {line}"));
    }
    if lines.len() > NAMED {
        text.push_str(&format!(
            "\n  and {} more, which --json names",
            lines.len() - NAMED
        ));
    }
    text
}
