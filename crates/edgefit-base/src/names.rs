//! Names that somebody may have meant.

/// The least Jaro-Winkler similarity at which a name is worth suggesting.
const ALIKE: f64 = 0.7;

/// The candidate most like `name` (Jaro-Winkler), if one is like it at all.
///
/// ```
/// use edgefit_base::names::nearest;
/// assert_eq!(nearest("raspbery-pi", ["stm32h743", "raspberry-pi-5"]), Some("raspberry-pi-5"));
/// assert_eq!(nearest("xyz", ["stm32h743"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
