//! Where a run comes from.

use edgefit_base::shell::word;

use crate::document::Origin;
use crate::words::{file_name, shown};

/// What a run was made of, when, and how.
pub(crate) fn origin_facts(origin: &Origin) -> Vec<(&'static str, String)> {
    let words = origin.command.iter().map(|argument| word(argument));
    let command: Vec<_> = words.collect();
    let facts = [
        (
            "Begun",
            origin.started.replace('T', " ").replace('Z', " UTC"),
        ),
        ("By", format!("edgefit {}", origin.version)),
        ("Command", command.join(" ")),
        ("Data", origin.data.display().to_string()),
        ("Backbone", file_name(&origin.backbone)),
    ];
    facts.map(|(name, fact)| (name, shown(&fact))).into()
}
