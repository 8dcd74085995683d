//! Shapes of arrays from text.

/// Reads sizes with `x` or a comma between them, whose product is the elements of an array of 32-bit numbers.
///
/// ```
/// assert_eq!(edgefit_base::units::shape("1x3x224x224"), Ok(vec![1, 3, 224, 224]));
/// ```
///
/// # Errors
/// It is something else, or more than an address space holds.
pub fn shape(text: &str) -> Result<Vec<usize>, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_sizes_above_zero() {
        for bad in ["", "1x", "0x3", "axb", "-1x3", "4294967296x4294967296"] {
            assert!(shape(bad).is_err(), "{bad}");
        }
    }
}
