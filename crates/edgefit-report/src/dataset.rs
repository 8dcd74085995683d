//! The page about a dataset.

use std::path::Path;

use askama::Template;
use edgefit_base::units::format;
use edgefit_data::{Card, Copies, Spread, sample_path};

use crate::error::Result;
use crate::page::{Allowance, Page};
use crate::section::Tone;
use crate::thumbnail::{Thumbnail, thumbnail};
use crate::words::{counted, short, shown, text, whole};

/// Groups of copies that are shown with pictures.
const MOST_GROUPS: usize = 12;

/// Rows of a list of samples.
const MOST_ROWS: usize = 200;

/// The page about the dataset of a card; pictures are read from its folder.
///
/// # Errors
/// The page cannot be made.
pub fn data_page(card: &Card) -> Result<Page> {
    Allowance::largest(|allowance| {
        let view = View::of(card, allowance);
        Ok(Page {
            html: view.render()?,
            remarks: Vec::new(),
        })
    })
}

#[derive(Template)]
#[template(path = "data.html")]
struct View {
    title: String,
    tone: Tone,
    sentence: String,
    remarks: Vec<String>,
    classes: Vec<ClassRow>,
    classes_left_out: usize,
    spreads: Vec<SpreadRow>,
    left_out: Vec<[String; 2]>,
    more_left_out: usize,
    copies: Vec<Group>,
    more_copies: usize,
    near: Vec<Group>,
    more_near: usize,
    outliers: Vec<OutlierCard>,
    more_outliers: usize,
    doubts: Option<Doubts>,
}

struct ClassRow {
    name: String,
    count: usize,
    share: String,
    bar: u32,
}

struct SpreadRow {
    name: &'static str,
    least: String,
    median: String,
    greatest: String,
}

/// Samples that are the same, or nearly.
struct Group {
    samples: Vec<Shown>,
    more: usize,
    remark: &'static str,
}

struct Shown {
    name: String,
    picture: Option<Thumbnail>,
}

/// Labels that are in doubt.
struct Doubts {
    samples: usize,
    total: usize,
    cards: Vec<DoubtCard>,
}

struct DoubtCard {
    shown: Shown,
    label: [String; 2],
    likelier: [String; 2],
}

struct OutlierCard {
    shown: Shown,
    words: String,
}

impl View {
    fn of(card: &Card, allowance: Allowance) -> Self {
        let rows = MOST_ROWS.min(allowance.rows);
        let groups = MOST_GROUPS.min(allowance.pictures);
        let (classes, classes_left_out) = classes(card, allowance.rows);
        let left_out = card.left_out.iter().take(rows);
        let group = |of: &Copies| Group::of(of, &card.data);
        let outliers = card.outliers.iter().take(allowance.pictures.min(24));
        View {
            title: shown(
                &card
                    .data
                    .file_name()
                    .unwrap_or(card.data.as_os_str())
                    .to_string_lossy(),
            ),
            tone: tone(card),
            sentence: whole(&text(&sentence(card))),
            remarks: card.remarks.iter().map(|remark| text(remark)).collect(),
            classes,
            classes_left_out,
            spreads: spreads(card),
            left_out: left_out
                .map(|one| [shown(&one.sample), text(&one.problem)])
                .collect(),
            more_left_out: card.left_out.len().saturating_sub(rows),
            copies: card.copies.iter().take(groups).map(group).collect(),
            more_copies: card.copies.len().saturating_sub(groups),
            near: card.near_copies.iter().take(groups).map(group).collect(),
            more_near: card.near_copies.len().saturating_sub(groups),
            doubts: card.label_doubts.as_ref().map(|labels| Doubts {
                samples: labels.samples,
                total: labels.doubts.len(),
                cards: labels
                    .doubts
                    .iter()
                    .take(allowance.pictures.min(24))
                    .map(|one| {
                        let [own, other] =
                            one.probabilities.map(|share| format::percent(share.into()));
                        DoubtCard {
                            shown: Shown::of(&one.sample, &card.data),
                            label: [shown(&one.label), own],
                            likelier: [shown(&one.likelier), other],
                        }
                    })
                    .collect(),
            }),
            more_outliers: card.outliers.len() - outliers.len(),
            outliers: outliers
                .map(|one| OutlierCard {
                    shown: Shown::of(&one.sample, &card.data),
                    words: format!(
                        "{} {}, the median is {}",
                        one.figure,
                        short(one.value),
                        short(one.median)
                    ),
                })
                .collect(),
        }
    }
}

/// What is to be done something about.
fn tone(card: &Card) -> Tone {
    let differs = |of: &[Copies]| of.iter().any(|one| one.classes_differ || one.splits_differ);
    if differs(&card.copies) {
        Tone::Bad
    } else if differs(&card.near_copies) || !card.left_out.is_empty() {
        Tone::Unsure
    } else {
        Tone::Good
    }
}

fn sentence(card: &Card) -> String {
    let kind = if card.width.is_some() {
        ["image", "images"]
    } else {
        ["sample", "samples"]
    };
    let differ = card.copies.iter().filter(|one| one.classes_differ).count();
    let labels = match differ {
        0 => String::new(),
        count => format!(", {count} of them of different classes"),
    };
    format!(
        "{} in {}; {} left out, {} of equal contents{labels}, {} that are nearly the same, {} unlike the others.",
        counted(card.samples, kind[0], kind[1]),
        counted(card.classes.len(), "class", "classes"),
        counted(card.left_out.len(), "would be", "would be"),
        counted(card.copies.len(), "group", "groups"),
        counted(card.near_copies.len(), "pair", "pairs"),
        counted(card.outliers.len(), "is", "are"),
    )
}

fn classes(card: &Card, most: usize) -> (Vec<ClassRow>, usize) {
    let all: usize = card.counts.iter().sum();
    let largest = card.counts.iter().copied().max().unwrap_or(1).max(1);
    let rows = card.classes.iter().zip(&card.counts).take(most);
    let rows = rows.map(|(name, &count)| ClassRow {
        name: shown(name),
        count,
        share: format::percent(count as f64 / all.max(1) as f64),
        bar: (100 * count / largest) as u32,
    });
    (rows.collect(), card.counts.len().saturating_sub(most))
}

fn spreads(card: &Card) -> Vec<SpreadRow> {
    let figures = [
        ("width in pixels", card.width),
        ("height in pixels", card.height),
        ("width by height", card.aspect),
        ("brightness, 0 to 1", card.brightness),
    ];
    let known = figures.into_iter().filter_map(|(name, spread)| {
        let Spread {
            least,
            median,
            greatest,
        } = spread?;
        Some(SpreadRow {
            name,
            least: short(least),
            median: short(median),
            greatest: short(greatest),
        })
    });
    known.collect()
}

impl Group {
    fn of(copies: &Copies, data: &Path) -> Self {
        let samples = copies.samples.iter().take(2);
        Group {
            samples: samples.map(|sample| Shown::of(sample, data)).collect(),
            more: copies.samples.len().saturating_sub(2),
            remark: match (copies.classes_differ, copies.splits_differ) {
                (true, _) => "of different classes: one label is wrong",
                (_, true) => "in different splits: the test is of what was trained on",
                _ => "",
            },
        }
    }
}

impl Shown {
    fn of(sample: &str, data: &Path) -> Self {
        let picture = data
            .is_dir()
            .then(|| thumbnail(&sample_path(data, sample)).ok());
        Shown {
            name: shown(sample),
            picture: picture.flatten().map(|(picture, _)| picture),
        }
    }
}
