//! The page about a run that a guard ended.

use std::path::Path;

use askama::Template;

use crate::document::Stopped;
use crate::error::Result;
use crate::page::{Allowance, Page};
use crate::section::{Advice, Guards, Learning, augmented, origin_facts};
use crate::thumbnail::Thumbnail;
use crate::words::{shown, text};

/// What the template shows.
#[derive(Template)]
#[template(path = "stopped.html")]
struct View {
    title: String,
    sentence: String,
    learning: Option<Learning>,
    guards: Guards,
    augmented: Option<Thumbnail>,
    facts: Vec<(&'static str, String)>,
}

/// The page about the run in `folder` that a guard ended.
///
/// # Errors
/// The template cannot be filled.
pub(crate) fn stopped_page(
    folder: &Path,
    stopped: &Stopped,
    advice: &dyn Fn(&str) -> Option<Advice>,
) -> Result<Page> {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    let reason = text(&stopped.reason());
    Allowance::largest(|allowance| {
        let view = View {
            title: shown(&name.to_string_lossy()),
            sentence: format!("The run was {reason}"),
            learning: Learning::of(&stopped.stages, &stopped.guards),
            guards: Guards::of(&stopped.guards, advice),
            augmented: augmented(folder, allowance),
            facts: origin_facts(&stopped.origin),
        };
        Ok(Page {
            remarks: Vec::new(),
            html: view.render()?,
        })
    })
}
