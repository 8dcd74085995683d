//! Depth-first search for a plan of a given height.

mod partial;

use std::cmp::Reverse;
use std::ops::Range;
use std::time::Instant;

use super::heuristics::area;
use super::problem::{Item, Problem};
use partial::Partial;

/// Placings between two looks at the clock.
const CLOCK: u32 = 1024;

/// How a search for one height ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Every buffer has an offset.
    Found,
    /// There is no plan of this height.
    Impossible,
    /// The work or the time of this attempt are spent.
    Spent,
}

/// Which of the buffers that could lie equally low comes first: the greatest, of an item and the
/// open units in the fullest section that it spans.
type Preference = fn(&Item, u64) -> (u64, u64, u64);

/// Tried in turn; "WAT", "TAW" and "TWA" in MiniMalloc's letters.
const PREFERENCES: [Preference; 3] = [
    |item, fullest| (item.duration, area(item), fullest),
    |item, fullest| (fullest, area(item), item.duration),
    |item, fullest| (fullest, item.duration, area(item)),
];

/// Depth-first search for a plan of a given height, in the canonical order of MiniMalloc (Moffitt
/// 2023): every buffer rests on the floor or on another buffer, and buffers are placed from the
/// bottom up, so that each plan is met once.
///
/// Pruned are plans in which some section cannot hold what is still to come above its floor
/// (section inference), plans with a gap that an open buffer would fill (dominance), the
/// alternatives to a buffer with nothing above it, and exchanges of buffers that are alike. Where
/// nothing open lies across a boundary between sections any more, both sides are searched apart.
pub(super) struct Search<'p> {
    problem: &'p Problem,
    partial: Partial<'p>,
    preference: Preference,
    /// Work that is left to this attempt.
    work: u64,
    /// Placings until the next look at the clock.
    unlooked: u32,
    deadline: Option<Instant>,
}

/// An item and its place in the order of the current [`Preference`].
#[derive(Clone, Copy)]
struct Ranked {
    rank: u32,
    item: u32,
}

impl<'p> Search<'p> {
    pub fn new(
        problem: &'p Problem,
        neighbours: &'p [Vec<u32>],
        deadline: Option<Instant>,
    ) -> Self {
        Search {
            problem,
            partial: Partial::new(problem, neighbours),
            preference: PREFERENCES[0],
            work: 0,
            unlooked: CLOCK,
            deadline,
        }
    }

    /// Looks for a plan within `bytes`, at most `attempt` work for each preference and `left`
    /// altogether.
    pub fn within(&mut self, bytes: u64, attempt: u64, left: &mut u64) -> Outcome {
        for preference in PREFERENCES {
            self.preference = preference;
            self.work = attempt.min(*left);
            *left -= self.work;
            if !self.partial.clear(bytes) {
                return Outcome::Impossible;
            }
            let all: Vec<u32> = (0..).take(self.problem.items.len()).collect();
            let sections = 0..self.problem.sections;
            let cuts = self.partial.cuts(&sections);
            let outcome = self.each_side(all.into_iter(), &sections, &cuts, 0);
            *left += self.work;
            if outcome != Outcome::Spent {
                return outcome;
            }
        }
        Outcome::Spent
    }

    /// Offsets in units, after [`Outcome::Found`].
    pub fn offsets(&self) -> &[u64] {
        self.partial.offsets()
    }

    /// Whether the deadline is past.
    pub fn out_of_time(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn is_spent(&mut self) -> bool {
        self.unlooked -= 1;
        if self.unlooked == 0 {
            self.unlooked = CLOCK;
            if self.out_of_time() {
                self.work = 0;
            }
        }
        self.work == 0
    }

    /// Searches the parts of `sections` between `cuts` one after another, nothing below `last`.
    fn each_side(
        &mut self,
        items: impl Iterator<Item = u32> + Clone,
        sections: &Range<usize>,
        cuts: &[usize],
        last: u64,
    ) -> Outcome {
        let mut start = sections.start;
        for &end in cuts.iter().chain([&sections.end]) {
            let within = |item: &u32| {
                let span = &self.problem.items[*item as usize].span;
                start <= span.start && span.end <= end && self.partial.lowest(*item).is_some()
            };
            let mut part: Vec<u32> = items.clone().filter(within).collect();
            if !part.is_empty() {
                part.sort_by_cached_key(|&item| self.key(item));
                let ranked: Vec<Ranked> = (0..)
                    .zip(part)
                    .map(|(rank, item)| Ranked { rank, item })
                    .collect();
                let outcome = self.lowest_first(&ranked, &(start..end), (last, 0));
                if outcome != Outcome::Found {
                    return outcome;
                }
            }
            start = end;
        }
        Outcome::Found
    }

    /// Orders items by preference; interchangeable ones are adjacent.
    fn key(&self, index: u32) -> impl Ord + use<> {
        let item = &self.problem.items[index as usize];
        let preference = (self.preference)(item, self.partial.fullest(&item.span));
        let kind = (item.span.start, item.span.end, item.bytes);
        (Reverse(preference), kind, index)
    }

    /// Places one of the open `ranked` items, none before `last`, and then the rest.
    fn lowest_first(
        &mut self,
        ranked: &[Ranked],
        sections: &Range<usize>,
        last: (u64, u32),
    ) -> Outcome {
        let mut open = Vec::with_capacity(ranked.len());
        let mut candidates = Vec::new();
        // At or above the lowest top, there would be room below for another.
        let mut lowest_top = u64::MAX;
        for &ranked in ranked {
            if let Some(offset) = self.partial.lowest(ranked.item) {
                let size = self.problem.items[ranked.item as usize].size;
                lowest_top = lowest_top.min(offset + size);
                open.push(ranked);
                if (offset, ranked.rank) >= last {
                    candidates.push((offset, ranked.rank, ranked.item));
                }
            }
        }
        if open.is_empty() {
            return Outcome::Found;
        }
        candidates.retain(|&(offset, ..)| offset < lowest_top);
        candidates.sort_unstable();
        let mut before = None;
        for (offset, rank, item) in candidates {
            if before.is_some_and(|before| self.alike(before, item)) {
                continue;
            }
            before = Some(item);
            if self.is_spent() {
                return Outcome::Spent;
            }
            let mark = self.partial.mark();
            let placing = self.partial.place(item as usize);
            let changes = self.partial.mark() - mark;
            self.work = self.work.saturating_sub(changes as u64);
            if placing.fits && self.partial.has_room(sections, offset) {
                let cuts = self.partial.cuts(&self.problem.items[item as usize].span);
                let outcome = if cuts.is_empty() {
                    self.lowest_first(&open, sections, (offset, rank))
                } else {
                    let items = open.iter().map(|ranked| ranked.item);
                    self.each_side(items, sections, &cuts, offset)
                };
                if outcome != Outcome::Impossible {
                    return outcome;
                }
            }
            self.partial.undo(mark);
            if placing.bare {
                break;
            }
        }
        Outcome::Impossible
    }

    /// Whether exchanging two items changes nothing.
    fn alike(&self, a: u32, b: u32) -> bool {
        let (a, b) = (
            &self.problem.items[a as usize],
            &self.problem.items[b as usize],
        );
        a.span == b.span && a.bytes == b.bytes
    }
}
