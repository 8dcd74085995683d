//! Shapes of inputs on the command line.

use clap::Args;

#[derive(Debug, Args)]
pub struct Shape {
    /// Samples at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch: u32,

    /// Whole shape of the input, batch included, such as 1x3x224x224
    #[arg(long, value_name = "SHAPE", value_parser = dims, conflicts_with = "batch")]
    pub input_shape: Option<InputShape>,
}

/// A shape given on the command line.
#[derive(Debug, Clone)]
pub struct InputShape(pub Vec<usize>);

/// Reads sizes with `x` between them.
pub fn dims(text: &str) -> Result<InputShape, String> {
    edgefit::base::units::shape(text).map(InputShape)
}
