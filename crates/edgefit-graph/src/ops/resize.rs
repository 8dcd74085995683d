use super::{Context, axis_index};
use crate::error::Result;

/// Resampling along dimensions; `Upsample` is its older name.
///
/// Every dimension is resampled by itself: an element of the result is a weighted sum of a few
/// elements of the input, see [`Taps`].
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    filter: Filter,
    coordinates: Coordinates,
    target: Target,
    axes: Option<Vec<i64>>,
    aspect: Aspect,
    /// Start of the region for each listed dimension, then its end; of the size of the dimension.
    region: Vec<f32>,
    /// What stands outside of the input, with [`Coordinates::Region`].
    pub extrapolation: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Filter {
    Nearest(Rounding),
    Linear,
    /// Keys 1981, "Cubic convolution interpolation", with its free coefficient.
    Cubic {
        coefficient: f64,
        exclude_outside: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    PreferFloor,
    PreferCeil,
    Floor,
    Ceil,
    /// Down when the tensor grows and up when it shrinks, as before opset 11.
    Outwards,
}

/// Which point of the input belongs to an element of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    HalfPixelForNearest,
    Region,
}

#[derive(Debug, Clone, PartialEq)]
enum Target {
    Scales(Vec<f32>),
    Sizes(Vec<usize>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aspect {
    Stretch,
    NotLarger,
    NotSmaller,
}

/// How one dimension is resampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    /// The dimension.
    pub axis: usize,
    /// For each tap, for each element of the result: the element of the input and its weight.
    pub taps: Vec<(Vec<usize>, Vec<f32>)>,
    /// The elements of the result that lie outside of the input.
    pub outside: Vec<bool>,
}

impl Resize {
    /// How pixels between pixels are made: `Nearest`, `Linear` or `Cubic`.
    pub fn filter(&self) -> &'static str {
        match self.filter {
            Filter::Nearest(_) => "Nearest",
            Filter::Linear => "Linear",
            Filter::Cubic { .. } => "Cubic",
        }
    }

    pub(super) fn read(context: &Context) -> Result<Self> {
        let node = context.node;
        let simple = node.op == "Upsample" || context.opset() < 11;
        if node.int_or("antialias", 0)? != 0 {
            return Err(context.unsupported("an antialiasing filter"));
        }
        let coordinates = match node.string_or("coordinate_transformation_mode", "half_pixel")? {
            _ if simple => Coordinates::Asymmetric,
            "half_pixel" => Coordinates::HalfPixel,
            "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
            "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
            "align_corners" => Coordinates::AlignCorners,
            "asymmetric" => Coordinates::Asymmetric,
            "tf_half_pixel_for_nn" => Coordinates::HalfPixelForNearest,
            "tf_crop_and_resize" => Coordinates::Region,
            other => return Err(context.invalid(format!("coordinates '{other}' are not known"))),
        };
        let rounding = match node.string_or("nearest_mode", "round_prefer_floor")? {
            _ if simple => Rounding::Outwards,
            "round_prefer_floor" => Rounding::PreferFloor,
            "round_prefer_ceil" => Rounding::PreferCeil,
            "floor" => Rounding::Floor,
            "ceil" => Rounding::Ceil,
            other => return Err(context.invalid(format!("rounding '{other}' is not known"))),
        };
        let filter = match node.string_or("mode", "nearest")? {
            "nearest" => Filter::Nearest(rounding),
            "linear" | "bilinear" => Filter::Linear,
            "cubic" => Filter::Cubic {
                coefficient: node.float_or("cubic_coeff_a", -0.75)?.into(),
                exclude_outside: node.int_or("exclude_outside", 0)? != 0,
            },
            other => return Err(context.invalid(format!("mode '{other}' is not known"))),
        };
        let aspect = match node.string_or("keep_aspect_ratio_policy", "stretch")? {
            "stretch" => Aspect::Stretch,
            "not_larger" => Aspect::NotLarger,
            "not_smaller" => Aspect::NotSmaller,
            other => return Err(context.invalid(format!("policy '{other}' is not known"))),
        };
        Ok(Resize {
            filter,
            coordinates,
            target: Self::target(context, simple)?,
            axes: node.ints("axes")?.map(<[i64]>::to_vec),
            aspect,
            region: match coordinates {
                Coordinates::Region => context.constant_floats(1, "region")?.unwrap_or_default(),
                _ => Vec::new(),
            },
            extrapolation: node.float_or("extrapolation_value", 0.0)?,
        })
    }

    fn target(context: &Context, simple: bool) -> Result<Target> {
        if context.node.op == "Upsample" && context.opset() < 9 {
            let scales = match context.node.attributes.get("scales") {
                Some(crate::Attribute::Floats(scales)) => scales.clone(),
                _ => return Err(context.invalid("attribute 'scales' is missing")),
            };
            return Ok(Target::Scales(scales));
        }
        let scales = context.constant_floats(if simple { 1 } else { 2 }, "list of scales")?;
        // An empty list stands for an absent one, too.
        if let Some(scales) = scales.filter(|scales| !scales.is_empty()) {
            return Ok(Target::Scales(scales));
        }
        match context.node.input(3) {
            Some(_) if !simple => Ok(Target::Sizes(context.constant_sizes(3, "list of sizes")?)),
            _ => Err(context.invalid("neither scales nor sizes are given")),
        }
    }

    /// For each dimension of the shape `x` that is named: size of the result and scale.
    fn plan(&self, x: &[usize]) -> Result<Vec<(usize, usize, f64)>, String> {
        let problem = || format!("cannot resize {x:?} to {:?}", self.target);
        let axes = match &self.axes {
            None => (0..x.len()).collect(),
            Some(axes) => axes
                .iter()
                .map(|&axis| axis_index(axis, x.len()))
                .collect::<Result<Vec<_>, _>>()?,
        };
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
    pub fn taps(&self, x: &[usize]) -> Result<Vec<Taps>, String> {
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
            let sizes = (input as f32, output as f32);
            let at = |index| self.point(index as f32, sizes.0, sizes.1, scale as f32, region);
            let points: Vec<f64> = (0..output).map(|index| at(index).into()).collect();
            let last = input as f64 - 1.0;
            let outside = |point: &f64| {
                self.coordinates == Coordinates::Region && !(0.0..=last).contains(point)
            };
            let weighted: Vec<Vec<(i64, f64)>> = points
                .iter()
                .map(|&point| self.weights(point, input, scale))
                .collect();
            let taps = (0..weighted[0].len())
                .map(|tap| {
                    let of = weighted.iter().map(|taps| taps[tap]);
                    of.map(|(at, weight)| (at.clamp(0, input as i64 - 1) as usize, weight as f32))
                        .unzip()
                })
                .collect();
            all.push(Taps {
                axis,
                taps,
                outside: points.iter().map(outside).collect(),
            });
        }
        Ok(all)
    }

    /// The point of the input for element `x` of the result. In 32 bits, as engines compute it:
    /// where a point falls between two elements, the rounding decides.
    fn point(&self, x: f32, input: f32, output: f32, scale: f32, region: (f32, f32)) -> f32 {
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
                let (start, end) = region;
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
        match self.filter {
            Filter::Nearest(rounding) => {
                let up = match rounding {
                    Rounding::Floor => false,
                    Rounding::Outwards => scale < 1.0 && part > 0.0,
                    Rounding::Ceil => part > 0.0,
                    Rounding::PreferFloor => part > 0.5,
                    Rounding::PreferCeil => part >= 0.5,
                };
                vec![(first.saturating_add(up.into()), 1.0)]
            }
            Filter::Linear => vec![(first, 1.0 - part), (first.saturating_add(1), part)],
            Filter::Cubic {
                coefficient: a,
                exclude_outside,
            } => {
                let near = |d: f64| ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
                let far = |d: f64| ((d - 5.0) * d + 8.0) * d * a - 4.0 * a;
                let mut taps = vec![
                    (first.saturating_sub(1), far(part + 1.0)),
                    (first, near(part)),
                    (first.saturating_add(1), near(1.0 - part)),
                    (first.saturating_add(2), far(2.0 - part)),
                ];
                if exclude_outside {
                    let inside = |at: i64| (0..size as i64).contains(&at);
                    taps.iter_mut()
                        .filter(|(at, _)| !inside(*at))
                        .for_each(|(_, weight)| *weight = 0.0);
                    let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
                    taps.iter_mut().for_each(|(_, weight)| *weight /= sum);
                }
                taps
            }
        }
    }

    pub(super) fn infer(&self, x: &[usize]) -> Result<Vec<usize>, String> {
        let mut dims = x.to_vec();
        for (axis, output, _) in self.plan(x)? {
            dims[axis] = output;
        }
        Ok(dims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resize(filter: Filter, coordinates: Coordinates, size: usize) -> Resize {
        Resize {
            filter,
            coordinates,
            target: Target::Sizes(vec![size]),
            axes: None,
            aspect: Aspect::Stretch,
            region: Vec::new(),
            extrapolation: 0.0,
        }
    }

    #[test]
    fn weights_sum_to_one() {
        for filter in [
            Filter::Linear,
            Filter::Cubic {
                coefficient: -0.75,
                exclude_outside: false,
            },
            Filter::Cubic {
                coefficient: -0.5,
                exclude_outside: true,
            },
        ] {
            let taps = &resize(filter, Coordinates::HalfPixel, 7)
                .taps(&[4])
                .unwrap()[0]
                .taps;
            for element in 0..7 {
                let sum: f32 = taps.iter().map(|(_, weights)| weights[element]).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{filter:?}: {sum}");
            }
        }
    }

    #[test]
    fn nearest_doubles() {
        let filter = Filter::Nearest(Rounding::Floor);
        let taps = resize(filter, Coordinates::Asymmetric, 6)
            .taps(&[3])
            .unwrap();
        assert_eq!(taps[0].taps[0].0, [0, 0, 1, 1, 2, 2]);
        assert!(
            resize(filter, Coordinates::Asymmetric, 3)
                .taps(&[3])
                .unwrap()
                .is_empty()
        );
    }
}
