//! Flash of a device compared with what the weights and the engine's code need.

use edgefit_device::{Engine, WeightsIn};

use super::budget::{Budget, Resource};
use super::needs::Needs;
use super::request::Request;

/// Flash that the program is in; or, with a limit given by hand, what the weights take on disk.
pub(super) fn budget(needs: &Needs, request: &Request, engine: Option<&Engine>) -> Option<Budget> {
    let weights = needs.weight_bytes;
    let in_flash = request.profile.weights_in == WeightsIn::Flash;
    let (have, place) = match (request.limits.flash_bytes, &request.profile.flash) {
        (Some(limit), _) => (limit, "limit"),
        (None, Some(flash)) if in_flash => (flash.free_bytes(), "flash"),
        _ => return None,
    };
    let budget = |need, why: String| Budget::bytes(Resource::Flash, Some(need), have, place, why);
    if !in_flash {
        let stored = needs.stored.then_some(needs.stored_bytes);
        let words = "weights as stored on disk".into();
        return Some(budget(stored.unwrap_or(weights), words));
    }
    let name = engine.map_or("the engine", |engine| engine.name.as_str());
    Some(match engine.and_then(|engine| engine.code_bytes.as_ref()) {
        Some(code) => budget(
            weights.saturating_add(code.value),
            format!(
                "weights and {} B of code of {name} ({})",
                code.value, code.source
            ),
        ),
        None => budget(
            weights,
            format!("weights; how much code {name} has is not known, and it comes on top"),
        )
        .holds_if(format!("{name}'s code"), have.saturating_sub(weights)),
    })
}
