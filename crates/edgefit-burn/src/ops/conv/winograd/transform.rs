//! The transforms of F(2×2, 3×3), a row of tiles at once, and what they are backwards.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::super::float::Float;
use super::PLACES;

/// What a plane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// A tile is 4×4 elements, Bᵀ · d · B.
    Input,
    /// A tile is 2×2 elements, Aᵀ · m · A.
    Result,
}

/// Rows of tiles of a plane.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub direction: Direction,
    /// Height and width of the plane.
    pub size: [usize; 2],
    /// Zeros in front of it.
    pub before: [usize; 2],
    /// Rows of tiles.
    pub rows: Range<usize>,
    /// Tiles of a row.
    pub columns: usize,
}

/// The rows of the plane that a row of tiles reads, in elements of even and of odd columns.
pub(super) struct Scratch<T> {
    rows: [[Vec<T>; 2]; 4],
    mixed: [Vec<T>; 2],
}

impl Lines {
    pub fn scratch<T: Float>(&self) -> Scratch<T> {
        let line = || vec![T::default(); self.columns + 1];
        Scratch {
            rows: std::array::from_fn(|_| [line(), line()]),
            mixed: [line(), line()],
        }
    }

    /// Rows of the plane that a tile has.
    fn height(&self) -> usize {
        match self.direction {
            Direction::Input => 4,
            Direction::Result => 2,
        }
    }

    /// Row `at` of row `row` of tiles, if it lies in the plane.
    #[inline(always)]
    fn row(&self, row: usize, at: usize) -> Option<usize> {
        (2 * row + at)
            .checked_sub(self.before[0])
            .filter(|row| *row < self.size[0])
    }

    /// The first element of even (0) or odd (1) columns that lies in the plane, and its column there.
    #[inline(always)]
    fn first(&self, odd: usize) -> (usize, usize) {
        let first = self.before[1].saturating_sub(odd).div_ceil(2);
        (first, 2 * first + odd - self.before[1])
    }
}

/// Writes the tiles of rows of a plane, from tile `first` on.
pub(super) struct PlaneTransform<'a, 'b, T> {
    pub lines: &'a Lines,
    pub plane: &'a [T],
    pub scratch: &'a mut Scratch<T>,
    /// Of each place in a tile.
    pub tiles: &'a mut [&'b mut [T]],
    pub first: usize,
}

impl<T: Float> WithSimd for PlaneTransform<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let lines = self.lines;
        let [width, columns] = [lines.size[1], lines.columns];
        let Scratch { rows, mixed } = self.scratch;
        for (index, row) in lines.rows.clone().enumerate() {
            for (at, halves) in rows[..lines.height()].iter_mut().enumerate() {
                for (odd, half) in halves.iter_mut().enumerate() {
                    half.fill(T::default());
                    if let Some(row) = lines.row(row, at) {
                        let (to, from) = lines.first(odd);
                        let values = self.plane[row * width..][..width].get(from..);
                        let values = values.unwrap_or(&[]).iter().step_by(2);
                        half.iter_mut()
                            .skip(to)
                            .zip(values)
                            .for_each(|(to, from)| *to = *from);
                    }
                }
            }
            let start = self.first + index * columns;
            for down in 0..4 {
                for (odd, mixed) in mixed.iter_mut().enumerate() {
                    mix(
                        lines.direction,
                        down,
                        [0, 1, 2, 3].map(|row| &rows[row][odd][..]),
                        mixed,
                    );
                }
                let [even, odd] = [&mixed[0][..], &mixed[1][..]];
                let (here, next) = (&even[..columns], &even[1..]);
                let (odd, odd_next) = (&odd[..columns], &odd[1..]);
                let columns = match lines.direction {
                    Direction::Input => [here, odd, next, odd_next],
                    Direction::Result => [here, odd, here, odd],
                };
                for right in 0..4 {
                    let to = &mut self.tiles[4 * down + right][start..][..here.len()];
                    mix(lines.direction, right, columns, to);
                }
            }
        }
    }
}

/// Row `row` of Bᵀ, or of A, times four or two lines.
#[inline(always)]
fn mix<T: Float>(direction: Direction, row: usize, lines: [&[T]; 4], to: &mut [T]) {
    let [a, b, c, d] = lines;
    match (direction, row) {
        (Direction::Input, 0) => subtract(a, c, to),
        (Direction::Input, 1) => add(b, c, to),
        (Direction::Input, 2) => subtract(c, b, to),
        (Direction::Input, _) => subtract(b, d, to),
        (Direction::Result, 0) => to.copy_from_slice(&a[..to.len()]),
        (Direction::Result, 1) => add(a, b, to),
        (Direction::Result, 2) => subtract(a, b, to),
        (Direction::Result, _) => to.iter_mut().zip(b).for_each(|(to, b)| *to = -*b),
    }
}

#[inline(always)]
fn add<T: Float>(a: &[T], b: &[T], to: &mut [T]) {
    for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
        *to = *a + *b;
    }
}

#[inline(always)]
fn subtract<T: Float>(a: &[T], b: &[T], to: &mut [T]) {
    for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
        *to = *a - *b;
    }
}

/// Adds what tiles are to the rows of a plane: the transform the other way round.
pub(super) struct Gather<'a, T> {
    pub lines: &'a Lines,
    /// Of each place in a tile.
    pub tiles: [&'a [T]; PLACES],
    pub scratch: &'a mut Scratch<T>,
    pub plane: &'a mut [T],
}

impl<T: Float> WithSimd for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let lines = self.lines;
        let [width, columns] = [lines.size[1], lines.columns];
        let Scratch { rows, mixed } = self.scratch;
        for (index, row) in lines.rows.clone().enumerate() {
            for half in rows.iter_mut().flatten() {
                half.fill(T::default());
            }
            for down in 0..4 {
                for mixed in mixed.iter_mut() {
                    mixed.fill(T::default());
                }
                let [even, odd] = mixed.each_mut();
                for right in 0..4 {
                    let from = &self.tiles[4 * down + right][index * columns..][..columns];
                    spread(lines.direction, right, from, [even, odd]);
                }
                for (odd, mixed) in mixed.iter().enumerate() {
                    for (at, halves) in rows[..lines.height()].iter_mut().enumerate() {
                        let factor = transposed(lines.direction, at, down);
                        add_times(factor, mixed, &mut halves[odd]);
                    }
                }
            }
            for (at, halves) in rows[..lines.height()].iter().enumerate() {
                let Some(row) = lines.row(row, at) else {
                    continue;
                };
                let row = &mut self.plane[row * width..][..width];
                for (odd, half) in halves.iter().enumerate() {
                    let (from, to) = lines.first(odd);
                    let to = row.get_mut(to..).unwrap_or(&mut []).iter_mut().step_by(2);
                    to.zip(half.iter().skip(from))
                        .for_each(|(to, from)| *to += *from);
                }
            }
        }
    }
}

/// Element (`row`, `column`) of B, or of Aᵀ.
#[inline(always)]
fn transposed(direction: Direction, row: usize, column: usize) -> i8 {
    const INPUT: [[i8; 4]; 4] = [[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]];
    const RESULT: [[i8; 4]; 2] = [[1, 1, 1, 0], [0, 1, -1, -1]];
    match direction {
        Direction::Input => INPUT[row][column],
        Direction::Result => RESULT[row][column],
    }
}

/// Adds column `column` of B, or of Aᵀ, times a line of tiles to the elements of even and odd columns.
#[inline(always)]
fn spread<T: Float>(direction: Direction, column: usize, from: &[T], halves: [&mut Vec<T>; 2]) {
    let height = match direction {
        Direction::Input => 4,
        Direction::Result => 2,
    };
    let [even, odd] = halves;
    for at in 0..height {
        let half = if at % 2 == 0 { &mut *even } else { &mut *odd };
        add_times(transposed(direction, at, column), from, &mut half[at / 2..]);
    }
}

#[inline(always)]
fn add_times<T: Float>(factor: i8, from: &[T], to: &mut [T]) {
    match factor {
        0 => {}
        1 => to.iter_mut().zip(from).for_each(|(to, from)| *to += *from),
        _ => to
            .iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = *to - *from),
    }
}
