//! Quantities in human-readable form.

use humansize::{BINARY, format_size};

/// Bytes in IEC units.
///
/// ```
/// assert_eq!(edgefit_base::units::format::bytes(524_288), "512 KiB");
/// ```
pub fn bytes(bytes: u64) -> String {
    format_size(bytes, BINARY)
}

/// A count, its digits in groups of three.
///
/// ```
/// assert_eq!(edgefit_base::units::format::count(4_652_008), "4,652,008");
/// ```
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// A part of a whole as per cent; an empty text for a part of 0.
pub fn share(part: u64, whole: u64) -> String {
    if part == 0 {
        return String::new();
    }
    percent(part as f64 / whole.max(1) as f64)
}

/// A fraction as per cent.
pub fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

/// Nanoseconds in seconds.
pub fn seconds(ns: u64) -> String {
    format!("{:.1} s", ns as f64 / 1e9)
}

/// Nanoseconds in milliseconds, with three digits where there are any; never as nothing.
pub fn milliseconds(ns: u64) -> String {
    three_digits(ns as f64 / 1e6, "ms")
}

/// Millijoules, as [`milliseconds`].
pub fn millijoules(energy: f64) -> String {
    three_digits(energy, "mJ")
}

fn three_digits(value: f64, unit: &str) -> String {
    let digits = match value {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.0005.. => 3,
        _ => return format!("< 0.001 {unit}"),
    };
    format!("{value:.digits$} {unit}")
}

/// Sizes with × between them.
pub fn shape(dims: &[usize]) -> String {
    let sizes: Vec<String> = dims.iter().map(ToString::to_string).collect();
    sizes.join("×")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!(bytes(524_288), "512 KiB");
        assert_eq!(count(4_652_008), "4,652,008");
        assert_eq!(count(12), "12");
        assert_eq!(percent(0.9363), "93.6 %");
        assert_eq!((share(0, 0), share(1, 4)), (String::new(), "25.0 %".into()));
        assert_eq!(seconds(1_250_000_000), "1.2 s");
        assert_eq!(milliseconds(30_000_000), "30.0 ms");
        assert_eq!(milliseconds(1_106_640_000), "1107 ms");
        assert_eq!(milliseconds(12_345), "0.012 ms");
        assert_eq!(milliseconds(499), "< 0.001 ms");
        assert_eq!(milliseconds(500), "0.001 ms");
        assert_eq!(millijoules(174.3), "174 mJ");
        assert_eq!(shape(&[1, 3, 224, 224]), "1×3×224×224");
    }
}
