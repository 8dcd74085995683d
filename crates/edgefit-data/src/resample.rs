//! Bicubic resampling of 8-bit images, value for value as Pillow does it.
//!
//! Pillow is what prepares images wherever a model runs in Python, and one value that is rounded otherwise
//! is a step of the input. So the order of the two passes, the rounding between them and the fixed-point
//! weights are those of its `Resample.c`.

use image::RgbImage;
use pulp::{Arch, NullaryFnOnce};

/// Bits behind the point of a weight: 32, less the 8 of a value and 2 for sums above 1 and below 0.
const PRECISION: u32 = 32 - 8 - 2;

/// One half, for rounding.
const HALF: i32 = 1 << (PRECISION - 1);

/// How far the kernel reaches to either side, in pixels of the larger of the two scales.
const REACH: f64 = 2.0;

/// Rows that the first pass takes together, so that their values lie side by side.
const ROWS: usize = 16;

/// Values that are summed side by side: enough that the compiler makes vectors of them, and not of the
/// weights, of which there are few.
const LANES: usize = 3 * ROWS;

/// A rectangle of an image, in pixels; its corners may lie within pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CropBox {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

/// What lies in `area` as `width` × `height` pixels: Pillow's `resize` with `BICUBIC` and a `box`.
///
/// The image has pixels, and the area lies in it.
pub(crate) fn resample(image: &RgbImage, width: u32, height: u32, area: CropBox) -> RgbImage {
    let columns = kernels(image.width(), [area.left, area.left + area.width], width);
    let rows = kernels(image.height(), [area.top, area.top + area.height], height);
    // The first pass leaves out rows that the second does not read.
    let top = rows.iter().map(|row| row.first).min().unwrap_or(0);
    let bottom = rows.iter().map(Kernel::end).max().unwrap_or(0);
    let source_line = 3 * image.width() as usize;
    let line = (3 * width as usize).div_ceil(LANES);
    let mut narrowed = vec![[0; LANES]; (bottom - top) * line];
    let mut made = RgbImage::new(width, height);
    Arch::new().dispatch(Across {
        source: &image.as_raw()[top * source_line..bottom * source_line],
        source_line,
        kernels: &columns,
        target: narrowed.as_flattened_mut(),
        target_line: line * LANES,
    });
    Arch::new().dispatch(Down {
        source: &narrowed,
        source_line: line,
        top,
        kernels: &rows,
        target: &mut made,
        target_line: 3 * width as usize,
    });
    made
}

/// Weights of the pixels that one pixel is made of, from the `first` on.
struct Kernel {
    first: usize,
    weights: Vec<i32>,
}

impl Kernel {
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The kernels of `wanted` pixels that cover a part of `size` pixels.
fn kernels(size: u32, corners: [f64; 2], wanted: u32) -> Vec<Kernel> {
    // Pillow's box is of 32-bit floats.
    let [from, to] = corners.map(|corner| corner as f32);
    let scale = f64::from(to - from) / f64::from(wanted);
    let stretch = scale.max(1.0);
    let reach = REACH * stretch;
    let kernel = |at: u32| {
        let centre = f64::from(from) + (f64::from(at) + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(size as usize);
        let inverse = 1.0 / stretch;
        let pixels = first..end;
        let weights = pixels.map(|pixel| bicubic((pixel as f64 - centre + 0.5) * inverse));
        let weights: Vec<f64> = weights.collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: f64| (weight / total * f64::from(1 << PRECISION)).round() as i32;
        Kernel {
            first,
            weights: weights.into_iter().map(fixed).collect(),
        }
    };
    (0..wanted).map(kernel).collect()
}

/// The cubic of Catmull and Rom (Keys 1981 with a = −0.5).
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// The first pass: each row by itself.
///
/// The passes are types, because pulp compiles functions for a processor that are always inlined, and
/// closures are not.
struct Across<'a> {
    source: &'a [u8],
    source_line: usize,
    kernels: &'a [Kernel],
    target: &'a mut [u8],
    target_line: usize,
}

impl NullaryFnOnce for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        // Of each column its pixels in all rows, side by side.
        let mut pixels = vec![[0; LANES]; self.source_line / 3];
        let mut made = vec![[0; LANES]; self.kernels.len()];
        let sources = self.source.chunks(self.source_line * ROWS);
        let targets = self.target.chunks_mut(self.target_line * ROWS);
        for (source, target) in sources.zip(targets) {
            for (at, row) in source.chunks_exact(self.source_line).enumerate() {
                for (column, &pixel) in pixels.iter_mut().zip(row.as_chunks().0) {
                    column.as_chunks_mut::<3>().0[at] = pixel;
                }
            }
            for (kernel, made) in self.kernels.iter().zip(&mut made) {
                *made = weighted(&kernel.weights, pixels[kernel.first..].iter());
            }
            for (at, row) in target.chunks_exact_mut(self.target_line).enumerate() {
                for (pixel, column) in row.as_chunks_mut().0.iter_mut().zip(&made) {
                    *pixel = column.as_chunks::<3>().0[at];
                }
            }
        }
    }
}

/// The second pass: rows into fewer or more.
struct Down<'a> {
    source: &'a [[u8; LANES]],
    source_line: usize,
    /// Row of the image that is the first of the source.
    top: usize,
    kernels: &'a [Kernel],
    target: &'a mut [u8],
    target_line: usize,
}

impl NullaryFnOnce for Down<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let targets = self.target.chunks_exact_mut(self.target_line);
        for (kernel, target) in self.kernels.iter().zip(targets) {
            let from = (kernel.first - self.top) * self.source_line;
            for (at, target) in target.chunks_mut(LANES).enumerate() {
                let values = self.source[from + at..].iter().step_by(self.source_line);
                let made = weighted(&kernel.weights, values);
                target.copy_from_slice(&made[..target.len()]);
            }
        }
    }
}

#[inline(always)]
fn weighted<'a>(weights: &[i32], values: impl Iterator<Item = &'a [u8; LANES]>) -> [u8; LANES] {
    let mut sums = [HALF; LANES];
    for (&weight, values) in weights.iter().zip(values) {
        for (sum, &value) in sums.iter_mut().zip(values) {
            // Sums stay within 32 bits; a check would keep the compiler from making vectors.
            *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(value)));
        }
    }
    sums.map(|sum| (sum >> PRECISION).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests;
