//! Shapes of arrays from text.

/// The shape of a number alone.
const SCALAR: &str = "scalar";

/// Reads sizes with `x` or a comma between them, whose product is the elements of an array of 32-bit numbers; `scalar`
/// is none.
///
/// ```
/// assert_eq!(edgefit_base::units::shape("1x3x224x224"), Ok(vec![1, 3, 224, 224]));
/// ```
///
/// # Errors
/// It is something else, or more than an address space holds.
pub fn shape(text: &str) -> Result<Vec<usize>, String> {
    if text == SCALAR {
        return Ok(Vec::new());
    }
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
        .ok_or_else(|| "must be sizes above 0 with x between them, such as 1x3x224x224".into())
}

/// The text that [`shape`] reads as these sizes.
pub fn shape_argument(sizes: &[usize]) -> String {
    if sizes.is_empty() {
        return SCALAR.to_owned();
    }
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    sizes.join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_sizes_above_zero() {
        for bad in ["", "1x", "0x3", "axb", "-1x3", "4294967296x4294967296"] {
            assert!(shape(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for sizes in [vec![], vec![7], vec![1, 3, 224, 224]] {
            assert_eq!(shape(&shape_argument(&sizes)), Ok(sizes));
        }
    }
}
