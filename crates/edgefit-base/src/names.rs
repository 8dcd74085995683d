//! Names: the one that somebody may have meant, and the block that a node belongs to.

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

/// The block that a node belongs to: the first `depth` parts of its name, which `/` and `.` separate.
///
/// ```
/// assert_eq!(edgefit_base::names::block("/net/blocks.0/Conv", 2), "net/blocks");
/// ```
pub fn block(name: &str, depth: usize) -> String {
    let parts = name.split(['/', '.']).filter(|part| !part.is_empty());
    parts.take(depth).collect::<Vec<_>>().join("/")
}
