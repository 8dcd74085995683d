//! How fast the largest memory is.

use std::hint::black_box;
use std::time::Instant;

/// Bytes of each array: far more than caches hold.
const ARRAY: usize = 64 << 20;

const RUNS: usize = 5;

/// Bytes a second that `threads` threads read and write together: the best run of the triad
/// a = b + s·c over floats, as STREAM counts it (McCalpin 1995), two reads and one write.
pub fn triad(threads: usize) -> u64 {
    let count = ARRAY / size_of::<f32>();
    let mut a = vec![0f32; count];
    let (b, c) = (vec![1f32; count], vec![2f32; count]);
    let part = count.div_ceil(threads.max(1));
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        run(&mut a, &b, &c, part);
        best = best.min(start.elapsed().as_secs_f64());
        black_box(&a);
    }
    (3.0 * ARRAY as f64 / best) as u64
}

/// One run of the triad, with a thread for each `part` elements.
fn run(a: &mut [f32], b: &[f32], c: &[f32], part: usize) {
    std::thread::scope(|scope| {
        let parts = a.chunks_mut(part).zip(b.chunks(part)).zip(c.chunks(part));
        for ((a, b), c) in parts {
            scope.spawn(move || {
                for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                    *a = b + 3.0 * c;
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_thread_computes_its_part() {
        let (b, c) = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0; 5]);
        let mut a = [0.0; 5];
        super::run(&mut a, &b, &c, 2);
        assert_eq!(a, [4.0, 5.0, 6.0, 7.0, 8.0]);
    }
}
