//! The arena planner against published instances, known optima and brute force.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{check, guillotine, life};
use edgefit_cost::memory_plan::{Goal, Lifetime, SearchLimits, place};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Work alone ends the search.
fn work(work: u64) -> SearchLimits {
    SearchLimits {
        work,
        time: Duration::from_secs(600),
    }
}

/// End of the topmost buffer.
fn peak(lifetimes: &[Lifetime], offsets: &[u64]) -> u64 {
    let ends = lifetimes.iter().zip(offsets);
    ends.map(|(life, offset)| offset + life.bytes)
        .max()
        .unwrap_or(0)
}

fn minimalloc(name: char) -> Vec<Lifetime> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/minimalloc");
    let text = std::fs::read_to_string(folder.join(format!("{name}.1048576.csv"))).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',').skip(1).map(|field| field.parse().unwrap());
            let mut next = || fields.next().unwrap();
            life(next(), next(), next() as u64)
        })
        .collect()
}

/// Plans a published instance for its capacity, and as small as possible.
fn fits_its_capacity(name: char) {
    const CAPACITY: u64 = 1 << 20;
    let lifetimes = minimalloc(name);
    for goal in [Goal::Within(CAPACITY), Goal::Smallest] {
        let plan = place(&lifetimes, 1, goal, work(SearchLimits::default().work));
        check(&lifetimes, &plan.offsets, 1);
        assert_eq!(peak(&lifetimes, &plan.offsets), plan.peak_bytes);
        assert!(plan.peak_bytes <= CAPACITY, "{name} {goal:?} {plan:?}");
        assert!(plan.lower_bound_bytes <= plan.peak_bytes);
        println!("{name} {goal:?}: {} B, work {}", plan.peak_bytes, plan.work);
    }
}

#[test]
#[ignore = "takes 1.5 minutes: all instances of MiniMalloc"]
fn published_instances_fit_their_capacity() {
    for name in 'A'..='K' {
        fits_its_capacity(name);
    }
}

#[test]
fn a_published_instance_fits_its_capacity() {
    fits_its_capacity('I');
}

#[test]
fn cut_rectangles_go_together_again() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let buffers = rng.random_range(1..40);
        let lifetimes = guillotine(&mut rng, 30, 1000, buffers);
        let plan = place(
            &lifetimes,
            1,
            Goal::Smallest,
            work(SearchLimits::default().work),
        );
        check(&lifetimes, &plan.offsets, 1);
        assert_eq!(plan.lower_bound_bytes, 1000);
        assert_eq!(plan.peak_bytes, 1000, "seed {seed}, {buffers} buffers");
        assert!(plan.proved);
    }
}

#[test]
fn alignment_keeps_every_promise() {
    for seed in 0..100 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let lifetimes = guillotine(&mut rng, 20, 600, 25);
        let plan = place(&lifetimes, 16, Goal::Smallest, work(500_000));
        check(&lifetimes, &plan.offsets, 16);
        assert_eq!(peak(&lifetimes, &plan.offsets), plan.peak_bytes);
        assert!(plan.lower_bound_bytes <= plan.peak_bytes);
    }
}

/// Smallest peak by trying every buffer next on the floor or on a buffer placed before.
fn brute_force(lifetimes: &[Lifetime], alignment: u64) -> u64 {
    fn go(lives: &[Lifetime], alignment: u64, offsets: &mut [Option<u64>], peak: u64) -> u64 {
        let mut best = u64::MAX;
        for index in 0..lives.len() {
            if offsets[index].is_some() {
                continue;
            }
            let life = &lives[index];
            let below = lives.iter().zip(&*offsets).filter_map(|(other, offset)| {
                let together = other.lower < life.upper && life.lower < other.upper;
                offset
                    .filter(|_| together)
                    .map(|offset| offset + other.bytes)
            });
            let offset = below.max().unwrap_or(0).next_multiple_of(alignment);
            offsets[index] = Some(offset);
            best = best.min(go(lives, alignment, offsets, peak.max(offset + life.bytes)));
            offsets[index] = None;
        }
        if offsets.iter().all(Option::is_some) {
            peak
        } else {
            best
        }
    }
    go(lifetimes, alignment, &mut vec![None; lifetimes.len()], 0)
}

#[test]
fn small_plans_are_as_small_as_brute_force_finds() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let alignment = if seed % 2 == 0 { 1 } else { 4 };
        let lifetimes: Vec<Lifetime> = (0..7)
            .map(|_| {
                let lower = rng.random_range(0..8);
                life(
                    lower,
                    lower + rng.random_range(1..5),
                    rng.random_range(1..12),
                )
            })
            .collect();
        let optimum = brute_force(&lifetimes, alignment);
        let plan = place(&lifetimes, alignment, Goal::Smallest, work(20_000_000));
        assert_eq!(plan.peak_bytes, optimum, "seed {seed} {lifetimes:?}");
        assert!(plan.proved, "seed {seed}");
        for capacity in [optimum - 1, optimum, optimum + 1] {
            let goal = Goal::Within(capacity);
            let plan = place(&lifetimes, alignment, goal, work(20_000_000));
            assert_eq!(
                plan.peak_bytes <= capacity,
                capacity >= optimum,
                "seed {seed}"
            );
            assert!(plan.proved, "seed {seed}");
        }
    }
}

#[test]
fn the_same_limits_give_the_same_plan() {
    let lifetimes = minimalloc('D');
    let plan = || place(&lifetimes, 16, Goal::Smallest, work(100_000));
    assert_eq!(plan(), plan());
}

#[test]
fn degenerate_buffers_are_placed() {
    let plan = place(&[], 16, Goal::Smallest, SearchLimits::default());
    assert_eq!((plan.peak_bytes, plan.proved), (0, true));
    // Nothing to hold, and never alive.
    let lifetimes = [life(0, 3, 0), life(2, 2, 5), life(3, 1, 5), life(1, 2, 7)];
    let plan = place(&lifetimes, 16, Goal::Smallest, SearchLimits::default());
    assert_eq!(plan.offsets, [0; 4]);
    assert_eq!(plan.peak_bytes, 7);
}

#[test]
fn absurd_sizes_saturate() {
    for bytes in [1 << 53, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        for alignment in [1, 16, 1 << 40, u64::MAX] {
            let lifetimes = vec![life(0, usize::MAX, bytes); 3000];
            let plan = place(
                &lifetimes,
                alignment,
                Goal::Smallest,
                SearchLimits::default(),
            );
            assert_eq!(plan.peak_bytes, plan.lower_bound_bytes);
            let few = &lifetimes[..3];
            place(
                few,
                alignment,
                Goal::Within(u64::MAX),
                SearchLimits::default(),
            );
            place(few, alignment, Goal::Within(0), SearchLimits::default());
        }
    }
}

#[test]
fn large_networks_are_planned_with_bounded_work() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (count, limits, most) in [
        (300, SearchLimits::QUICK, 600_000),
        (20_000, SearchLimits::default(), 5_000_000),
    ] {
        for longest in [3, 30, count] {
            let lifetimes: Vec<Lifetime> = (0..count)
                .map(|lower| {
                    let long = rng.random_bool(0.2);
                    let steps = if long {
                        rng.random_range(1..=longest)
                    } else {
                        2
                    };
                    life(lower, lower + steps, 64 * rng.random_range(1..4000u64))
                })
                .collect();
            let plan = place(&lifetimes, 16, Goal::Smallest, limits);
            println!(
                "{count} buffers of up to {longest} steps: work {}, {:.3} of the bound",
                plan.work,
                plan.peak_bytes as f64 / plan.lower_bound_bytes as f64
            );
            assert!(plan.work < most, "{}", plan.work);
        }
    }
}

#[test]
fn the_deepest_search_stays_within_a_small_stack() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let lifetimes = guillotine(&mut rng, 3000, 1 << 30, 2_000);
    let thread = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let plan = place(&lifetimes, 1, Goal::Smallest, work(5_000_000));
            println!(
                "{:.3}",
                plan.peak_bytes as f64 / plan.lower_bound_bytes as f64
            );
            check(&lifetimes, &plan.offsets, 1);
        });
    thread.unwrap().join().unwrap();
}
