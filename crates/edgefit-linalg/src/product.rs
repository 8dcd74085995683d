//! Products of matrices whose elements lie in slices.

use std::mem::MaybeUninit;

use gemm::{Parallelism, gemm};

/// What products are computed in: `f32` and `f64`.
pub trait Scalar: Copy + From<f32> + Send + Sync + sealed::Sealed + 'static {}

impl Scalar for f32 {}

impl Scalar for f64 {}

mod sealed {
    /// `gemm` has kernels for these.
    pub trait Sealed {}

    impl Sealed for f32 {}

    impl Sealed for f64 {}
}

/// A matrix whose element (row, column) lies at `row · strides[0] + column · strides[1]`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    elements: &'a [T],
    rows: usize,
    columns: usize,
    strides: [usize; 2],
}

impl<'a, T> Matrix<'a, T> {
    /// From elements row by row.
    ///
    /// # Panics
    /// If there are too few elements, or none.
    pub fn new(elements: &'a [T], rows: usize, columns: usize) -> Self {
        let count = rows.checked_mul(columns);
        assert!(count.is_some_and(|count| (1..=elements.len()).contains(&count)));
        Matrix {
            elements,
            rows,
            columns,
            strides: [columns, 1],
        }
    }

    /// From elements whose rows begin at multiples of `pitch`.
    ///
    /// # Panics
    /// If there are too few elements, or none, or rows overlap.
    pub fn of_rows(elements: &'a [T], rows: usize, columns: usize, pitch: usize) -> Self {
        assert!(rows > 0 && columns > 0 && columns <= pitch);
        assert!(elements.len() >= (rows - 1) * pitch + columns);
        Matrix {
            elements,
            rows,
            columns,
            strides: [pitch, 1],
        }
    }

    /// From elements wherever they lie.
    ///
    /// # Panics
    /// If there are too few elements, or none.
    pub fn strided(elements: &'a [T], rows: usize, columns: usize, strides: [usize; 2]) -> Self {
        assert!(rows > 0 && columns > 0);
        assert!((rows - 1) * strides[0] + (columns - 1) * strides[1] < elements.len());
        Matrix {
            elements,
            rows,
            columns,
            strides,
        }
    }

    /// Its rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Its columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Its elements, row by row.
    pub fn to_vec(self) -> Vec<T>
    where
        T: Copy,
    {
        let [down, right] = self.strides;
        let row = |row: usize| (0..self.columns).map(move |column| row * down + column * right);
        let places = (0..self.rows).flat_map(row);
        places.map(|place| self.elements[place]).collect()
    }

    /// The same elements, with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        let [down, right] = self.strides;
        Matrix {
            elements: self.elements,
            rows: self.columns,
            columns: self.rows,
            strides: [right, down],
        }
    }
}

/// How many threads compute a product.
#[derive(Debug, Clone, Copy)]
pub enum Threads {
    /// All of rayon's pool.
    All,
    /// The one that calls.
    One,
}

/// Writes `a` times `b` into all of `to`, row by row. The sums are the same on any number of threads.
///
/// # Panics
/// If the sizes do not fit together.
pub fn multiply<T: Scalar>(
    a: Matrix<T>,
    b: Matrix<T>,
    to: &mut [MaybeUninit<T>],
    threads: Threads,
) {
    assert_eq!(to.len(), a.rows * b.columns);
    multiply_rows(a, b, to, b.columns, threads);
}

/// The same, into rows of `to` that begin at multiples of `pitch`.
///
/// # Panics
/// If the sizes do not fit together.
pub fn multiply_rows<T: Scalar>(
    a: Matrix<T>,
    b: Matrix<T>,
    to: &mut [MaybeUninit<T>],
    pitch: usize,
    threads: Threads,
) {
    assert!(b.columns <= pitch && to.len() >= (a.rows - 1) * pitch + b.columns);
    // SAFETY: the rows lie in `to`, and are not read.
    unsafe { product(a, b, (to.as_mut_ptr().cast(), pitch), false, threads) }
}

/// The same, over all elements of `to`.
///
/// # Panics
/// If the sizes do not fit together.
pub fn overwrite<T: Scalar>(a: Matrix<T>, b: Matrix<T>, to: &mut [T], threads: Threads) {
    assert_eq!(to.len(), a.rows * b.columns);
    // SAFETY: they are held alone.
    unsafe { product(a, b, (to.as_mut_ptr(), b.columns), false, threads) }
}

/// Adds `a` times `b` to all of `to`, row by row. The sums are the same on any number of threads.
///
/// # Panics
/// If the sizes do not fit together.
pub fn add_product<T: Scalar>(a: Matrix<T>, b: Matrix<T>, to: &mut [T], threads: Threads) {
    assert_eq!(to.len(), a.rows * b.columns);
    let to = (to.as_mut_ptr(), b.columns);
    // SAFETY: they are initialised.
    unsafe { product(a, b, to, true, threads) }
}

/// Writes `a` times `b` to rows at a pitch, or adds it to them.
///
/// # Safety
/// The rows are held alone, and initialised where it is added to them.
unsafe fn product<T: Scalar>(
    a: Matrix<T>,
    b: Matrix<T>,
    (to, pitch): (*mut T, usize),
    adds: bool,
    threads: Threads,
) {
    assert_eq!(a.columns, b.rows);
    let parallelism = match threads {
        Threads::All => Parallelism::Rayon(0),
        Threads::One => Parallelism::None,
    };
    let [[a_down, a_right], [b_down, b_right]] =
        [a.strides, b.strides].map(|strides| strides.map(|stride| stride as isize));
    // SAFETY: the elements of `a` and `b` lie in their slices, as their constructors saw to, and the caller
    // vouches for the result.
    unsafe {
        gemm(
            a.rows,
            b.columns,
            a.columns,
            to,
            1,
            pitch as isize,
            adds,
            a.elements.as_ptr(),
            a_right,
            a_down,
            b.elements.as_ptr(),
            b_right,
            b_down,
            <T as From<f32>>::from(if adds { 1.0 } else { 0.0 }),
            <T as From<f32>>::from(1.0),
            false,
            false,
            false,
            parallelism,
        );
    }
}
