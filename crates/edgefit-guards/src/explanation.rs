//! What `edgefit explain CODE` says of each guard.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::Code;

/// What a guard means, in plain sentences.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// What causes the mistake.
    pub cause: String,
    /// Why it matters.
    pub why: String,
    /// What edgefit does about it by itself.
    pub does: String,
    /// What to change, so that the guard passes.
    pub fix: String,
}

/// A guard with its explanation, the document `edgefit.explain/1`.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// The guard.
    pub code: Code,
    /// What it is about.
    pub title: &'static str,
    /// What it means.
    #[serde(flatten)]
    pub explanation: &'static Explanation,
}

impl Explained {
    /// Name and version of the document.
    pub const SCHEMA: &str = "edgefit.explain/1";

    /// Of a guard.
    pub fn of(code: Code) -> Self {
        Explained {
            code,
            title: code.title(),
            explanation: code.explanation(),
        }
    }
}

const TEXTS: &str = include_str!("explanations.toml");

static EXPLANATIONS: LazyLock<BTreeMap<Code, Explanation>> =
    LazyLock::new(|| toml::from_str(TEXTS).expect("the texts are checked by a test"));

impl Code {
    /// What this guard means and how to fix what it finds.
    pub fn explanation(self) -> &'static Explanation {
        &EXPLANATIONS[&self]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained() {
        for code in Code::ALL {
            let Explanation {
                cause,
                why,
                does,
                fix,
            } = code.explanation();
            for text in [cause, why, does, fix] {
                assert!(text.len() > 40 && text.ends_with('.'), "{code}: '{text}'");
            }
        }
    }
}
