//! Shares of a whole from text.

/// Reads a number above 0 and up to 1.
///
/// ```
/// assert_eq!(edgefit_base::units::share("0.5"), Ok(0.5));
/// ```
///
/// # Errors
/// It is something else.
pub fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share
        .filter(|&share| share > 0.0 && share <= 1.0)
        .ok_or_else(|| "must be a number above 0 and up to 1, such as 0.5".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_above_0_and_up_to_1() {
        assert_eq!(share("1"), Ok(1.0));
        for bad in ["0", "-0.5", "1.01", "50", "nan", "inf", "half", ""] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
