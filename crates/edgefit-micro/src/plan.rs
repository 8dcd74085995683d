//! [`ArenaPlan`]: where the values of a program lie.

mod overlap;

use std::time::Duration;

use edgefit_cost::memory_plan::{
    ALIGNMENT, BankPlacement, Goal, Lifetime, SearchLimits, place, place_in_banks,
};
use edgefit_device::profile::Profile;
use edgefit_device::{Bank, Content};

use crate::error::{Error, Result};
use crate::program::{InputBy, Program, Source};
use crate::ram_limit::LIMIT;
pub(crate) use overlap::saving;
use overlap::{Overlap, place_smallest, place_within, shared};

/// The work of a plan, and no time: the same program gives the same plan everywhere.
const LIMITS: SearchLimits = SearchLimits {
    work: SearchLimits::QUICK.work,
    time: Duration::MAX,
};

/// Where the values of a program lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArenaPlan {
    /// The memories that hold some.
    pub banks: Vec<ArenaBank>,
    /// A place for each value.
    pub placements: Vec<BankPlacement>,
    /// Results that lie over what they are made of.
    pub overlaps: usize,
}

/// A memory, and what the values need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArenaBank {
    /// Its name in the reference manual; none where it is not said which memory it is.
    pub name: Option<String>,
    /// End of the topmost value.
    pub bytes: u64,
}

impl ArenaPlan {
    /// All values in one arena.
    pub fn in_one(program: &Program) -> Self {
        let plan = place(&lifetimes(program), ALIGNMENT, Goal::Smallest, LIMITS);
        let in_arena = |offset| BankPlacement { bank: 0, offset };
        ArenaPlan {
            banks: vec![ArenaBank {
                name: None,
                bytes: plan.peak_bytes,
            }],
            placements: plan.offsets.into_iter().map(in_arena).collect(),
            overlaps: 0,
        }
    }

    /// All values in one arena, results over what they are made of where that makes it smaller.
    pub fn overlapping(program: &Program) -> Self {
        let (lifetimes, overlaps) = (lifetimes(program), overlaps(program));
        let (placements, bytes) = place_smallest(&lifetimes, &overlaps);
        ArenaPlan {
            banks: vec![ArenaBank { name: None, bytes }],
            overlaps: shared(&lifetimes, &overlaps, &placements),
            placements,
        }
    }

    /// The values in the banks of `profile` that hold activations; in one of them where one is enough.
    ///
    /// # Errors
    /// No placement was found.
    pub fn over(program: &Program, profile: &Profile) -> Result<Self> {
        let (banks, free) = arena_banks(profile);
        let mut plan = ArenaPlan::in_one(program);
        let need = plan.banks[0].bytes;
        let largest = free.iter().copied().max().unwrap_or(0);
        if need <= largest {
            let enough = banks
                .iter()
                .zip(&free)
                .filter(|(_, free)| **free == largest);
            plan.banks[0].name = enough.map(|(bank, _)| bank.name.clone()).next();
            return Ok(plan);
        }
        let lifetimes = lifetimes(program);
        let placements = place_in_banks(&lifetimes, ALIGNMENT, &free).ok_or_else(|| {
            let several = match free.len() {
                0 | 1 => String::new(),
                banks => format!(
                    ", and no placement over its {banks} banks, {} B in all, was found",
                    free.iter().sum::<u64>()
                ),
            };
            let (place, more) = match banks.as_slice() {
                [bank] if bank.name == LIMIT => ("--ram", "more --ram"),
                _ => (profile.name.as_str(), "a device with more RAM"),
            };
            Error::DoesNotFit(format!(
                "its activations need {need} B in one place, and {place} has {largest} B there{several}; give a \
                 smaller --input-shape or model, or {more}"
            ))
        })?;
        Ok(ArenaPlan::of(&banks, &lifetimes, placements))
    }

    /// As [`ArenaPlan::over`], with results over what they are made of, and `reserve` bytes left in a bank for data
    /// and stack; `None` where no placement was found.
    pub fn overlapping_over(program: &Program, profile: &Profile, reserve: u64) -> Option<Self> {
        let (banks, free) = arena_banks(profile);
        let (lifetimes, overlaps) = (lifetimes(program), overlaps(program));
        let placed_in = |free: &[u64]| {
            let placements = place_within(&lifetimes, &overlaps, free)?;
            let shared = shared(&lifetimes, &overlaps, &placements);
            Some(ArenaPlan {
                overlaps: shared,
                ..ArenaPlan::of(&banks, &lifetimes, placements)
            })
        };
        let holds_runtime = |bank: &&Bank| bank.holds.contains(&Content::Runtime);
        let mut runtime: Vec<&Bank> = profile.banks.iter().filter(holds_runtime).collect();
        runtime.retain(|bank| bank.largest_buffer_bytes() >= reserve);
        runtime.sort_by_key(|bank| bank.largest_buffer_bytes());
        runtime.into_iter().find_map(|bank| {
            let mut left = free.clone();
            for (other, free) in banks.iter().zip(&mut left) {
                if other.name == bank.name {
                    *free -= reserve;
                }
            }
            // The largest bank alone, if that is enough; a bank without bytes holds no value that has some.
            let largest = left.iter().copied().max().unwrap_or(0);
            let first = left.iter().position(|&free| free == largest);
            let mut alone = vec![0; left.len()];
            if let Some(first) = first {
                alone[first] = largest;
            }
            placed_in(&alone).or_else(|| (left.len() > 1).then(|| placed_in(&left)).flatten())
        })
    }

    /// Of places in `banks`, those without a value left out.
    fn of(banks: &[&Bank], lifetimes: &[Lifetime], placements: Vec<BankPlacement>) -> Self {
        let mut used = vec![0; banks.len()];
        for (life, at) in lifetimes.iter().zip(&placements) {
            used[at.bank] = used[at.bank].max(at.offset + life.bytes);
        }
        let taken: Vec<usize> = (0..banks.len()).filter(|&bank| used[bank] > 0).collect();
        let arenas = taken.iter().map(|&bank| ArenaBank {
            name: Some(banks[bank].name.clone()),
            bytes: used[bank],
        });
        let renumbered = placements.iter().map(|at| BankPlacement {
            bank: taken.iter().position(|&bank| bank == at.bank).unwrap_or(0),
            offset: at.offset,
        });
        ArenaPlan {
            banks: arenas.collect(),
            placements: renumbered.collect(),
            overlaps: 0,
        }
    }

    /// Bytes of all arenas together.
    pub fn bytes(&self) -> u64 {
        self.banks.iter().map(|bank| bank.bytes).sum()
    }
}

/// The banks of `profile` that hold activations, and how much each takes.
fn arena_banks(profile: &Profile) -> (Vec<&Bank>, Vec<u64>) {
    let holds_arena = |bank: &&Bank| bank.holds.contains(&Content::Arena);
    let banks: Vec<&Bank> = profile.banks.iter().filter(holds_arena).collect();
    let free = banks.iter().map(|bank| bank.largest_buffer_bytes());
    let free = free.collect();
    (banks, free)
}

/// The results that may lie over what they are made of.
fn overlaps(program: &Program) -> Vec<Overlap> {
    let lifetimes = lifetimes(program);
    let mut overlaps = Vec::new();
    for (time, step) in program.steps.iter().enumerate() {
        let Some(lead) = step.op.lead().map(|lead| lead as u64) else {
            continue;
        };
        for source in &step.inputs {
            // What the caller reads is there to the end.
            if let Source::Value(input) = *source
                && input != program.output.value
                && lifetimes[input].upper == time + 1
                && lead < lifetimes[step.output].bytes
            {
                overlaps.push(Overlap {
                    input,
                    output: step.output,
                    lead,
                });
            }
        }
    }
    overlaps
}

/// When each value is needed: from the step that writes it to the last that reads it.
fn lifetimes(program: &Program) -> Vec<Lifetime> {
    let end = program.steps.len().max(1);
    let mut lifetimes: Vec<Lifetime> = program
        .values
        .iter()
        .enumerate()
        .map(|(value, &bytes)| Lifetime {
            name: value.to_string(),
            lower: 0,
            upper: 1,
            // What the firmware keeps has no place in an arena.
            bytes: match program.input_by {
                InputBy::Parts if value == program.input.value => 0,
                _ => bytes as u64,
            },
        })
        .collect();
    let mut written = vec![false; program.values.len()];
    for (time, step) in program.steps.iter().enumerate() {
        // One that is put together of parts is there from the first on.
        if !std::mem::replace(&mut written[step.output], true) {
            lifetimes[step.output].lower = time;
        }
        lifetimes[step.output].upper = time + 1;
        for source in &step.inputs {
            if let Source::Value(value) = source {
                lifetimes[*value].upper = time + 1;
            }
        }
    }
    lifetimes[program.output.value].upper = end;
    lifetimes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_over_the_output() {
        // The last table reads the output, which is made by the one before it.
        let plan = ArenaPlan::overlapping(&Program::of_tables(2, 64));
        let [output, last] = [1, 2].map(|value| plan.placements[value].offset);
        assert!(output.abs_diff(last) >= 64, "{plan:?}");
    }
}
