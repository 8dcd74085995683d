//! The input elements and weights from which `Resize` makes each output element.

use super::{Aspect, Coordinates, Interpolation, Resize, Rounding, Target};

/// How one dimension is resampled.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisWeights {
    /// The dimension.
    pub axis: usize,
    /// For each kernel element, for each element of the result: the element of the input and its
    /// weight.
    pub kernel: Vec<(Vec<usize>, Vec<f32>)>,
    /// The elements of the result that lie outside of the input.
    pub outside: Vec<bool>,
}

/// Sizes of one dimension before and after, and the part of it that is read.
struct Line {
    input: f32,
    output: f32,
    scale: f32,
    region: (f32, f32),
}

impl Resize {
    /// For each dimension of the shape `x` that is named: size of the result and scale.
    fn plan(&self, x: &[usize]) -> Result<Vec<(usize, usize, f64)>, String> {
        let problem = || format!("cannot resize {x:?} to {:?}", self.target);
        let axes = self.axes(x.len())?;
        let length = match &self.target {
            Target::Scales(scales) => scales.len(),
            Target::Sizes(sizes) => sizes.len(),
        };
        if length != axes.len() || axes.iter().any(|&axis| x[axis] == 0) {
            return Err(problem());
        }
        let planned: Vec<(usize, usize, f64)> = match &self.target {
            Target::Scales(scales) => axes
                .into_iter()
                .zip(scales)
                .map(|(axis, &scale)| {
                    // In 32 bits, as engines compute it: there 10 · 1.1 is 11.
                    let output = (x[axis] as f32 * scale).floor();
                    (axis, output as usize, f64::from(scale))
                })
                .collect(),
            Target::Sizes(sizes) => {
                let scales = axes.iter().zip(sizes);
                let scales = scales.map(|(&axis, &size)| size as f64 / x[axis] as f64);
                let common = match self.aspect {
                    Aspect::Stretch => None,
                    Aspect::NotLarger => scales.reduce(f64::min),
                    Aspect::NotSmaller => scales.reduce(f64::max),
                };
                axes.into_iter()
                    .zip(sizes)
                    .map(|(axis, &size)| match common {
                        None => (axis, size, size as f64 / x[axis] as f64),
                        Some(scale) => (axis, (scale * x[axis] as f64).round() as usize, scale),
                    })
                    .collect()
            }
        };
        let sane = |&(axis, output, scale): &(usize, usize, f64)| {
            scale.is_finite() && scale > 0.0 && output > 0 && output / x[axis].max(1) < 1 << 16
        };
        if planned.iter().all(sane) {
            Ok(planned)
        } else {
            Err(problem())
        }
    }

    /// How each dimension that changes is resampled, for the input shape `x`.
    ///
    /// # Errors
    /// The target does not fit the shape.
    pub fn axis_weights(&self, x: &[usize]) -> Result<Vec<AxisWeights>, String> {
        let plan = self.plan(x)?;
        let count = plan.len();
        let mut all = Vec::new();
        for (index, (axis, output, scale)) in plan.into_iter().enumerate() {
            let region = if self.region.len() == 2 * count {
                (self.region[index], self.region[index + count])
            } else {
                (0.0, 1.0)
            };
            let input = x[axis];
            if input == output && scale == 1.0 && region == (0.0, 1.0) {
                continue;
            }
            let line = Line {
                input: input as f32,
                output: output as f32,
                scale: scale as f32,
                region,
            };
            let at = |index| self.point(index as f32, &line);
            let points: Vec<f64> = (0..output).map(|index| at(index).into()).collect();
            let last = input as f64 - 1.0;
            let outside = |point: &f64| {
                self.coordinates == Coordinates::Region && !(0.0..=last).contains(point)
            };
            let weighted: Vec<Vec<(i64, f64)>> = points
                .iter()
                .map(|&point| self.weights(point, input, scale))
                .collect();
            let kernel = (0..weighted[0].len())
                .map(|element| {
                    let of = weighted.iter().map(|kernel| kernel[element]);
                    of.map(|(at, weight)| (at.clamp(0, input as i64 - 1) as usize, weight as f32))
                        .unzip()
                })
                .collect();
            all.push(AxisWeights {
                axis,
                kernel,
                outside: points.iter().map(outside).collect(),
            });
        }
        Ok(all)
    }

    /// The point of the input for element `x` of the result. In 32 bits, as engines compute it:
    /// where a point falls between two elements, the rounding decides.
    fn point(&self, x: f32, line: &Line) -> f32 {
        let &Line {
            input,
            output,
            scale,
            region: (start, end),
        } = line;
        // With scales, the specification computes with the size before it is rounded down.
        let exact = scale * input;
        match self.coordinates {
            Coordinates::HalfPixel => (x + 0.5) / scale - 0.5,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = output / exact;
                input / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
            }
            Coordinates::PytorchHalfPixel if output > 1.0 => (x + 0.5) / scale - 0.5,
            Coordinates::PytorchHalfPixel => 0.0,
            Coordinates::AlignCorners if exact == 1.0 => 0.0,
            Coordinates::AlignCorners => x * (input - 1.0) / (exact - 1.0),
            Coordinates::Asymmetric => x / scale,
            Coordinates::HalfPixelForNearest => (x + 0.5) / scale,
            Coordinates::Region => {
                if output > 1.0 {
                    start * (input - 1.0) + x * (end - start) * (input - 1.0) / (output - 1.0)
                } else {
                    0.5 * (start + end) * (input - 1.0)
                }
            }
        }
    }

    /// Elements and weights for the point `at` of a dimension of `size` that is scaled by `scale`;
    /// always as many.
    fn weights(&self, at: f64, size: usize, scale: f64) -> Vec<(i64, f64)> {
        let floor = at.floor();
        let part = at - floor;
        let first = floor as i64;
        match self.interpolation {
            Interpolation::Nearest(rounding) => {
                let up = match rounding {
                    Rounding::Floor => false,
                    Rounding::Outwards => scale < 1.0 && part > 0.0,
                    Rounding::Ceil => part > 0.0,
                    Rounding::PreferFloor => part > 0.5,
                    Rounding::PreferCeil => part >= 0.5,
                };
                vec![(first.saturating_add(up.into()), 1.0)]
            }
            Interpolation::Linear => vec![(first, 1.0 - part), (first.saturating_add(1), part)],
            Interpolation::Cubic {
                coefficient: a,
                exclude_outside,
            } => {
                let near = |d: f64| ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
                let far = |d: f64| ((d - 5.0) * d + 8.0) * d * a - 4.0 * a;
                let mut kernel = vec![
                    (first.saturating_sub(1), far(part + 1.0)),
                    (first, near(part)),
                    (first.saturating_add(1), near(1.0 - part)),
                    (first.saturating_add(2), far(2.0 - part)),
                ];
                if exclude_outside {
                    let inside = |at: i64| (0..size as i64).contains(&at);
                    kernel
                        .iter_mut()
                        .filter(|(at, _)| !inside(*at))
                        .for_each(|(_, weight)| *weight = 0.0);
                    let sum: f64 = kernel.iter().map(|(_, weight)| weight).sum();
                    kernel.iter_mut().for_each(|(_, weight)| *weight /= sum);
                }
                kernel
            }
        }
    }

    pub(in crate::ops) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let mut dims = x.to_vec();
        for (axis, output, _) in self.plan(x)? {
            dims[axis] = output;
        }
        Ok(dims)
    }
}
