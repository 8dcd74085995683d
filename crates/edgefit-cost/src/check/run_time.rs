//! The time of a run compared with a limit.

use edgefit_base::units::format::milliseconds;

use super::budget::{Amounts, Budget, Resource};
use crate::latency::LatencyFigure;

/// The predicted time against a limit. A limit within the interval of the prediction may or may not
/// hold.
pub(super) fn budget(figure: Option<&LatencyFigure>, limit: u64) -> Budget {
    let amounts = Amounts::Time {
        need_ns: figure.map(|figure| figure.ns.unwrap_or(figure.low_ns)),
        have_ns: limit,
    };
    let explanation = match figure {
        Some(figure) => match figure.high_ns {
            Some(high) => format!(
                "one run takes {} to {}",
                milliseconds(figure.low_ns),
                milliseconds(high)
            ),
            None => format!(
                "one run takes {} at least; how much more is not known, since the profile has no \
                 bandwidth of the memory or no time of a kernel",
                milliseconds(figure.low_ns)
            ),
        },
        None => "nothing is known of how fast this engine computes here, or an op is not supported"
            .to_owned(),
    };
    let mut budget = Budget::new(Resource::Latency, amounts, "limit", explanation);
    if let Some(figure) = figure {
        budget.basis = figure.basis;
        budget.holds = match limit {
            limit if figure.high_ns.is_some_and(|high| high <= limit) => Some(true),
            limit if figure.low_ns > limit => Some(false),
            _ => None,
        };
    }
    budget
}
