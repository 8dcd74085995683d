//! The transforms of F(2×2, 3×3) and F(4×4, 3×3) along one axis, and what they are backwards: §4.1 to §4.3 of Lavin &
//! Gray 2015, arXiv 1509.09308.

use std::ops::{Add, Mul, Sub};

use super::super::super::float::Float;

/// Tiles, or kernels, that are transformed side by side.
pub(super) const LANES: usize = 8;

/// One number of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane<T>(pub [T; LANES]);

impl<T: Float> Lane<T> {
    #[inline(always)]
    pub fn zero() -> Self {
        Lane([T::default(); LANES])
    }

    /// The numbers from `at` on, as many as there are.
    #[inline(always)]
    pub fn read(from: &[T], at: usize) -> Self {
        let mut lane = Lane::zero();
        let from = &from[at..];
        match from.first_chunk() {
            Some(all) => lane.0 = *all,
            None => lane.0[..from.len()].copy_from_slice(from),
        }
        lane
    }

    /// Writes the numbers from `at` on, as many as there is room for.
    #[inline(always)]
    pub fn write(&self, to: &mut [T], at: usize) {
        let to = &mut to[at..];
        match to.first_chunk_mut() {
            Some(all) => *all = self.0,
            None => to.copy_from_slice(&self.0[..to.len()]),
        }
    }
}

// Loops over indices, here and below: iterators and closures are not always inlined into the code of a processor.

impl<T: Float> Add for Lane<T> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] += other.0[lane];
        }
        self
    }
}

impl<T: Float> Sub for Lane<T> {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            self.0[lane] = self.0[lane] - other.0[lane];
        }
        self
    }
}

impl<T: Float> Mul<Lane<T>> for f64 {
    type Output = Lane<T>;

    #[inline(always)]
    fn mul(self, mut lane: Lane<T>) -> Lane<T> {
        let factor = T::of(self);
        for at in 0..LANES {
            lane.0[at] = factor * lane.0[at];
        }
        lane
    }
}

/// F(m×m, 3×3) along one axis: `N` = m + 2 numbers of an input tile make `M` = m of the result.
pub(super) trait Form<const N: usize, const M: usize>: Sync {
    /// Bᵀ.
    fn input<T: Float>(tile: [Lane<T>; N]) -> [Lane<T>; N];
    /// B.
    fn input_backward<T: Float>(tile: [Lane<T>; N]) -> [Lane<T>; N];
    /// Aᵀ.
    fn result<T: Float>(tile: [Lane<T>; N]) -> [Lane<T>; M];
    /// A.
    fn result_backward<T: Float>(result: [Lane<T>; M]) -> [Lane<T>; N];
    /// G.
    fn kernel<T: Float>(kernel: [Lane<T>; 3]) -> [Lane<T>; N];
    /// Gᵀ.
    fn kernel_backward<T: Float>(tile: [Lane<T>; N]) -> [Lane<T>; 3];
}

/// F(2×2, 3×3): 4 multiplications a position instead of 9.
#[derive(Debug)]
pub(super) struct Two;

impl Form<4, 2> for Two {
    #[inline(always)]
    fn input<T: Float>([a, b, c, d]: [Lane<T>; 4]) -> [Lane<T>; 4] {
        [a - c, b + c, c - b, b - d]
    }

    #[inline(always)]
    fn input_backward<T: Float>([a, b, c, d]: [Lane<T>; 4]) -> [Lane<T>; 4] {
        [a, (b - c) + d, (b + c) - a, Lane::zero() - d]
    }

    #[inline(always)]
    fn result<T: Float>([a, b, c, d]: [Lane<T>; 4]) -> [Lane<T>; 2] {
        [a + b + c, b - c - d]
    }

    #[inline(always)]
    fn result_backward<T: Float>([a, b]: [Lane<T>; 2]) -> [Lane<T>; 4] {
        [a, a + b, a - b, Lane::zero() - b]
    }

    #[inline(always)]
    fn kernel<T: Float>([a, b, c]: [Lane<T>; 3]) -> [Lane<T>; 4] {
        let (outer, middle) = (0.5 * (a + c), 0.5 * b);
        [a, outer + middle, outer - middle, c]
    }

    #[inline(always)]
    fn kernel_backward<T: Float>([a, b, c, d]: [Lane<T>; 4]) -> [Lane<T>; 3] {
        let both = 0.5 * (b + c);
        [a + both, 0.5 * (b - c), both + d]
    }
}

/// F(4×4, 3×3): 2¼ multiplications a position, and some ten times the rounding error of F(2×2, 3×3) (table 4 there).
#[derive(Debug)]
pub(super) struct Four;

impl Form<6, 4> for Four {
    #[inline(always)]
    fn input<T: Float>([a, b, c, d, e, f]: [Lane<T>; 6]) -> [Lane<T>; 6] {
        let (far, near) = (e - 4.0 * c, e - c);
        let (far_odd, near_odd) = (d - 4.0 * b, 2.0 * (d - b));
        [
            4.0 * (a - c) + near,
            far + far_odd,
            far - far_odd,
            near + near_odd,
            near - near_odd,
            4.0 * (b - d) + (f - d),
        ]
    }

    #[inline(always)]
    fn input_backward<T: Float>([a, b, c, d, e, f]: [Lane<T>; 6]) -> [Lane<T>; 6] {
        let (one, one_odd, two, two_odd) = (b + c, b - c, d + e, 2.0 * (d - e));
        [
            4.0 * a,
            4.0 * (f - one_odd) - two_odd,
            Lane::zero() - 5.0 * a - 4.0 * one - two,
            one_odd + two_odd - 5.0 * f,
            a + one + two,
            f,
        ]
    }

    #[inline(always)]
    fn result<T: Float>([a, b, c, d, e, f]: [Lane<T>; 6]) -> [Lane<T>; 4] {
        let (one, one_odd, two, two_odd) = (b + c, b - c, d + e, 2.0 * (d - e));
        [
            a + one + two,
            one_odd + two_odd,
            one + 4.0 * two,
            one_odd + 4.0 * two_odd + f,
        ]
    }

    #[inline(always)]
    fn result_backward<T: Float>([a, b, c, d]: [Lane<T>; 4]) -> [Lane<T>; 6] {
        let (one, one_odd) = (a + c, b + d);
        let (two, two_odd) = (a + 4.0 * c, 2.0 * b + 8.0 * d);
        [
            a,
            one + one_odd,
            one - one_odd,
            two + two_odd,
            two - two_odd,
            d,
        ]
    }

    #[inline(always)]
    fn kernel<T: Float>([a, b, c]: [Lane<T>; 3]) -> [Lane<T>; 6] {
        let (one, one_odd) = ((-1.0 / 6.0) * (a + c), (1.0 / 6.0) * b);
        let (two, two_odd) = ((1.0 / 24.0) * (a + 4.0 * c), (1.0 / 12.0) * b);
        [
            0.25 * a,
            one - one_odd,
            one + one_odd,
            two + two_odd,
            two - two_odd,
            c,
        ]
    }

    #[inline(always)]
    fn kernel_backward<T: Float>([a, b, c, d, e, f]: [Lane<T>; 6]) -> [Lane<T>; 3] {
        let (one, one_odd) = ((1.0 / 6.0) * (b + c), (1.0 / 6.0) * (c - b));
        let (two, two_odd) = ((1.0 / 24.0) * (d + e), (1.0 / 12.0) * (d - e));
        [0.25 * a - one + two, one_odd + two_odd, 4.0 * two - one + f]
    }
}

/// `transform` along both axes.
#[inline(always)]
pub(super) fn along_both<T: Float, const FROM: usize, const TO: usize>(
    transform: impl Fn([Lane<T>; FROM]) -> [Lane<T>; TO] + Copy,
    tile: &[[Lane<T>; FROM]; FROM],
) -> [[Lane<T>; TO]; TO] {
    let mut down = [[Lane::zero(); FROM]; TO];
    for column in 0..FROM {
        let mut from = [Lane::zero(); FROM];
        for row in 0..FROM {
            from[row] = tile[row][column];
        }
        let made = transform(from);
        for row in 0..TO {
            down[row][column] = made[row];
        }
    }
    let mut made = [[Lane::zero(); TO]; TO];
    for row in 0..TO {
        made[row] = transform(down[row]);
    }
    made
}
