//! Placement of buffers over several memory banks.

use std::cmp::Reverse;

use super::arena::{Goal, SearchLimits, place};
use super::lifetime::Lifetime;

/// Orders that are tried from each start.
const TRIES: usize = 200;

/// Pairs of buffers that are compared before giving up, after one try.
const WORK: usize = 100_000_000;

/// Where a buffer lies, of several memories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankPlacement {
    /// Position of the bank in the list of banks.
    pub bank: usize,
    /// First byte in that bank.
    pub offset: u64,
}

/// Which of the banks that have a gap for a buffer takes it.
#[derive(Clone, Copy)]
enum Choice {
    /// The smallest bank: the large ones are kept for what fits nowhere else.
    Smallest,
    /// The one whose gap the buffer fills best.
    Tightest,
}

/// Places every buffer wholly in one of `banks` (bytes of each), at a multiple of `alignment`.
///
/// One bank is enough where the largest holds them all. Otherwise buffers go, the largest first,
/// into gaps of the banks; one that finds none is moved to the front, and all start again. `None`
/// when no try succeeded, which is no proof that none can.
pub fn place_in_banks(
    lifetimes: &[Lifetime],
    alignment: u64,
    banks: &[u64],
) -> Option<Vec<BankPlacement>> {
    let largest = (0..banks.len()).max_by_key(|&bank| (banks[bank], Reverse(bank)))?;
    let plan = place(
        lifetimes,
        alignment,
        Goal::Within(banks[largest]),
        SearchLimits::QUICK,
    );
    if plan.fits(banks[largest]) {
        let in_largest = |offset| BankPlacement {
            bank: largest,
            offset,
        };
        return Some(plan.offsets.into_iter().map(in_largest).collect());
    }
    let keys: [fn(&Lifetime) -> u64; 3] = [
        |life| life.bytes,
        |life| life.bytes.saturating_mul(duration(life)),
        duration,
    ];
    let mut left = WORK;
    for key in keys {
        for choice in [Choice::Smallest, Choice::Tightest] {
            let mut order: Vec<usize> = (0..lifetimes.len()).collect();
            order.sort_by_key(|&index| (Reverse(key(&lifetimes[index])), index));
            for _ in 0..TRIES {
                match fill(lifetimes, alignment.max(1), banks, &order, choice) {
                    Ok(placements) => return Some(placements),
                    Err(0) => break,
                    Err(stuck) => {
                        order[..=stuck].rotate_right(1);
                        left = left.checked_sub(stuck.saturating_mul(lifetimes.len()))?;
                    }
                }
            }
        }
    }
    None
}

fn duration(life: &Lifetime) -> u64 {
    life.upper.saturating_sub(life.lower) as u64
}

/// One try: a placement for each buffer, or the position in `order` of the first that fits nowhere.
fn fill(
    lifetimes: &[Lifetime],
    alignment: u64,
    banks: &[u64],
    order: &[usize],
    choice: Choice,
) -> Result<Vec<BankPlacement>, usize> {
    let mut placements: Vec<Option<BankPlacement>> = vec![None; lifetimes.len()];
    for (position, &index) in order.iter().enumerate() {
        let life = &lifetimes[index];
        let mut taken: Vec<Vec<(u64, u64)>> = vec![Vec::new(); banks.len()];
        for (other, at) in lifetimes.iter().zip(&placements) {
            let together = other.lower < life.upper && life.lower < other.upper;
            if let Some(at) = at.filter(|_| together) {
                taken[at.bank].push((at.offset, at.offset + other.bytes));
            }
        }
        let gap = |bank: usize| {
            let mut taken = std::mem::take(&mut taken[bank]);
            taken.sort_unstable();
            let (spare, offset) = tightest_gap(&taken, banks[bank], life.bytes, alignment)?;
            let rank = match choice {
                Choice::Smallest => banks[bank],
                Choice::Tightest => spare,
            };
            Some((rank, bank, offset))
        };
        let (_, bank, offset) = (0..banks.len()).filter_map(gap).min().ok_or(position)?;
        placements[index] = Some(BankPlacement { bank, offset });
    }
    Ok(placements.into_iter().flatten().collect())
}

/// Bytes left over by, and offset of, the smallest gap between the sorted ranges `taken` of a bank
/// of `end` bytes that holds `bytes`.
fn tightest_gap(taken: &[(u64, u64)], end: u64, bytes: u64, alignment: u64) -> Option<(u64, u64)> {
    let mut free = 0u64;
    let mut best: Option<(u64, u64)> = None;
    for &(from, to) in taken.iter().chain([&(end, end)]) {
        if let Some(start) = free.checked_next_multiple_of(alignment)
            && let Some(spare) = from
                .checked_sub(start)
                .and_then(|gap| gap.checked_sub(bytes))
        {
            let gap = (spare, start);
            best = Some(best.map_or(gap, |best| best.min(gap)));
        }
        free = free.max(to);
    }
    best
}
