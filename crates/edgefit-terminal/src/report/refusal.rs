//! Why a training has no model.

use std::path::Path;

use edgefit_train::Refusal;

use super::check::check;
use super::findings::findings;

/// The check that the model did not pass, or what the guards found, and where the `page` about it lies.
pub fn refusal(refusal: &Refusal, page: Option<&Path>) -> String {
    let page = page.map(|page| format!("\npage to look at: {}", page.display()));
    let page = page.unwrap_or_default();
    match refusal.check {
        Some(made) => format!("not trained ({}): {}", refusal.refused, check(made)),
        None => format!(
            "{}\nended by {}{page}",
            findings(refusal.guards),
            refusal.line
        ),
    }
}
