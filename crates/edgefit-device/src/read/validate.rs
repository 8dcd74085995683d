//! What a profile that follows the schema can still get wrong.

use std::collections::HashSet;

use crate::process_memory::ProcessMemory;
use crate::profile::{Bank, Content, Profile, WeightsIn, is_name};

/// A problem names the key and the fix.
type Check = Result<(), String>;

pub(super) fn validate(profile: &Profile) -> Check {
    name(profile)?;
    contents(profile)?;
    sizes(profile)?;
    unique("banks", profile.banks.iter().map(|bank| bank.name.as_str()))?;
    overlaps(profile)?;
    engines(profile)?;
    probed(profile)
}

/// Factors and errors that a probe found are finite and not negative.
fn probed(profile: &Profile) -> Check {
    let sound = |value: f64| value.is_finite() && value >= 0.0;
    for process in &profile.process_memory {
        let ProcessMemory {
            loading,
            loaded,
            running,
            ..
        } = process;
        let copies = [loading, loaded].map(|memory| memory.copies.parts());
        let mut factors = copies.into_iter().flatten().chain([running.arenas]);
        if !factors.all(sound) {
            return Err(format!(
                "the footprint of '{}' has factors that are not finite and ≥ 0; probe the device again",
                process.engine
            ));
        }
    }
    for calibration in &profile.calibrations {
        if !sound(calibration.error_p90) {
            return Err(format!(
                "the calibration of '{}' has an error_p90 that is not finite and ≥ 0; probe the device again",
                calibration.engine
            ));
        }
    }
    Ok(())
}

fn name(profile: &Profile) -> Check {
    if !is_name(&profile.name) {
        return Err(format!(
            "'{}' cannot be a name; use letters, digits, '-', '_' and '.', as in 'my-board'",
            profile.name
        ));
    }
    Ok(())
}

/// Everything has a place to live in.
fn contents(profile: &Profile) -> Check {
    let holds = |content| {
        let mut banks = profile.banks.iter();
        banks.any(|bank: &Bank| bank.holds.contains(&content))
    };
    if !holds(Content::Arena) {
        return Err("no bank holds an arena; add 'arena' to a bank's holds".into());
    }
    match profile.weights_in {
        WeightsIn::Flash if profile.flash.is_none() => {
            Err("weights_in is 'flash', but there is no [flash]; add its size".into())
        }
        WeightsIn::Ram if !holds(Content::Weights) => Err(
            "weights_in is 'ram', but no bank holds them; add 'weights' to a bank's holds".into(),
        ),
        _ => Ok(()),
    }
}

fn sizes(profile: &Profile) -> Check {
    let banks = profile.banks.iter().map(|bank| {
        let name = format!("bank '{}'", bank.name);
        (name, bank.bytes.value, bank.free_bytes())
    });
    let flash = profile.flash.iter().map(|flash| {
        let name = "flash".to_owned();
        (name, flash.bytes.value, flash.free_bytes())
    });
    for bank in &profile.banks {
        let ways = [
            ("static_bytes", &bank.static_bytes),
            ("heap_block_bytes", &bank.heap_block_bytes),
        ];
        for (key, figure) in ways {
            if figure
                .as_ref()
                .is_some_and(|figure| figure.value > bank.bytes.value)
            {
                return Err(format!(
                    "bank '{}' has a {key} above its bytes; lower it, or leave it out",
                    bank.name
                ));
            }
        }
    }
    for (name, bytes, free) in flash.chain(banks) {
        if bytes == 0 {
            return Err(format!("{name} has 0 bytes; give its size or leave it out"));
        }
        if free == 0 {
            return Err(format!(
                "{name} reserves all of its bytes; lower reserved_bytes"
            ));
        }
    }
    Ok(())
}

fn unique<'a>(what: &str, mut names: impl Iterator<Item = &'a str>) -> Check {
    let mut seen = HashSet::new();
    match names.find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!(
            "there are two {what} called '{name}'; rename one of them"
        )),
        None => Ok(()),
    }
}

/// No address is in two memories.
fn overlaps(profile: &Profile) -> Check {
    let banks = profile.banks.iter().filter_map(|bank| {
        let start = bank.start?;
        Some((start, bank.bytes.value, format!("bank '{}'", bank.name)))
    });
    let flash = profile.flash.iter().filter_map(|flash| {
        let start = flash.start?;
        Some((start, flash.bytes.value, "flash".to_owned()))
    });
    let mut memories: Vec<(u64, u64, String)> = flash.chain(banks).collect();
    memories.sort();
    for pair in memories.windows(2) {
        let [(start, bytes, name), (next, _, other)] = pair else {
            continue;
        };
        let end = start.saturating_add(*bytes);
        if end > *next {
            return Err(format!(
                "{name} ({start:#x} to {end:#x}) and {other} (from {next:#x}) overlap; fix \
                 'start' or 'bytes' of one of them"
            ));
        }
    }
    Ok(())
}

fn engines(profile: &Profile) -> Check {
    let names = profile.engines.iter().map(|engine| engine.name.as_str());
    unique("engines", names)?;
    match profile
        .engines
        .iter()
        .find(|engine| engine.element_types.is_empty())
    {
        Some(engine) => Err(format!(
            "engine '{}' computes with nothing; name its element_types, such as \"f32\"",
            engine.name
        )),
        None => Ok(()),
    }
}
