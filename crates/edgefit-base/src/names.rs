//! Names: the one that somebody may have meant, some of many, what counts of one, and the block that a node belongs to.

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

/// Most names that [`listed`] lists.
const MOST_LISTED: usize = 4;

/// The first names with commas between them, and a sign where there are more.
///
/// ```
/// use edgefit_base::names::listed;
/// assert_eq!(listed(["a", "b"]), "a, b");
/// assert_eq!(listed(["a", "b", "c", "d", "e"]), "a, b, c, d, …");
/// ```
pub fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names = names.into_iter().map(|name| name.to_string());
    let mut names: Vec<String> = names.take(MOST_LISTED + 1).collect();
    if let Some(more) = names.get_mut(MOST_LISTED) {
        *more = "…".into();
    }
    names.join(", ")
}

/// What counts of a name that people write in many ways: its letters and digits, in lower case; `+` is
/// `plus`.
///
/// ```
/// assert_eq!(edgefit_base::names::letters("ESP32-S3"), "esp32s3");
/// assert_eq!(edgefit_base::names::letters("Pi 3B+"), "pi3bplus");
/// ```
pub fn letters(name: &str) -> String {
    let name = name.replace('+', "plus");
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
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
