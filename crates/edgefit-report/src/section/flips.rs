//! The test samples of which the quantised model says something else than the float one.

use edgefit_base::units::format;

use super::tone::Tone;
use crate::document::{Answer, Flip};
use crate::page::Allowance;
use crate::run::Run;
use crate::section::pictures::{Missing, Pictures};
use crate::thumbnail::Thumbnail;
use crate::words::shown;

/// The test samples of which the quantised model says something else than the float one.
pub(crate) struct Flips {
    pub scheme: String,
    pub total: usize,
    pub samples: usize,
    pub shown: Vec<Sample>,
    /// Those that are not shown.
    pub left_out: usize,
    /// Whether samples are pictures.
    pub has_pictures: bool,
    /// Pictures that could not be shown.
    pub missing: Vec<Missing>,
}

/// A sample, and what both models say of it.
pub(crate) struct Sample {
    pub picture: Option<Thumbnail>,
    pub name: String,
    pub truth: String,
    pub float: Said,
    pub quantized: Said,
}

/// What a model says.
pub(crate) struct Said {
    pub predicted: String,
    pub sure: String,
    pub tone: Tone,
}

impl Flips {
    /// `None` where there is no quantised model.
    pub fn of(run: &Run, allowance: Allowance) -> Option<Self> {
        let int8 = run.report.int8.as_ref()?;
        let test = int8.test.as_ref()?;
        let has_pictures = run.has_pictures();
        let most = if has_pictures {
            allowance.pictures
        } else {
            allowance.rows
        };
        let mut pictures = Pictures::of(run);
        let listed: Vec<Sample> = int8
            .flips
            .iter()
            .take(most)
            .map(|flip| sample(flip, has_pictures.then_some(&mut pictures)))
            .collect();
        Some(Flips {
            scheme: shown(&int8.scheme),
            total: int8.flips.len(),
            samples: test.samples,
            left_out: int8.flips.len() - listed.len(),
            shown: listed,
            has_pictures,
            missing: pictures.into_missing(),
        })
    }
}

fn sample(flip: &Flip, pictures: Option<&mut Pictures>) -> Sample {
    let said = |answer: &Answer| Said {
        predicted: shown(&answer.predicted),
        sure: format::percent(answer.probability),
        tone: if answer.predicted == flip.truth {
            Tone::Good
        } else {
            Tone::Bad
        },
    };
    Sample {
        picture: pictures.and_then(|pictures| pictures.picture(&flip.sample)),
        name: shown(&flip.sample),
        truth: shown(&flip.truth),
        float: said(&flip.float),
        quantized: said(&flip.quantized),
    }
}
