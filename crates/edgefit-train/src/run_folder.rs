use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use edgefit_graph::write_atomically;
use serde::Serialize;

use crate::error::{Error, Result};

/// The folder of one run: `model.onnx`, `report.json`, `splits.json`, `events.jsonl`.
///
/// A run that made its folder and ends before it wrote anything leaves none behind.
pub(crate) struct RunFolder {
    folder: PathBuf,
    made: bool,
    events: Option<File>,
}

impl RunFolder {
    /// Makes the folder, so that a place where nothing can be written is found before the work.
    pub fn create(folder: &Path) -> Result<Self> {
        let fail = |source| Error::Write {
            path: folder.to_path_buf(),
            source,
        };
        let made = !folder.exists();
        std::fs::create_dir_all(folder).map_err(fail)?;
        let run = RunFolder {
            folder: folder.to_path_buf(),
            made,
            events: None,
        };
        tempfile::tempfile_in(folder).map_err(fail)?;
        Ok(run)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Appends a line to the run's events.
    pub fn event(&mut self, event: &impl Serialize) -> Result<()> {
        let path = self.path("events.jsonl");
        let mut line = json(event, &path)?;
        line.push('\n');
        let mut append = || -> std::io::Result<()> {
            let events = match &mut self.events {
                Some(events) => events,
                none => none.insert(File::create(&path)?),
            };
            events.write_all(line.as_bytes())
        };
        append().map_err(|source| Error::Write { path, source })
    }

    /// Writes a document of the given schema, whole or not at all.
    pub fn write_json(&self, name: &str, schema: &str, content: &impl Serialize) -> Result<()> {
        #[derive(Serialize)]
        struct Document<'a, T> {
            schema: &'a str,
            #[serde(flatten)]
            content: &'a T,
        }
        let path = self.path(name);
        let text = json(&Document { schema, content }, &path)?;
        Ok(write_atomically(&path, |file| {
            file.write_all(text.as_bytes())
        })?)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.made {
            // Fails, as it should, when there is something in it.
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

fn json(document: &impl Serialize, path: &Path) -> Result<String> {
    serde_json::to_string(document).map_err(|error| Error::Write {
        path: path.to_path_buf(),
        source: error.into(),
    })
}
