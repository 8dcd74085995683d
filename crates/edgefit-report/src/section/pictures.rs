//! The pictures of the samples that a section shows.

use std::path::Path;

use crate::page::Allowance;
use crate::run::Run;
use crate::thumbnail::{Thumbnail, sheet, thumbnail};
use crate::words::shown;

/// Longer side of the sheet of augmented views, in pixels.
const SHEET: u32 = 640;

/// The sheet of augmented views of the run in `folder`, where there is one and room for it.
pub(crate) fn augmented(folder: &Path, allowance: Allowance) -> Option<Thumbnail> {
    let has_room = allowance.pictures > 0;
    has_room
        .then(|| sheet(&folder.join("augmentation.png"), SHEET).ok())
        .flatten()
}

/// A picture that could not be shown.
pub(crate) struct Missing {
    pub sample: String,
    pub problem: String,
}

/// The pictures of a run's samples, and which of them could not be shown.
pub(crate) struct Pictures<'a> {
    run: &'a Run,
    missing: Vec<Missing>,
}

impl<'a> Pictures<'a> {
    pub fn of(run: &'a Run) -> Self {
        Pictures {
            run,
            missing: Vec::new(),
        }
    }

    /// The picture of a sample, if it can be shown.
    pub fn picture(&mut self, sample: &str) -> Option<Thumbnail> {
        let path = self.run.picture(sample);
        let problem = match path.as_deref().map(thumbnail) {
            Some(Ok((picture, _))) => return Some(picture),
            Some(Err(problem)) => problem,
            None => "is gone, with the folder of the data".into(),
        };
        self.missing.push(Missing {
            sample: shown(sample),
            problem,
        });
        None
    }

    pub fn into_missing(self) -> Vec<Missing> {
        self.missing
    }
}
