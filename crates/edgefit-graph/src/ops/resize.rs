//! `Resize` and `Upsample`: their attributes.

mod weights;

pub use weights::AxisWeights;

use super::axis::axis_index;
use super::context::Context;
use crate::error::Result;
use crate::unsupported::UnsupportedReason;

/// Resampling along dimensions; `Upsample` is its older name.
///
/// Every dimension is resampled by itself: an element of the result is a weighted sum of a few
/// elements of the input, see [`AxisWeights`].
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    interpolation: Interpolation,
    coordinates: Coordinates,
    target: Target,
    axes: Option<Vec<i64>>,
    aspect: Aspect,
    /// Start of the region for each listed dimension, then its end; of the size of the dimension.
    region: Vec<f32>,
    /// The value outside of the input, with [`Coordinates::Region`].
    pub extrapolation: f32,
}

/// How a [`Resize`] interpolates values between elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The nearest element.
    Nearest,
    /// The two nearest elements.
    Linear,
    /// The four nearest elements.
    Cubic,
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Filter::Nearest => "Nearest",
            Filter::Linear => "Linear",
            Filter::Cubic => "Cubic",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Interpolation {
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

impl Resize {
    /// How values between elements are interpolated.
    pub fn filter(&self) -> Filter {
        match self.interpolation {
            Interpolation::Nearest(_) => Filter::Nearest,
            Interpolation::Linear => Filter::Linear,
            Interpolation::Cubic { .. } => Filter::Cubic,
        }
    }

    /// The dimensions that sizes or scales are given for, in their order, for a tensor of `rank` dimensions.
    ///
    /// # Errors
    /// A listed axis does not exist.
    pub fn axes(&self, rank: usize) -> Result<Vec<usize>, String> {
        match &self.axes {
            None => Ok((0..rank).collect()),
            Some(axes) => axes.iter().map(|&axis| axis_index(axis, rank)).collect(),
        }
    }

    pub(super) fn read(context: &Context) -> Result<Self> {
        let node = context.node;
        let simple = is_simple(context);
        if node.int_or("antialias", 0)? != 0 {
            return Err(context.unsupported(UnsupportedReason::Antialiasing));
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
        let interpolation = match node.string_or("mode", "nearest")? {
            "nearest" => Interpolation::Nearest(rounding),
            "linear" | "bilinear" => Interpolation::Linear,
            "cubic" => Interpolation::Cubic {
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
            interpolation,
            coordinates,
            target: Self::target(context)?,
            axes: node.ints("axes")?.map(<[i64]>::to_vec),
            aspect,
            region: match coordinates {
                Coordinates::Region => context.constant_floats(1, "region")?.unwrap_or_default(),
                _ => Vec::new(),
            },
            extrapolation: node.float_or("extrapolation_value", 0.0)?,
        })
    }

    fn target(context: &Context) -> Result<Target> {
        let simple = is_simple(context);
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
}

/// Whether the op is of the older form, without coordinates, rounding and sizes.
fn is_simple(context: &Context) -> bool {
    context.node.op == "Upsample" || context.opset() < 11
}

#[cfg(test)]
mod tests;
