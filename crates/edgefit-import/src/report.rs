//! [`Report`]: what became of a checkpoint, the document `edgefit.import/1`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::architecture::{Architecture, Choices};
use crate::imported::Imported;
use crate::variant::Variant;

/// What became of a checkpoint.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The file that was written.
    pub model: PathBuf,
    /// The architecture.
    pub arch: String,
    /// Which of two networks with the same keys, where there are two.
    pub variant: Option<String>,
    /// Trainable parameters.
    pub parameters: u64,
    /// Batch normalisations that were folded into convolutions.
    pub folded: usize,
    /// What the keys of the weights begin with in the checkpoint.
    pub prefix: String,
    /// Names of wrappers that were left out of the keys.
    pub wrappers: Vec<String>,
    /// What the keys of other weights begin with, which were left.
    pub other_prefixes: Vec<String>,
    /// What the checkpoint calls layers of the head, by what the network calls them.
    pub renamed_keys: BTreeMap<String, String>,
    /// Keys of the checkpoint that the network has no use for.
    pub unused_keys: Vec<String>,
    /// Keys that the network lacks: none, of a model that was imported.
    pub missing_keys: Vec<String>,
}

impl Report {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.import/1";

    /// Of a checkpoint that became a model of `arch` in the file `model`, with so many parameters and folded
    /// normalisations.
    pub fn of(
        imported: Imported,
        arch: &Architecture,
        model: PathBuf,
        (parameters, folded): (u64, usize),
    ) -> Self {
        Report {
            model,
            arch: arch.name.to_owned(),
            variant: imported.variant.as_ref().map(Variant::to_string),
            parameters,
            folded,
            prefix: imported.prefix,
            wrappers: imported.wrappers,
            other_prefixes: imported.other_prefixes,
            renamed_keys: imported.renamed,
            unused_keys: imported.unused_keys,
            missing_keys: Vec::new(),
        }
    }

    /// What was chosen, taken for something else, or left, a sentence each.
    pub fn remarks(&self, choices: &Choices) -> Vec<String> {
        let mut remarks = Vec::new();
        if let ([other, ..], None) = (self.other_prefixes.as_slice(), &choices.weights) {
            remarks.push(format!(
                "the checkpoint holds several sets of weights, and those under {} were taken; --weights takes the \
                 others: raw, ema, or what their keys begin with, such as {}",
                quoted(&self.prefix),
                quoted(other)
            ));
        }
        if let Some((wanted, found)) = self.renamed_keys.first_key_value() {
            remarks.push(format!(
                "the head's layers have other names in the checkpoint: '{found}' was taken for '{wanted}'; layers \
                 without weights that may stand between them are not known, and left out"
            ));
        }
        if let [first, ..] = self.unused_keys.as_slice() {
            let count = self.unused_keys.len();
            remarks.push(format!(
                "{count} keys of the checkpoint are not used, the first is '{first}'"
            ));
        }
        remarks
    }

    /// What the keys of the weights begin with, as it is said; `None` where nothing stands before them.
    pub fn quoted_prefix(&self) -> Option<String> {
        (!self.prefix.is_empty()).then(|| quoted(&self.prefix))
    }
}

/// A prefix as it is said.
fn quoted(prefix: &str) -> String {
    match prefix.trim_end_matches('.') {
        "" => "no prefix".into(),
        prefix => format!("'{prefix}'"),
    }
}
