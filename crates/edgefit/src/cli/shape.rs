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
    let sizes = text
        .split(['x', ','])
        .map(|size| size.trim().parse().ok().filter(|&size| size > 0))
        .collect::<Option<Vec<usize>>>();
    let fits = |sizes: &Vec<usize>| {
        let elements = sizes
            .iter()
            .try_fold(4, |bytes: usize, &size| bytes.checked_mul(size));
        elements.is_some()
    };
    sizes
        .filter(fits)
        .map(InputShape)
        .ok_or_else(|| "must be sizes above 0 with x between them, such as 1x3x224x224".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_sizes_above_zero() {
        assert_eq!(dims("1x3x224x224").unwrap().0, [1, 3, 224, 224]);
        for bad in ["", "1x", "0x3", "axb", "-1x3", "4294967296x4294967296"] {
            assert!(dims(bad).is_err(), "{bad}");
        }
    }
}
