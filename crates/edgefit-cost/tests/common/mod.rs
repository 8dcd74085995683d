//! What the planner's tests share.

#![allow(dead_code, reason = "each test uses a part")]

use edgefit_cost::memory_plan::Lifetime;
use rand::RngExt;

/// A buffer without a name.
pub fn life(lower: usize, upper: usize, bytes: u64) -> Lifetime {
    Lifetime {
        name: String::new(),
        lower,
        upper,
        bytes,
    }
}

/// Compares every pair of buffers, and every offset with `alignment`.
pub fn check(lifetimes: &[Lifetime], offsets: &[u64], alignment: u64) {
    assert_eq!(lifetimes.len(), offsets.len());
    for (i, a) in lifetimes.iter().enumerate() {
        assert_eq!(offsets[i] % alignment, 0);
        for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
            let together = a.lower < b.upper && b.lower < a.upper;
            let apart = offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
            assert!(apart || !together, "{i} {a:?} {j} {b:?}");
        }
    }
}

/// A rectangle of `steps` × `capacity` cut into buffers by straight cuts from edge to edge, and
/// shuffled: the smallest arena is known to be `capacity`.
pub fn guillotine(
    rng: &mut impl RngExt,
    steps: usize,
    capacity: u64,
    buffers: usize,
) -> Vec<Lifetime> {
    let mut pieces = vec![life(0, steps, capacity)];
    let mut tries = 20 * buffers;
    while pieces.len() < buffers && tries > 0 {
        tries -= 1;
        let index = rng.random_range(0..pieces.len());
        let piece = &mut pieces[index];
        let (mut first, mut second) = (piece.clone(), piece.clone());
        if rng.random_bool(0.5) && piece.upper - piece.lower > 1 {
            let cut = rng.random_range(piece.lower + 1..piece.upper);
            (first.upper, second.lower) = (cut, cut);
        } else if piece.bytes > 1 {
            let cut = rng.random_range(1..piece.bytes);
            (first.bytes, second.bytes) = (cut, piece.bytes - cut);
        } else {
            continue;
        }
        *piece = first;
        pieces.push(second);
    }
    for index in (1..pieces.len()).rev() {
        pieces.swap(index, rng.random_range(0..=index));
    }
    pieces
}
