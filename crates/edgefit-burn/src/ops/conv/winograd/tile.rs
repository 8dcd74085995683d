//! Tiles of planes, transformed, and what they are backwards.

use std::marker::PhantomData;
use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::super::super::float::Float;
use super::form::{Form, LANES, Lane, along_both};

/// What a plane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// A tile is N×N elements, which overlap by two: Bᵀ · d · B.
    Input,
    /// A tile is M×M elements: Aᵀ · m · A.
    Result,
}

/// Rows of tiles of the planes of one channel.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub direction: Direction,
    /// Height and width of a plane.
    pub size: [usize; 2],
    /// Zeros in front of it.
    pub before: [usize; 2],
    /// Rows of tiles.
    pub rows: Range<usize>,
    /// Tiles of a row.
    pub columns: usize,
}

impl Grid {
    /// Tiles of a plane.
    pub fn tiles(&self) -> usize {
        self.rows.len() * self.columns
    }

    /// Where in the plane tile `at` begins, and which of its `edge` rows and columns lie there, if tiles are `step` apart.
    #[inline(always)]
    fn tile(&self, at: usize, edge: usize, step: usize) -> [(isize, Range<usize>); 2] {
        let (row, column) = (self.rows.start + at / self.columns, at % self.columns);
        [
            self.along(0, step * row, edge),
            self.along(1, step * column, edge),
        ]
    }

    #[inline(always)]
    fn along(&self, axis: usize, at: usize, edge: usize) -> (isize, Range<usize>) {
        let start = at as isize - self.before[axis] as isize;
        let left = self.size[axis] as isize - start;
        let (first, last) = (start.min(0).unsigned_abs(), left.clamp(0, edge as isize));
        (start, first..first.max(last as usize))
    }
}

/// Writes the transformed tiles of the planes of a channel, plane by plane.
pub(super) struct ToTiles<'a, 'b, T, F, const N: usize, const M: usize> {
    pub grid: &'a Grid,
    pub planes: &'a [&'b [T]],
    /// Of each place in a tile.
    pub places: &'a mut [&'b mut [T]],
    pub form: PhantomData<F>,
}

impl<T: Float, F: Form<N, M>, const N: usize, const M: usize> WithSimd
    for ToTiles<'_, '_, T, F, N, M>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.grid.direction {
            Direction::Input => self.transform::<N>(F::input),
            Direction::Result => self.transform::<M>(F::result_backward),
        }
    }
}

impl<T: Float, F: Form<N, M>, const N: usize, const M: usize> ToTiles<'_, '_, T, F, N, M> {
    #[inline(always)]
    fn transform<const EDGE: usize>(
        self,
        transform: impl Fn([Lane<T>; EDGE]) -> [Lane<T>; N] + Copy,
    ) {
        let (grid, each) = (self.grid, self.grid.tiles());
        let count = self.planes.len() * each;
        for start in (0..count).step_by(LANES) {
            let mut tile = [[Lane::zero(); EDGE]; EDGE];
            for (lane, at) in (start..count.min(start + LANES)).enumerate() {
                let plane = self.planes[at / each];
                let [(top, rows), (left, columns)] = grid.tile(at % each, EDGE, M);
                let is_whole = rows.len() == EDGE && columns.len() == EDGE;
                for row in rows {
                    let line = (top + row as isize) as usize * grid.size[1];
                    if is_whole {
                        let from = &plane[line + left as usize..][..EDGE];
                        for (to, from) in tile[row].iter_mut().zip(from) {
                            to.0[lane] = *from;
                        }
                    } else {
                        for column in columns.clone() {
                            let from = line + (left + column as isize) as usize;
                            tile[row][column].0[lane] = plane[from];
                        }
                    }
                }
            }
            let made = along_both(transform, &tile);
            for (value, place) in made.as_flattened().iter().zip(self.places.iter_mut()) {
                value.write(place, start);
            }
        }
    }
}

/// Adds what tiles are to the planes of a channel: the transform the other way round.
pub(super) struct FromTiles<'a, 'b, T, F, const N: usize, const M: usize> {
    pub grid: &'a Grid,
    /// Of each place in a tile.
    pub places: &'a [&'b [T]],
    pub planes: &'a mut [&'b mut [T]],
    pub form: PhantomData<F>,
}

impl<T: Float, F: Form<N, M>, const N: usize, const M: usize> WithSimd
    for FromTiles<'_, '_, T, F, N, M>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.grid.direction {
            Direction::Input => self.transform::<N>(F::input_backward),
            Direction::Result => self.transform::<M>(F::result),
        }
    }
}

impl<T: Float, F: Form<N, M>, const N: usize, const M: usize> FromTiles<'_, '_, T, F, N, M> {
    #[inline(always)]
    fn transform<const EDGE: usize>(
        self,
        transform: impl Fn([Lane<T>; N]) -> [Lane<T>; EDGE] + Copy,
    ) {
        let (grid, each) = (self.grid, self.grid.tiles());
        let count = self.planes.len() * each;
        for start in (0..count).step_by(LANES) {
            let mut tile = [[Lane::zero(); N]; N];
            for (read, place) in tile.as_flattened_mut().iter_mut().zip(self.places) {
                *read = Lane::read(place, start);
            }
            let made = along_both(transform, &tile);
            for (lane, at) in (start..count.min(start + LANES)).enumerate() {
                let plane = &mut *self.planes[at / each];
                let [(top, rows), (left, columns)] = grid.tile(at % each, EDGE, M);
                let is_whole = rows.len() == EDGE && columns.len() == EDGE;
                for row in rows {
                    let line = (top + row as isize) as usize * grid.size[1];
                    if is_whole {
                        let to = &mut plane[line + left as usize..][..EDGE];
                        for (to, from) in to.iter_mut().zip(&made[row]) {
                            *to += from.0[lane];
                        }
                    } else {
                        for column in columns.clone() {
                            let to = line + (left + column as isize) as usize;
                            plane[to] += made[row][column].0[lane];
                        }
                    }
                }
            }
        }
    }
}
