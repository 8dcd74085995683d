//! Whether the model fits the device (EF20).

use edgefit_cost::{Check, Verdict};
use edgefit_guards::{Findings, ef20_hardware};

/// Whether the model fits the device (EF20).
pub(crate) fn check(findings: &mut Findings, fits: &Check) {
    let tightest = fits
        .budgets
        .iter()
        .find(|budget| budget.holds != Some(true));
    let reason = tightest.map_or(String::new(), |budget| budget.place.clone());
    findings.record(ef20_hardware::check(&ef20_hardware::Evidence {
        hardware: fits.device.clone(),
        verdict: match fits.verdict {
            Verdict::Fits => ef20_hardware::Verdict::Fits,
            Verdict::DoesNotFit => ef20_hardware::Verdict::DoesNotFit { reason },
            Verdict::Unknown => ef20_hardware::Verdict::Unknown { reason },
        },
    }));
}
