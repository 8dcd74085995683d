//! The schema of device profiles, version 1.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, nearest};

/// Version of the schema that this crate reads.
pub const VERSION: u32 = 1;

/// Largest figure that is believed, so that sums stay in range.
const MAX_FIGURE: u64 = 1 << 53;

/// Largest profile file that is read, in bytes.
pub(crate) const MAX_FILE: u64 = 1 << 20;

/// A board, or a class of boards that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`VERSION`].
    pub version: u32,
    /// Name on the command line.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Kind of device.
    pub class: Class,
    /// Where the weights lie while the model runs.
    pub weights_in: WeightsIn,
    /// Processor.
    pub cpu: Cpu,
    /// Built-in non-volatile memory, if the board has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<Flash>,
    /// Memory, bank by bank: a buffer lies in one bank, never across two.
    #[serde(rename = "bank")]
    pub banks: Vec<Bank>,
}

/// Kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Class {
    Microcontroller,
    SingleBoardComputer,
    Computer,
}

/// Where weights lie while the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightsIn {
    /// Read in place, as microcontrollers do.
    Flash,
    /// Loaded beside the activations.
    Ram,
}

/// Processor of a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cpu {
    /// Name for people.
    pub model: String,
    /// Number of cores.
    pub cores: Figure,
    /// Highest clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_hz: Option<Figure>,
}

/// Non-volatile memory of a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// Size.
    pub bytes: Figure,
}

/// One contiguous memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// Name in the reference manual.
    pub name: String,
    /// Size.
    pub bytes: Figure,
    /// What others on the board take of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_bytes: Option<Figure>,
    /// What may live there.
    pub holds: Vec<Content>,
}

impl Bank {
    /// Bytes left for a model.
    pub fn free_bytes(&self) -> u64 {
        let reserved = self
            .reserved_bytes
            .as_ref()
            .map_or(0, |figure| figure.value);
        self.bytes.value.saturating_sub(reserved)
    }
}

/// What may live in a memory bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Content {
    Weights,
    Arena,
}

/// A number and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The number, in the unit that the field's name ends in.
    pub value: u64,
    /// How it is known.
    pub kind: Basis,
    /// Document, command or reasoning behind it.
    pub source: String,
}

/// How a figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// The maker says so.
    #[serde(rename = "data sheet")]
    DataSheet,
    /// Measured on the device.
    #[serde(rename = "measured")]
    Measured,
    /// Reasoned, with a margin.
    #[serde(rename = "estimate")]
    Estimate,
}

impl Profile {
    /// Reads a profile; `place` names it in errors.
    ///
    /// # Errors
    /// The text is not TOML, breaks the schema, or holds figures that cannot be.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fail = |problem: String| Error::Profile {
            place: place.to_owned(),
            problem,
        };
        let profile: Profile = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| {
                1 + text
                    .get(..span.start)
                    .map_or(0, |before| before.matches('\n').count())
            });
            let line = line.map_or(String::new(), |line| format!("line {line}: "));
            fail(format!(
                "{line}{}{}",
                error.message(),
                suggestion(error.message())
            ))
        })?;
        if profile.version != VERSION {
            return Err(fail(format!(
                "version {} of the schema is not known; this edgefit reads version {VERSION}",
                profile.version
            )));
        }
        if profile.cpu.cores.value == 0 {
            return Err(fail("cpu.cores is 0".into()));
        }
        if !profile
            .banks
            .iter()
            .any(|bank| bank.holds.contains(&Content::Arena))
        {
            return Err(fail(
                "no bank holds an arena; add 'arena' to a bank's holds".into(),
            ));
        }
        match (profile.weights_in, &profile.flash) {
            (WeightsIn::Flash, None) => {
                return Err(fail(
                    "weights_in is 'flash', but there is no [flash]; add its size".into(),
                ));
            }
            (WeightsIn::Flash, Some(flash)) if flash.bytes.value > MAX_FIGURE => {
                return Err(fail(format!(
                    "flash of {} bytes cannot be",
                    flash.bytes.value
                )));
            }
            (WeightsIn::Ram, _)
                if !profile
                    .banks
                    .iter()
                    .any(|bank| bank.holds.contains(&Content::Weights)) =>
            {
                return Err(fail(
                    "weights_in is 'ram', but no bank holds them; add 'weights' to a bank's holds"
                        .into(),
                ));
            }
            _ => {}
        }
        for (index, bank) in profile.banks.iter().enumerate() {
            if bank.bytes.value > MAX_FIGURE {
                let (name, bytes) = (&bank.name, bank.bytes.value);
                return Err(fail(format!("bank '{name}' of {bytes} bytes cannot be")));
            }
            if bank.bytes.value == 0 {
                return Err(fail(format!("bank '{}' has 0 bytes", bank.name)));
            }
            if bank.free_bytes() == 0 {
                return Err(fail(format!(
                    "bank '{}' reserves all of its bytes",
                    bank.name
                )));
            }
            if profile.banks[..index]
                .iter()
                .any(|other| other.name == bank.name)
            {
                return Err(fail(format!("there are two banks called '{}'", bank.name)));
            }
        }
        Ok(profile)
    }
}

/// For serde's «unknown field `x`, expected one of `a`, `b`»: which of them was meant.
fn suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted
        .next()
        .filter(|_| message.starts_with("unknown field"))
    {
        Some(unknown) => nearest(unknown, quoted)
            .map_or(String::new(), |known| format!("; did you mean '{known}'?")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../profiles/stm32h743.toml");

    #[test]
    fn mistakes_are_named() {
        Profile::parse(GOOD, "good").unwrap();
        for (from, to, expected) in [
            ("clock_hz", "clok_hz", "did you mean 'clock_hz'"),
            ("2_097_152", "-1", "line 14: invalid value: integer `-1`"),
            ("version = 1", "version = 9", "version 9"),
            ("SRAM2", "SRAM1", "two banks called 'SRAM1'"),
            ("524_288", "0", "0 bytes"),
            ("microcontroller", "toaster", "unknown variant `toaster`"),
            ("name =", "nome =", "did you mean 'name'"),
            ("\"arena\"", "", "no bank holds an arena"),
            ("[flash]\nbytes", "[flash]\nbites", "did you mean 'bytes'"),
            (
                "weights_in = \"flash\"",
                "weights_in = \"ram\"",
                "no bank holds them",
            ),
            ("524_288", "18_000_000_000_000_000", "cannot be"),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{from}");
            let error = Profile::parse(&text, "board.toml").unwrap_err().to_string();
            assert!(error.starts_with("board.toml: "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }
}
