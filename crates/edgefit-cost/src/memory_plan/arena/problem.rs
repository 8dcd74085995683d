//! Buffers as rectangles over sections of time.

use std::ops::Range;

use super::super::lifetime::Lifetime;

/// Most pairs of buffers alive together that are worth listing: about 32 MiB.
const MOST_PAIRS: usize = 4_000_000;

/// Most buffers that are searched, rather than placed greedily: the search recurses once a buffer.
const MOST_SEARCHED: usize = 2_000;

/// Most bytes that are searched, so that sums of a few offsets and sizes cannot overflow.
const MOST_BYTES: u64 = 1 << 60;

/// What the planner works on: time cut into sections, sizes counted in a common unit.
///
/// A section stands for one of the largest sets of buffers that are alive at once; two buffers are
/// alive together exactly when they share a section (Moffitt 2023, "cross sections").
pub(super) struct Problem {
    /// Buffers that take memory for some time.
    pub items: Vec<Item>,
    /// Number of sections.
    pub sections: usize,
    /// Bytes of one unit of an offset: divides every aligned size.
    pub unit: u64,
}

/// A buffer as a rectangle.
pub(super) struct Item {
    /// Position in the list that the caller gave.
    pub index: usize,
    /// Sections in which it is alive.
    pub span: Range<usize>,
    /// Aligned size in units.
    pub size: u64,
    /// Size as given, in bytes.
    pub bytes: u64,
    /// Steps from birth to death.
    pub duration: u64,
}

impl Problem {
    /// The buffers of `lifetimes`, each to start at a multiple of `alignment` bytes.
    pub fn new(lifetimes: &[Lifetime], alignment: u64) -> Self {
        let alignment = alignment.max(1);
        let aligned = |bytes: u64| {
            bytes
                .checked_next_multiple_of(alignment)
                .unwrap_or(u64::MAX - u64::MAX % alignment)
        };
        let takes_memory = |life: &&Lifetime| life.lower < life.upper && life.bytes > 0;
        let unit = lifetimes
            .iter()
            .filter(takes_memory)
            .fold(0, |unit, life| common_divisor(unit, aligned(life.bytes)))
            .max(1);
        let sections = sections(lifetimes.iter().filter(takes_memory));
        let items: Vec<Item> = lifetimes
            .iter()
            .enumerate()
            .filter(|(_, life)| takes_memory(life))
            .map(|(index, life)| Item {
                index,
                span: sections.partition_point(|&time| time < life.lower)
                    ..sections.partition_point(|&time| time < life.upper),
                size: aligned(life.bytes) / unit,
                bytes: life.bytes,
                duration: (life.upper - life.lower) as u64,
            })
            .collect();
        Problem {
            items,
            sections: sections.len(),
            unit,
        }
    }

    /// Whether there are few enough buffers, of sizes small enough, to search.
    pub fn searchable(&self) -> bool {
        let total = self.items.iter().fold(0u64, |sum, item| {
            sum.saturating_add(item.size.saturating_mul(self.unit))
        });
        self.items.len() <= MOST_SEARCHED && total <= MOST_BYTES
    }

    /// For each item, the items alive together with it; `None` when they are too many to list.
    pub fn neighbours(&self) -> Option<Vec<Vec<u32>>> {
        let mut by_start: Vec<u32> = (0..u32::try_from(self.items.len()).ok()?).collect();
        by_start.sort_by_key(|&item| self.items[item as usize].span.start);
        let mut neighbours = vec![Vec::new(); self.items.len()];
        let mut alive: Vec<u32> = Vec::new();
        let mut pairs = 0;
        for item in by_start {
            let start = self.items[item as usize].span.start;
            alive.retain(|&other| self.items[other as usize].span.end > start);
            pairs += alive.len();
            if pairs > MOST_PAIRS {
                return None;
            }
            for &other in &alive {
                neighbours[other as usize].push(item);
            }
            neighbours[item as usize].extend_from_slice(&alive);
            alive.push(item);
        }
        Some(neighbours)
    }
}

/// A time in each section: the births that a death follows before the next birth.
fn sections<'l>(lifetimes: impl Iterator<Item = &'l Lifetime>) -> Vec<usize> {
    let (mut births, mut deaths): (Vec<usize>, Vec<usize>) =
        lifetimes.map(|life| (life.lower, life.upper)).unzip();
    births.sort_unstable();
    births.dedup();
    deaths.sort_unstable();
    let mut passed = 0;
    (0..births.len())
        .filter(|&index| {
            let from = passed;
            let until = births.get(index + 1);
            while passed < deaths.len() && until.is_none_or(|&until| deaths[passed] <= until) {
                passed += 1;
            }
            passed > from
        })
        .map(|index| births[index])
        .collect()
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
