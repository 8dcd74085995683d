//! What a guard means.

use edgefit_guards::{Code, Explanation};

/// Cause, consequence and fix of what a guard finds.
pub fn explanation(code: Code) -> String {
    let Explanation {
        cause,
        why,
        does,
        fix,
    } = code.explanation();
    format!(
        "{code}: {}\n\nCause\n  {cause}\n\nWhy it matters\n  {why}\n\nWhat edgefit does\n  {does}\n\nHow to \
         fix it\n  {fix}",
        code.title(),
    )
}
