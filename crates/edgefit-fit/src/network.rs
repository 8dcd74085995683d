//! [`Network`]: a backbone at one resolution, cut at one depth, whole or with fewer channels.

use std::path::PathBuf;

use edgefit_device::ElementType;
use edgefit_graph::preprocessing::Fit;

use crate::candidate::{AccuracyBasis, Candidate, WidthsBy};
use crate::depth::Depth;
use crate::footprint::Footprint;
use crate::linear_probe::Score;

/// A backbone at one resolution, cut at one depth, whole or with fewer channels.
#[derive(Debug, Clone)]
pub struct Network {
    /// Which of the backbones.
    pub backbone: usize,
    /// Side of its input in pixels; `None` where it takes no square images.
    pub side: Option<usize>,
    /// Whether that is the size that the backbone has of its own.
    pub is_native: bool,
    /// How images are made to fit its input; `None` where it takes none.
    pub fit: Option<Fit>,
    /// The how manieth of its depths it is, from 1.
    pub number: usize,
    /// Where it is cut.
    pub depth: Depth,
    /// Its file, where channels were taken out of it.
    pub narrowed: Option<Narrowed>,
    /// What it takes, in each form that the device runs.
    pub footprints: Vec<Footprint>,
    /// How well its features tell the classes apart; `None` where it takes more than twice a budget.
    pub score: Option<Score>,
}

/// A network with fewer channels.
#[derive(Debug, Clone)]
pub struct Narrowed {
    /// With an untrained head.
    pub file: PathBuf,
    /// Share of the channels that are left.
    pub width: f64,
    /// How its widths were chosen.
    pub by: WidthsBy,
}

impl Network {
    /// The forms in which it fits.
    pub fn fitting(&self) -> impl Iterator<Item = &Footprint> {
        self.footprints.iter().filter(|footprint| footprint.fits)
    }

    /// What it takes as `element_type`, where it fits so.
    pub fn fitting_as(&self, element_type: ElementType) -> Option<&Footprint> {
        self.fitting()
            .find(|footprint| footprint.element_type == element_type)
    }

    /// Whether it fits in any form.
    pub fn fits(&self) -> bool {
        self.fitting().next().is_some()
    }

    /// The share of a budget that it takes at least, in the form that takes least.
    pub fn share(&self) -> f64 {
        let shares = self.footprints.iter().map(|footprint| footprint.share);
        shares.fold(f64::INFINITY, f64::min)
    }

    /// Its score, 0 where there is none.
    pub fn accuracy(&self) -> f64 {
        self.score.map_or(0.0, |score| score.accuracy)
    }

    /// It as `footprint` has it, with its score; `backbone` is the file of its backbone.
    pub fn candidate(&self, footprint: &Footprint, backbone: PathBuf) -> Candidate {
        Candidate {
            backbone,
            resolution: self.side,
            fit: self.fit,
            cut: self.depth.cut.clone(),
            width: self
                .narrowed
                .as_ref()
                .map_or(1.0, |narrowed| narrowed.width),
            widths: self.narrowed.as_ref().map(|narrowed| narrowed.by),
            macs: self.depth.macs,
            footprint: footprint.clone(),
            accuracy: self.score.map(|score| score.accuracy),
            samples: self.score.map_or(0, |score| score.samples),
            basis: self.score.map(|_| AccuracyBasis::Scored),
            score: self.score.map(|score| score.accuracy),
        }
    }
}
