//! Buffers over several banks.

mod common;

use common::{check, guillotine, life};
use edgefit_cost::memory_plan::{Lifetime, place_in_banks};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Checks each bank on its own; `false` when nothing was found.
fn placed(lifetimes: &[Lifetime], alignment: u64, banks: &[u64]) -> bool {
    let Some(placements) = place_in_banks(lifetimes, alignment, banks) else {
        return false;
    };
    assert_eq!(placements.len(), lifetimes.len());
    for (bank, &bytes) in banks.iter().enumerate() {
        let (lives, offsets): (Vec<Lifetime>, Vec<u64>) = lifetimes
            .iter()
            .zip(&placements)
            .filter(|(_, at)| at.bank == bank)
            .map(|(life, at)| (life.clone(), at.offset))
            .unzip();
        check(&lives, &offsets, alignment);
        for (life, offset) in lives.iter().zip(&offsets) {
            assert!(offset + life.bytes <= bytes);
        }
    }
    true
}

#[test]
fn one_bank_is_enough_where_it_is() {
    let lifetimes = [life(0, 2, 60), life(1, 3, 40), life(2, 4, 60)];
    assert!(placed(&lifetimes, 1, &[30, 100]));
    let found = place_in_banks(&lifetimes, 1, &[30, 100]);
    assert!(found.is_some_and(|placements| placements.iter().all(|at| at.bank == 1)));
}

#[test]
fn buffers_are_never_split() {
    assert!(placed(&[life(0, 1, 60), life(0, 1, 40)], 1, &[60, 40]));
    assert!(!placed(&[life(0, 1, 61), life(0, 1, 39)], 1, &[60, 40]));
    assert!(!placed(&[life(0, 1, 1)], 1, &[]));
    assert!(placed(&[], 16, &[0]));
    // Three of 40 bytes need the alignment of both banks.
    assert!(placed(&vec![life(0, 1, 40); 3], 16, &[88, 40]));
    assert!(!placed(&vec![life(0, 1, 40); 3], 16, &[87, 40]));
}

#[test]
fn rectangles_cut_per_bank_are_placed_with_some_room() {
    let mut found = 0;
    for seed in 0..100 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let banks = [512u64, 128, 64];
        let mut lifetimes: Vec<Lifetime> = Vec::new();
        for bytes in banks {
            let buffers = rng.random_range(1..15);
            lifetimes.extend(guillotine(&mut rng, 20, bytes * 9 / 10, buffers));
        }
        found += usize::from(placed(&lifetimes, 1, &banks));
    }
    println!("{found} of 100");
    assert!(found >= 80, "{found}");
}

#[test]
fn absurd_sizes_are_refused() {
    let lifetimes = vec![life(0, usize::MAX, u64::MAX - 1); 5];
    assert!(!placed(&lifetimes, 1 << 20, &[u64::MAX, u64::MAX]));
}
