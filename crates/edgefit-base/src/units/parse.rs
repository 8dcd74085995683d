//! Quantities from text with a unit, or from an integer in base units, as in profiles.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Largest number that is believed, so that sums stay in range and JSON readers stay exact.
const MAX: u64 = 1 << 53;

/// A kind of number, and the units it is written in.
pub trait Quantity {
    /// What is measured.
    const WHAT: &'static str;
    /// Unit of a plain integer.
    const BASE: &'static str;
    /// Units of a text, each in base units.
    const UNITS: &'static [(&'static str, u64)];
    /// The usual way to write one.
    const EXAMPLE: &'static str;
    /// The smallest that can be, in base units.
    const MIN: u64 = 1;
}

const KILO: u64 = 1000;
const MEGA: u64 = KILO * KILO;
const GIGA: u64 = KILO * MEGA;
const TERA: u64 = KILO * GIGA;
const KIBI: u64 = 1 << 10;
const MEBI: u64 = 1 << 20;
const GIBI: u64 = 1 << 30;

/// A plain number.
pub struct Count;

impl Quantity for Count {
    const WHAT: &'static str = "a count";
    const BASE: &'static str = "units";
    const UNITS: &'static [(&'static str, u64)] = &[];
    const EXAMPLE: &'static str = "4";
}

/// A size of memory.
pub struct Bytes;

impl Quantity for Bytes {
    const WHAT: &'static str = "a size";
    const BASE: &'static str = "bytes";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("B", 1),
        ("kB", KILO),
        ("MB", MEGA),
        ("GB", GIGA),
        ("KiB", KIBI),
        ("MiB", MEBI),
        ("GiB", GIBI),
    ];
    const EXAMPLE: &'static str = "\"512 KiB\"";
    const MIN: u64 = 0;
}

/// A clock.
pub struct Hertz;

impl Quantity for Hertz {
    const WHAT: &'static str = "a frequency";
    const BASE: &'static str = "hertz";
    const UNITS: &'static [(&'static str, u64)] =
        &[("Hz", 1), ("kHz", KILO), ("MHz", MEGA), ("GHz", GIGA)];
    const EXAMPLE: &'static str = "\"480 MHz\"";
}

/// A memory's bandwidth.
pub struct BytesPerSecond;

impl Quantity for BytesPerSecond {
    const WHAT: &'static str = "a bandwidth";
    const BASE: &'static str = "bytes a second";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("B/s", 1),
        ("kB/s", KILO),
        ("MB/s", MEGA),
        ("GB/s", GIGA),
        ("TB/s", TERA),
        ("KiB/s", KIBI),
        ("MiB/s", MEBI),
        ("GiB/s", GIBI),
    ];
    const EXAMPLE: &'static str = "\"12.8 GB/s\"";
}

/// A rate of multiply-accumulates.
pub struct MacsPerSecond;

impl Quantity for MacsPerSecond {
    const WHAT: &'static str = "a rate of MACs";
    const BASE: &'static str = "MACs a second";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("MAC/s", 1),
        ("kMAC/s", KILO),
        ("MMAC/s", MEGA),
        ("GMAC/s", GIGA),
        ("TMAC/s", TERA),
    ];
    const EXAMPLE: &'static str = "\"13.5 GMAC/s\"";
}

/// Electrical power.
pub struct Milliwatts;

impl Quantity for Milliwatts {
    const WHAT: &'static str = "a power";
    const BASE: &'static str = "milliwatts";
    const UNITS: &'static [(&'static str, u64)] = &[("mW", 1), ("W", KILO)];
    const EXAMPLE: &'static str = "\"3.5 W\"";
    const MIN: u64 = 0;
}

/// A duration.
pub struct Time;

impl Quantity for Time {
    const WHAT: &'static str = "a time";
    const BASE: &'static str = "nanoseconds";
    const UNITS: &'static [(&'static str, u64)] = &[
        ("ns", 1),
        ("us", KILO),
        ("µs", KILO),
        ("ms", MEGA),
        ("s", GIGA),
    ];
    const EXAMPLE: &'static str = "\"30 ms\"";
}

/// Reads a size with its unit, such as `512 KiB`, in bytes.
///
/// ```
/// assert_eq!(edgefit_base::units::bytes("512 KiB"), Ok(524_288));
/// ```
///
/// # Errors
/// What is wrong with the text, and how to write it.
pub fn bytes(text: &str) -> Result<u64, String> {
    parse::<Bytes>(text).map_err(|problem| problem.to_string())
}

/// Reads bytes as tables give them, a number alone, or a size with its unit.
///
/// ```
/// use edgefit_base::units::plain_bytes;
///
/// assert_eq!(plain_bytes("1048576"), Ok(1 << 20));
/// assert_eq!(plain_bytes("512 KiB"), Ok(512 << 10));
/// assert!(plain_bytes("-1").unwrap_err().contains("negative"));
/// ```
///
/// # Errors
/// As of [`bytes`].
pub fn plain_bytes(text: &str) -> Result<u64, String> {
    text.parse().or_else(|_| bytes(text))
}

/// Reads a time with its unit, such as `30 ms` or `1.5s`, in nanoseconds.
///
/// ```
/// assert_eq!(edgefit_base::units::nanoseconds("1.5s"), Ok(1_500_000_000));
/// ```
///
/// # Errors
/// What is wrong with the text, and how to write it.
pub fn nanoseconds(text: &str) -> Result<u64, String> {
    parse::<Time>(text).map_err(|problem| problem.to_string())
}

/// For serde: a number in base units of `Q`, read from an integer or from a text with a unit.
#[derive(Debug, Clone, Copy)]
pub struct Amount<Q>(pub u64, PhantomData<Q>);

impl<'de, Q: Quantity> Deserialize<'de> for Amount<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor(PhantomData))
    }
}

struct AmountVisitor<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for AmountVisitor<Q> {
    type Value = Amount<Q>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match Q::UNITS {
            [] => write!(f, "a whole number such as {}", Q::EXAMPLE),
            _ => write!(
                f,
                "a whole number of {} or a text with a unit such as {}",
                Q::BASE,
                Q::EXAMPLE
            ),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::custom(negative::<Q>(&value.to_string()))),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        let value = believable::<Q>(value, &value.to_string()).map_err(E::custom)?;
        Ok(Amount(value, PhantomData))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let value = parse::<Q>(text).map_err(|problem| match problem {
            Problem::NoUnit(problem) => {
                E::custom(format!("{problem}, or {} as a plain integer", Q::BASE))
            }
            Problem::Other(problem) => E::custom(problem),
        })?;
        Ok(Amount(value, PhantomData))
    }
}

/// Why a text is no quantity, with the fix.
#[derive(Debug, PartialEq, Eq)]
enum Problem {
    /// A number alone, which some places take without quotes.
    NoUnit(String),
    Other(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (Problem::NoUnit(problem) | Problem::Other(problem)) = self;
        f.write_str(problem)
    }
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Problem::Other(problem)
    }
}

/// Reads `text`, such as `1.8 GHz`, to the nearest whole base unit.
fn parse<Q: Quantity>(text: &str) -> Result<u64, Problem> {
    if Q::UNITS.is_empty() {
        return Err(format!(
            "'{text}' is a text; write the number without quotes, such as {}",
            Q::EXAMPLE
        )
        .into());
    }
    let trimmed = text.trim();
    if trimmed.starts_with('-') {
        return Err(negative::<Q>(text).into());
    }
    let is_of_number = |c: char| c.is_ascii_digit() || c == '.' || c == '_';
    let (number, unit) = match trimmed.find(|c| !is_of_number(c)) {
        Some(end) => trimmed.split_at(end),
        None => (trimmed, ""),
    };
    let Ok(count) = number.replace('_', "").parse::<f64>() else {
        let example = Q::EXAMPLE;
        return Err(format!("'{text}' does not start with a number; write {example}").into());
    };
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Err(Problem::NoUnit(format!(
            "\"{text}\" has no unit; write {} or another text with a unit",
            Q::EXAMPLE
        )));
    }
    let Some((_, scale)) = Q::UNITS.iter().find(|(name, _)| *name == unit) else {
        let known: Vec<&str> = Q::UNITS.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "'{unit}' is not a unit of {}; use one of {}, as in {}",
            Q::WHAT,
            known.join(", "),
            Q::EXAMPLE
        )
        .into());
    };
    // What is too large for a u64 becomes the largest, and is refused as that.
    Ok(believable::<Q>(
        (count * *scale as f64).round() as u64,
        text,
    )?)
}

fn negative<Q: Quantity>(text: &str) -> String {
    format!("{text} is negative, which {} cannot be", Q::WHAT)
}

/// `value` within the bounds of `Q`; `text` is how it was written.
fn believable<Q: Quantity>(value: u64, text: &str) -> Result<u64, String> {
    let (what, base) = (Q::WHAT, Q::BASE);
    match value {
        _ if value < Q::MIN => Err(format!(
            "{text} cannot be: {what} is at least {} {base}; leave out what is not known",
            Q::MIN
        )),
        _ if value > MAX => Err(format!("{text} cannot be: {what} is at most 2^53 {base}")),
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_base_units() {
        assert_eq!(parse::<Bytes>("512 KiB"), Ok(524_288));
        assert_eq!(parse::<Bytes>("108.29KiB"), Ok(110_889));
        assert_eq!(parse::<Bytes>(" 1_000 kB "), Ok(1_000_000));
        assert_eq!(parse::<Hertz>("1.8 GHz"), Ok(1_800_000_000));
        assert_eq!(parse::<BytesPerSecond>("12.8 GB/s"), Ok(12_800_000_000));
        assert_eq!(parse::<BytesPerSecond>("4.8 TB/s"), Ok(4_800_000_000_000));
        assert_eq!(parse::<MacsPerSecond>("13.5 GMAC/s"), Ok(13_500_000_000));
        assert_eq!(parse::<Milliwatts>("3.5 W"), Ok(3_500));
        assert_eq!(nanoseconds("1.5s"), Ok(1_500_000_000));
        assert_eq!(nanoseconds("250 µs"), Ok(250_000));
    }

    #[test]
    fn texts_that_are_no_quantity_name_the_fix() {
        for (text, expected) in [
            ("512", "\"512\" has no unit; write \"512 KiB\" or"),
            ("480 MHz", "'MHz' is not a unit of a size; use one of B,"),
            ("512 KB", "use one of B, kB, MB, GB, KiB"),
            ("-1 KiB", "negative"),
            ("KiB", "does not start with a number"),
            ("1.2.3 KiB", "does not start with a number"),
            ("inf KiB", "does not start with a number"),
            ("", "does not start with a number"),
            ("99999999 GiB", "at most 2^53 bytes"),
        ] {
            let error = bytes(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = |problem: Problem| problem.to_string();
        let hertz = parse::<Hertz>("0 Hz").map_err(error).unwrap_err();
        assert!(hertz.contains("at least 1"));
        let count = parse::<Count>("4").map_err(error).unwrap_err();
        assert!(count.contains("without quotes"));
        assert!(nanoseconds("30").unwrap_err().ends_with("with a unit"));
    }

    #[test]
    fn every_example_is_of_its_quantity() {
        fn holds<Q: Quantity>() -> bool {
            parse::<Q>(Q::EXAMPLE.trim_matches('"')).is_ok()
        }
        assert!(holds::<Bytes>() && holds::<Hertz>() && holds::<BytesPerSecond>());
        assert!(holds::<MacsPerSecond>() && holds::<Milliwatts>() && holds::<Time>());
    }
}
