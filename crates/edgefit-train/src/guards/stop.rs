//! Guards that end a job.

use edgefit_guards::Findings;

use crate::error::{Error, Result};

/// Ends the job where a guard failed.
pub(crate) fn stop_on_failure(findings: &Findings) -> Result<()> {
    match findings.stops() {
        Some(first) => Err(Error::Guard {
            first: first.message,
            code: first.code,
            guards: findings.report(),
            run: None,
        }),
        None => Ok(()),
    }
}
