//! The test samples that the model gets wrong, the surest first.

use edgefit_base::units::format;

use crate::page::Allowance;
use crate::run::Run;
use crate::section::heat::{Heat, heat};
use crate::section::pictures::{Missing, Pictures};
use crate::thumbnail::Thumbnail;
use crate::words::shown;

/// Rows behind the pictures.
const MOST_ROWS: usize = 200;

/// The test samples that the model gets wrong.
pub(crate) struct Mistakes {
    pub total: usize,
    pub samples: usize,
    pub cards: Vec<Card>,
    /// Those that have no card.
    pub rows: Vec<Row>,
    /// Those that have neither.
    pub left_out: usize,
    /// Pictures that could not be shown.
    pub missing: Vec<Missing>,
}

/// A sample with its picture.
pub(crate) struct Card {
    pub picture: Option<Thumbnail>,
    pub said: Row,
    /// What of the picture spoke for what is said.
    pub heat: Vec<Heat>,
    /// The likeliest classes, with how likely they are.
    pub likeliest: Vec<Likely>,
}

/// A class that a sample may be of.
pub(crate) struct Likely {
    pub name: String,
    pub share: String,
    /// In hundredths, as the length of a bar.
    pub bar: u32,
}

/// A sample, what is true of it, and what the model says.
pub(crate) struct Row {
    pub sample: String,
    pub truth: String,
    pub predicted: String,
    pub sure: String,
}

impl Mistakes {
    /// Whether it is known of any picture what spoke for what is said.
    pub fn has_heat(&self) -> bool {
        self.cards.iter().any(|card| !card.heat.is_empty())
    }

    pub fn of(run: &Run, allowance: Allowance) -> Self {
        let report = &run.report;
        let with_card = if run.has_pictures() {
            allowance.pictures
        } else {
            0
        };
        let mut pictures = Pictures::of(run);
        let mut cards = Vec::new();
        for mistake in report.mistakes.iter().take(with_card) {
            let picture = pictures.picture(&mistake.sample);
            let likeliest = run.predictions.as_ref();
            let likeliest = likeliest.and_then(|all| all.likeliest.get(&mistake.sample));
            let likeliest = likeliest
                .into_iter()
                .flatten()
                .map(|&(class, share)| Likely {
                    name: report
                        .classes
                        .get(class)
                        .map_or(String::new(), |name| shown(name)),
                    share: format!("{:.0} %", 100.0 * share),
                    bar: (100.0 * share).round() as u32,
                });
            let heat = picture
                .as_ref()
                .map_or_else(Vec::new, |picture| heat(mistake.saliency.as_ref(), picture));
            cards.push(Card {
                heat,
                picture,
                said: row(mistake),
                likeliest: likeliest.collect(),
            });
        }
        let most = MOST_ROWS.min(allowance.rows);
        let rows = report.mistakes.iter().skip(cards.len()).take(most);
        let rows: Vec<Row> = rows.map(row).collect();
        Mistakes {
            total: report.mistakes.len(),
            samples: report.test.samples(),
            left_out: report.mistakes.len() - cards.len() - rows.len(),
            cards,
            rows,
            missing: pictures.into_missing(),
        }
    }
}

fn row(mistake: &crate::document::Mistake) -> Row {
    Row {
        sample: shown(&mistake.sample),
        truth: shown(&mistake.truth),
        predicted: shown(&mistake.predicted),
        sure: format::percent(mistake.probability),
    }
}
