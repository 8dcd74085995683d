//! Why a training has no model.

use edgefit_train::Refusal;

use super::check::check;
use super::findings::findings;

/// The check that the model did not pass, or what the guards found.
pub fn refusal(refusal: &Refusal) -> String {
    match refusal.check {
        Some(made) => format!("not trained ({}): {}", refusal.refused, check(made)),
        None => format!("{}\nended by {}", findings(refusal.guards), refusal.line),
    }
}
