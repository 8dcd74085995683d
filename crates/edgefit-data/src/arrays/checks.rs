//! What an array must hold to be trained on or fed to a model: samples, and finite numbers.

/// Puts the name of an array before what is wrong with it.
pub(super) fn about(name: &str) -> impl Fn(String) -> String {
    let name = name.to_owned();
    move |problem| format!("array '{name}' {problem}")
}

/// Refuses an array without samples, or of no dimension.
pub(super) fn require_samples(shape: &[usize]) -> Result<(), String> {
    match shape {
        [] => Err("is a single number; give an array, one row a sample".into()),
        _ if shape.contains(&0) => Err(format!("is empty (shape {shape:?}); give some samples")),
        _ => Ok(()),
    }
}

/// Refuses NaN and infinities, with their place; a sample has the shape `dims`.
pub(super) fn require_finite(values: &[f32], dims: &[usize]) -> Result<(), String> {
    let Some(bad) = values.iter().position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let what = if values[bad].is_nan() {
        "NaN"
    } else {
        "an infinite number, or one too large for 32 bits,"
    };
    let mut rest = bad;
    let mut index: Vec<usize> = dims
        .iter()
        .rev()
        .map(|dim| {
            let index = rest % dim;
            rest /= dim;
            index
        })
        .collect();
    index.reverse();
    let sample = dims.iter().product::<usize>().max(1);
    let samples = values.chunks(sample);
    let others = samples.filter(|sample| sample.iter().any(|value| !value.is_finite()));
    let more = match others.count().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more samples are as bad"),
    };
    Err(format!(
        "holds {what} in sample {rest} at {index:?}{more}; remove such samples or fill the gaps"
    ))
}
