//! Values placed so that a result may lie over what it is made of.

use std::cmp::Reverse;

use edgefit_cost::memory_plan::{ALIGNMENT, BankPlacement, Lifetime};

/// Orders that are tried beyond the first ones.
const TRIES: usize = 300;

/// Pairs of values that are compared in all tries together.
const WORK: usize = 20_000_000;

/// A result that is written while an input is read for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overlap {
    /// The input.
    pub input: usize,
    /// The result.
    pub output: usize,
    /// Bytes by which the result begins at least before the input.
    pub lead: u64,
}

/// A place for each value in one arena, and its size.
pub(super) fn place_smallest(
    lifetimes: &[Lifetime],
    overlaps: &[Overlap],
) -> (Vec<BankPlacement>, u64) {
    Problem::of(lifetimes, overlaps, &[0]).search()
}

/// A place for each value in banks of these capacities; `None` where none was found.
pub(super) fn place_within(
    lifetimes: &[Lifetime],
    overlaps: &[Overlap],
    capacities: &[u64],
) -> Option<Vec<BankPlacement>> {
    let problem = Problem::of(lifetimes, overlaps, capacities);
    if problem.least() > 0 {
        return None;
    }
    let (placements, exceeded) = problem.search();
    (exceeded == 0).then_some(placements)
}

/// How many of `overlaps` share bytes where `placements` has them.
pub(super) fn shared(
    lifetimes: &[Lifetime],
    overlaps: &[Overlap],
    placements: &[BankPlacement],
) -> usize {
    let shares = |overlap: &&Overlap| {
        let [input, output] = [overlap.input, overlap.output];
        let [a, b] = [placements[input], placements[output]];
        a.bank == b.bank
            && a.offset < b.offset + lifetimes[output].bytes
            && b.offset < a.offset + lifetimes[input].bytes
    };
    overlaps.iter().filter(shares).count()
}

/// A value that is there at the same time as another.
struct Meeting {
    other: usize,
    /// How far the value may reach into the other: by how much it has to begin before it, or behind its start.
    how: How,
}

enum How {
    /// They share no byte.
    Apart,
    /// The other is read while this is written.
    Result(u64),
    /// This is read while the other is written.
    Input(u64),
}

struct Problem<'a> {
    lifetimes: &'a [Lifetime],
    overlaps: &'a [Overlap],
    capacities: &'a [u64],
    meetings: Vec<Vec<Meeting>>,
}

impl<'a> Problem<'a> {
    fn of(lifetimes: &'a [Lifetime], overlaps: &'a [Overlap], capacities: &'a [u64]) -> Self {
        let how = |one: usize, other: usize| {
            let between = |overlap: &&Overlap| {
                [overlap.input, overlap.output] == [one, other]
                    || [overlap.output, overlap.input] == [one, other]
            };
            match overlaps.iter().find(between) {
                Some(overlap) if overlap.output == one => How::Result(overlap.lead),
                Some(overlap) => How::Input(overlap.lead),
                None => How::Apart,
            }
        };
        let meeting = |one: usize| {
            let life = &lifetimes[one];
            let others = lifetimes.iter().enumerate().filter(move |(other, there)| {
                *other != one && life.lower < there.upper && there.lower < life.upper
            });
            others
                .map(|(other, _)| Meeting {
                    other,
                    how: how(one, other),
                })
                .collect()
        };
        Problem {
            lifetimes,
            overlaps,
            capacities,
            meetings: (0..lifetimes.len()).map(meeting).collect(),
        }
    }

    fn pairs(&self) -> usize {
        self.meetings.iter().map(Vec::len).sum()
    }

    /// The best placement that is found, and by how many bytes it exceeds the capacities: of one bank of none, that
    /// is what an arena takes.
    ///
    /// Values are placed one after the other at the lowest place that is free, in orders that a fixed sequence of
    /// numbers changes: the same values get the same places everywhere.
    fn search(&self) -> (Vec<BankPlacement>, u64) {
        let mut order: Vec<usize> = (0..self.lifetimes.len()).collect();
        // Backwards in time, so that each result lies at the bottom before what it is made of is placed over it.
        order.sort_by_key(|&value| {
            let life = &self.lifetimes[value];
            Reverse((life.upper, life.lower))
        });
        let mut by_size = order.clone();
        by_size.sort_by_key(|&value| Reverse(self.lifetimes[value].bytes));
        let mut best = self.place(&order);
        let other = self.place(&by_size);
        if other.1 < best.1 {
            (best, order) = (other, by_size);
        }
        let least = self.least();
        let tries = TRIES.min(WORK / self.pairs().max(1));
        let mut state = 1u64;
        let mut draw = |count: usize| {
            // Knuth's MMIX.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % count.max(1)
        };
        for _ in 0..tries {
            if best.1 <= least {
                break;
            }
            let (from, to) = (draw(order.len()), draw(order.len()));
            let mut changed = order.clone();
            let value = changed.remove(from);
            changed.insert(to, value);
            let made = self.place(&changed);
            if made.1 <= best.1 {
                (best, order) = (made, changed);
            }
        }
        best
    }

    /// No placement exceeds the capacities by less.
    fn least(&self) -> u64 {
        let end = self.lifetimes.iter().map(|life| life.upper).max();
        let mut live = vec![0u64; end.unwrap_or(0)];
        for life in self.lifetimes {
            for bytes in &mut live[life.lower..life.upper] {
                *bytes += life.bytes;
            }
        }
        let mut saved = vec![0u64; live.len()];
        for overlap in self.overlaps {
            let bytes = saving(
                self.lifetimes[overlap.input].bytes,
                self.lifetimes[overlap.output].bytes,
                overlap.lead,
            );
            let time = self.lifetimes[overlap.output].lower;
            saved[time] = saved[time].max(bytes);
        }
        let needs = live.iter().zip(&saved).map(|(live, saved)| live - saved);
        let room = self
            .capacities
            .iter()
            .fold(0u64, |a, b| a.saturating_add(*b));
        needs.max().unwrap_or(0).saturating_sub(room)
    }

    /// All values placed in `order`, and by how many bytes the capacities are exceeded.
    fn place(&self, order: &[usize]) -> (Vec<BankPlacement>, u64) {
        let mut placed: Vec<Option<BankPlacement>> = vec![None; self.lifetimes.len()];
        let mut exceeded = vec![0u64; self.capacities.len()];
        let mut taken = Vec::new();
        for &value in order {
            let bytes = self.lifetimes[value].bytes;
            let mut best: Option<(u64, BankPlacement)> = None;
            for (bank, &capacity) in self.capacities.iter().enumerate() {
                self.taken(value, (bank, &placed), &mut taken);
                let offset = lowest(&mut taken);
                let over = (offset + bytes).saturating_sub(capacity);
                let more = over.saturating_sub(exceeded[bank]);
                if best.is_none_or(|(least, _)| more < least) {
                    best = Some((more, BankPlacement { bank, offset }));
                }
            }
            if let Some((more, at)) = best {
                exceeded[at.bank] += more;
                placed[value] = Some(at);
            }
        }
        let nowhere = BankPlacement { bank: 0, offset: 0 };
        let placed = placed.into_iter().map(|at| at.unwrap_or(nowhere));
        (placed.collect(), exceeded.iter().sum())
    }

    /// The ranges within which `value` must not begin in `bank`, their ends left out.
    fn taken(
        &self,
        value: usize,
        (bank, placed): (usize, &[Option<BankPlacement>]),
        ranges: &mut Vec<[i64; 2]>,
    ) {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX / 4);
        ranges.clear();
        for meeting in &self.meetings[value] {
            let Some(at) = placed[meeting.other].filter(|at| at.bank == bank) else {
                continue;
            };
            let [own, others] =
                [value, meeting.other].map(|value| signed(self.lifetimes[value].bytes));
            let start = signed(at.offset);
            let [before, behind] = match meeting.how {
                How::Apart => [own, others],
                How::Result(lead) => [own.min(signed(lead)), others],
                How::Input(lead) => [own, others.min(signed(lead))],
            };
            ranges.push([start - before, start + behind]);
        }
    }
}

/// Bytes that an input and a result need less together than apart, where the result begins `lead` before the input.
pub(crate) fn saving(input: u64, output: u64, lead: u64) -> u64 {
    (input + output).saturating_sub(output.max(lead + input))
}

/// The lowest place, a multiple of the alignment, within none of the ranges.
fn lowest(ranges: &mut [[i64; 2]]) -> u64 {
    ranges.sort_unstable();
    let mut place = 0i64;
    for &[start, end] in ranges.iter() {
        if start < place && place < end {
            place = end.unsigned_abs().next_multiple_of(ALIGNMENT).cast_signed();
        }
    }
    place.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(lower: usize, upper: usize, bytes: u64) -> Lifetime {
        Lifetime {
            name: String::new(),
            lower,
            upper,
            bytes,
        }
    }

    /// A block of a mobile network: x is expanded to e, filtered to f, projected to p, and added to x.
    #[test]
    fn a_block_takes_one_of_its_two_large_values() {
        let lifetimes = [
            life(0, 4, 320),
            life(0, 2, 1920),
            life(1, 3, 1920),
            life(2, 4, 320),
            life(3, 5, 320),
        ];
        let overlap = |input, output, lead| Overlap {
            input,
            output,
            lead,
        };
        let overlaps = [
            overlap(1, 2, 96),
            overlap(2, 3, 16),
            overlap(0, 4, 0),
            overlap(3, 4, 0),
        ];
        let (apart, peak) = place_smallest(&lifetimes, &[]);
        assert_eq!(peak, 2 * 1920 + 320);
        assert_eq!(shared(&lifetimes, &overlaps, &apart), 0);
        let (placed, peak) = place_smallest(&lifetimes, &overlaps);
        assert!(peak <= 1920 + 96 + 16 + 320, "{peak}");
        assert!(shared(&lifetimes, &overlaps, &placed) >= 2);
        for overlap in overlaps {
            let [input, output] = [overlap.input, overlap.output].map(|value| placed[value].offset);
            let apart = output >= input + lifetimes[overlap.input].bytes;
            assert!(apart || output + overlap.lead <= input);
        }
    }

    #[test]
    fn banks_are_kept_where_they_are_enough() {
        let lifetimes = [life(0, 2, 100), life(0, 2, 60), life(1, 2, 60)];
        let placed = place_within(&lifetimes, &[], &[128, 128]).unwrap();
        assert!(placed.iter().any(|at| at.bank == 1));
        assert_eq!(place_within(&lifetimes, &[], &[128, 32]), None);
        assert_eq!(place_within(&lifetimes, &[], &[512, 0]).unwrap().len(), 3);
    }
}
