use serde::Serialize;

/// When a buffer is needed: from step `lower` until before step `upper`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// Name of the value.
    pub name: String,
    /// First step.
    pub lower: usize,
    /// First step without it.
    pub upper: usize,
    /// Size.
    pub bytes: u64,
}

/// Where a buffer lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// Name of the value.
    pub name: String,
    /// First byte in the arena.
    pub offset: u64,
    /// Size.
    pub bytes: u64,
}

/// Gives every buffer an offset, buffers alive together never overlapping.
///
/// Greedy by size (Pisarchyk & Lee 2020, arXiv 2001.03288, section 4.2): the largest buffer first,
/// each into the smallest gap that holds it.
pub fn place(lifetimes: &[Lifetime], alignment: u64) -> Vec<Placement> {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(lifetimes[index].bytes));
    let mut offsets: Vec<Option<u64>> = vec![None; lifetimes.len()];
    for index in order {
        let life = &lifetimes[index];
        let mut taken: Vec<(u64, u64)> = lifetimes
            .iter()
            .zip(&offsets)
            .filter(|(other, _)| other.lower < life.upper && life.lower < other.upper)
            .filter_map(|(other, offset)| offset.map(|offset| (offset, offset + other.bytes)))
            .collect();
        taken.sort_unstable();
        let mut end = 0;
        let mut best: Option<(u64, u64)> = None;
        for (start, stop) in taken {
            let from = u64::next_multiple_of(end, alignment);
            if start >= from + life.bytes && best.is_none_or(|(gap, _)| start - from < gap) {
                best = Some((start - from, from));
            }
            end = end.max(stop);
        }
        let behind = u64::next_multiple_of(end, alignment);
        offsets[index] = Some(best.map_or(behind, |(_, offset)| offset));
    }
    lifetimes
        .iter()
        .zip(offsets)
        .map(|(life, offset)| Placement {
            name: life.name.clone(),
            offset: offset.unwrap_or(0),
            bytes: life.bytes,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_alive_together_never_overlap() {
        // A linear congruential sequence stands in for random instances.
        let mut state = 7u64;
        let mut next = |limit: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % limit
        };
        for _ in 0..200 {
            let lifetimes: Vec<Lifetime> = (0..20)
                .map(|index| {
                    let lower = next(30) as usize;
                    Lifetime {
                        name: index.to_string(),
                        lower,
                        upper: lower + 1 + next(10) as usize,
                        bytes: 1 + next(100),
                    }
                })
                .collect();
            let placed = place(&lifetimes, 4);
            for (i, a) in lifetimes.iter().enumerate() {
                assert_eq!(placed[i].offset % 4, 0);
                for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
                    let together = a.lower < b.upper && b.lower < a.upper;
                    let apart = placed[i].offset + a.bytes <= placed[j].offset
                        || placed[j].offset + b.bytes <= placed[i].offset;
                    assert!(apart || !together, "{a:?} {b:?}");
                }
            }
        }
    }
}
