//! Checks of one model against several boards.

use edgefit_cost::{Budget, Check};

use super::check::{amounts, tone, verdict};
use crate::table::table;

/// A row a board: the verdict, and the resource that is the tightest.
pub fn boards(checks: &[Check]) -> String {
    let mut rows = table(&["board", "verdict", "tightest"]);
    for check in checks {
        let verdict = verdict(check.verdict, &check.fits_if);
        let verdict = tone(check.verdict).paint(&verdict);
        let tightest = check
            .budgets
            .iter()
            .max_by(|a, b| share(a).total_cmp(&share(b)))
            .map_or(String::new(), |budget| {
                let (need, have) = amounts(budget.amounts);
                format!("{}: {need} of {have}", budget.place)
            });
        rows.add_row([check.device.as_str(), &verdict, &tightest]);
    }
    rows.to_string()
}

/// Need as a share of what there is; what is not known is the tightest.
fn share(budget: &Budget) -> f64 {
    budget.share().unwrap_or(f64::INFINITY)
}
