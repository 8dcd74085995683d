//! The time of a run compared with a limit.

use super::budget::{Amounts, Budget, Resource};
use crate::latency::LatencyFigure;

/// The predicted time against a limit. A limit within the interval of the prediction may or may not
/// hold.
pub(super) fn budget(figure: Option<&LatencyFigure>, limit: u64) -> Budget {
    let amounts = Amounts::Time {
        need_ns: figure.map(|figure| figure.ns),
        have_ns: limit,
    };
    let explanation = match figure {
        Some(figure) => {
            let milliseconds = |ns: u64| ns as f64 / 1e6;
            format!(
                "one run takes {:.3} to {:.3} ms",
                milliseconds(figure.low_ns),
                milliseconds(figure.high_ns)
            )
        }
        None => "nothing is known of how fast this engine computes here, or an op is not supported"
            .to_owned(),
    };
    let mut budget = Budget::new(Resource::Latency, amounts, "limit", explanation);
    if let Some(figure) = figure {
        budget.basis = figure.basis;
        budget.holds = match limit {
            limit if figure.high_ns <= limit => Some(true),
            limit if figure.low_ns > limit => Some(false),
            _ => None,
        };
    }
    budget
}
