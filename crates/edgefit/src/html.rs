//! What a command found, as a page besides (`--html`).

use edgefit::report::{Page, document_page};
use serde::Serialize;

use crate::cli::Html;

impl Html {
    /// Refuses a place where nothing can be written, before the work.
    pub fn ensure_place(&self) -> anyhow::Result<()> {
        let place = self.html.as_deref();
        Ok(place.map_or(Ok(()), Page::ensure_place)?)
    }

    /// Writes the page of the document that the command prints with `--json`.
    pub fn write(&self, schema: &str, content: &impl Serialize) -> anyhow::Result<()> {
        self.write_page(|| {
            let page = document_page(schema, serde_json::to_value(content)?)?;
            Ok(page)
        })
    }

    /// Writes a page where one was asked for.
    pub fn write_page(&self, make: impl FnOnce() -> anyhow::Result<Page>) -> anyhow::Result<()> {
        if let Some(path) = &self.html {
            make()?.write(path)?;
        }
        Ok(())
    }
}
