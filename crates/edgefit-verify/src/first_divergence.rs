//! The search for the first node at which two sides part.

use edgefit_engine::Array;

use crate::bisect::bisect;
use crate::divergence::Divergence;
use crate::search::Search;
use crate::search_crash::Crashes;
use crate::side::Side;
use crate::tolerance::Tolerance;

/// The node at which `a` and `b` part on `inputs`: two engines on one model, or one engine on two
/// models whose values have the same names.
///
/// All values that both can show become outputs and are compared in graph order. A node whose result
/// is beyond the tolerance is run alone on both sides with the inputs that `b` computed: if it is still
/// beyond, it is named. Of two models only those nodes can be the culprit that are not alike in both.
///
/// Values that are outputs cannot be fused away. Where that hides the divergence, the model is cut off
/// behind one value after the other instead, found by bisection, and the last nodes before the cut are
/// run together, ever more of them, until they reproduce it. Float values are held to `tolerance`, or
/// to what their types ask for.
///
/// An engine that refuses a part says nothing of it; one that crashes on it is added to `crashes`.
pub fn first_divergence<'a>(
    [a, b]: [Side<'a>; 2],
    inputs: &'a [Array],
    tolerance: Option<Tolerance>,
    crashes: &'a mut Crashes,
) -> Option<Divergence> {
    let mut search = Search::new([a, b], inputs, tolerance, crashes);
    match search.all_values() {
        Some(found) => Some(found),
        None => bisect(&mut search),
    }
}

#[cfg(test)]
mod tests;
