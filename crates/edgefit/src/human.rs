//! Figures as people read them.

use humansize::{BINARY, format_size};

/// Bytes in IEC units, such as `17.8 MiB`.
pub fn bytes(bytes: u64) -> String {
    format_size(bytes, BINARY)
}

/// Digits in groups of three.
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

/// A part of a whole as per cent; nothing for nothing.
pub fn share(part: u64, whole: u64) -> String {
    match part {
        0 => String::new(),
        part => percent(part as f64 / whole.max(1) as f64),
    }
}

/// A share as per cent.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Nanoseconds in seconds.
#[cfg(feature = "train")]
pub fn seconds(ns: u64) -> String {
    format!("{:.1} s", ns as f64 / 1e9)
}

/// Nanoseconds in milliseconds, with three digits where there are any.
pub fn milliseconds(ns: u64) -> String {
    let ms = ns as f64 / 1e6;
    let digits = match ms {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{ms:.digits$} ms")
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
        #[cfg(feature = "train")]
        assert_eq!(seconds(1_250_000_000), "1.2 s");
        assert_eq!(milliseconds(30_000_000), "30.0 ms");
        assert_eq!(milliseconds(1_106_640_000), "1107 ms");
        assert_eq!(milliseconds(12_345), "0.012 ms");
        assert_eq!(shape(&[1, 3, 224, 224]), "1×3×224×224");
    }
}
