//! [`Candidate`]: one of the networks of a search.

use std::path::PathBuf;

use edgefit_base::units::format;
use edgefit_graph::preprocessing::Fit;
use serde::{Deserialize, Serialize};

use crate::footprint::Footprint;

/// One of the networks of a search, in one form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// File of the backbone.
    pub backbone: PathBuf,
    /// Side of its input in pixels; `None` where it takes no square images.
    pub resolution: Option<usize>,
    /// How images are made to fit its input; `None` where it takes none.
    pub fit: Option<Fit>,
    /// Label of the last node that is kept; `None` for the whole network.
    pub cut: Option<String>,
    /// Share of the channels that are kept.
    pub width: f64,
    /// How its widths were chosen, where channels were taken out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<WidthsBy>,
    /// Multiply-accumulates of a run.
    pub macs: u64,
    /// What it takes of the device.
    #[serde(flatten)]
    pub footprint: Footprint,
    /// Share of the samples that it classifies correctly; `None` where nobody has looked.
    pub accuracy: Option<f64>,
    /// Samples behind the accuracy.
    pub samples: usize,
    /// How the accuracy is known.
    pub basis: Option<AccuracyBasis>,
    /// Its accuracy by its features before it was trained, which those that were not trained have alone.
    pub score: Option<f64>,
}

/// How the widths of a network are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WidthsBy {
    /// Channels go where they cost least for what they save, in the order of what is lost with them.
    Cost,
    /// Every group keeps the same share.
    Uniform,
    /// Any channels go, where they save most: what every criterion has to beat (Li et al. 2022).
    Random,
}

/// How an accuracy is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccuracyBasis {
    /// A linear classifier on the features of the untrained network in floats, cross-validated on training
    /// and validation samples.
    Scored,
    /// The trained network in its form, on the validation samples.
    Trained,
}

impl Candidate {
    /// What it is, human-readable: its backbone's file, resolution, last node and form.
    pub fn name(&self) -> String {
        let stem = self
            .backbone
            .file_stem()
            .unwrap_or(self.backbone.as_os_str());
        let mut name = stem.to_string_lossy().into_owned();
        if let Some(side) = self.resolution {
            name.push_str(&format!(" {side}×{side}"));
        }
        if let Some(cut) = &self.cut {
            name.push_str(&format!(" to {cut}"));
        }
        if self.width < 1.0 {
            let by = match self.widths {
                Some(WidthsBy::Uniform) => " (uniform)",
                Some(WidthsBy::Random) => " (random)",
                Some(WidthsBy::Cost) | None => "",
            };
            let width = format::percent(self.width);
            name.push_str(&format!(", {width} of the channels{by}"));
        }
        format!("{name}, {}", self.footprint.element_type)
    }

    /// Whether it is the same network in the same form as `other`.
    pub fn is_same(&self, other: &Candidate) -> bool {
        self.backbone == other.backbone && self.name() == other.name()
    }

    /// Whether it takes less of something than `other`, or is more accurate, and nowhere worse. What was trained is
    /// compared with what was not by the scores of both.
    pub fn dominates(&self, other: &Candidate) -> bool {
        let costs = |candidate: &Candidate| {
            let footprint = &candidate.footprint;
            [
                footprint.ram_bytes,
                footprint.flash_bytes,
                footprint.latency_ns,
            ]
        };
        let both_trained = [self, other].map(|one| one.basis) == [Some(AccuracyBasis::Trained); 2];
        let [accuracy, other_accuracy] = [self, other].map(|one| {
            let score = one.score.filter(|_| !both_trained);
            score.or(one.accuracy)
        });
        let (own, others) = (costs(self), costs(other));
        let mut pairs = own.iter().zip(&others);
        let no_worse = pairs.all(|(own, other)| own <= other) && accuracy >= other_accuracy;
        no_worse && (own != others || accuracy > other_accuracy)
    }
}

/// Those of `candidates` that fit, are known, and that no other dominates, by RAM; of equals the first.
pub fn front(candidates: &[Candidate]) -> Vec<Candidate> {
    let known: Vec<&Candidate> = candidates
        .iter()
        .filter(|one| one.footprint.fits && one.accuracy.is_some())
        .collect();
    let kept = known
        .iter()
        .filter(|one| !known.iter().any(|other| other.dominates(one)));
    let mut front: Vec<Candidate> = kept.map(|one| (*one).clone()).collect();
    front.sort_by_key(|one| (one.footprint.ram_bytes, one.footprint.flash_bytes));
    front
}

#[cfg(test)]
pub(crate) mod tests {
    use edgefit_device::ElementType;

    use super::*;

    pub(crate) fn candidate(ram: u64, flash: u64, accuracy: f64) -> Candidate {
        Candidate {
            backbone: "a.onnx".into(),
            resolution: Some(96),
            fit: None,
            cut: None,
            width: 1.0,
            widths: None,
            macs: 1,
            footprint: Footprint {
                element_type: ElementType::Int8,
                ram_bytes: Some(ram),
                flash_bytes: Some(flash),
                latency_ns: None,
                patches: None,
                fits: true,
                share: 0.5,
                has_ram: None,
                has_flash: None,
                short: Vec::new(),
                unknown: Vec::new(),
            },
            accuracy: Some(accuracy),
            samples: 100,
            basis: Some(AccuracyBasis::Scored),
            score: Some(accuracy),
        }
    }

    #[test]
    fn what_was_trained_is_held_against_scores_by_its_own() {
        let trained = |ram, score, accuracy| Candidate {
            accuracy: Some(accuracy),
            basis: Some(AccuracyBasis::Trained),
            ..candidate(ram, 10, score)
        };
        // Validation made less of it than its score, as of most.
        let chosen = trained(10, 0.9, 0.8);
        let (scored, other) = (candidate(10, 10, 0.85), trained(10, 0.95, 0.7));
        assert!(chosen.dominates(&scored) && !scored.dominates(&chosen));
        assert!(chosen.dominates(&other) && !other.dominates(&chosen));
    }

    #[test]
    fn the_front_holds_what_nothing_beats_in_everything() {
        let good = candidate(10, 10, 0.9);
        let small = candidate(5, 20, 0.8);
        let worse = candidate(10, 11, 0.9);
        let refused = Candidate {
            footprint: Footprint {
                fits: false,
                ..good.footprint.clone()
            },
            accuracy: Some(1.0),
            ..good.clone()
        };
        let all = [good.clone(), worse, small.clone(), refused];
        assert_eq!(front(&all), [small, good]);
    }
}
