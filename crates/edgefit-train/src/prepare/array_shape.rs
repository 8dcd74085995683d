//! Whether the input of a model takes the samples of arrays, and what would make it.

use edgefit_graph::{Dim, Graph};

/// Checks that the only input of the graph takes samples of the shape `made`.
///
/// # Errors
/// Both shapes, and the line of Python or the flag that makes them the same.
pub(crate) fn require_fit(graph: &Graph, made: &[usize], data: &str) -> Result<(), String> {
    let inputs: Vec<_> = graph.free_inputs().collect();
    let [input] = inputs.as_slice() else {
        return Err(format!("has {} inputs; a backbone has one", inputs.len()));
    };
    let Some([_, wanted @ ..]) = input.dims() else {
        return Ok(());
    };
    if fits(wanted, made) {
        return Ok(());
    }
    Err(format!(
        "its input '{}' takes samples of shape {}, and those of {data} are of {}; {}",
        input.name,
        shape(wanted),
        shape(made),
        fix(wanted, made)
    ))
}

fn fits(wanted: &[Dim], made: &[usize]) -> bool {
    let mut sizes = wanted.iter().zip(made);
    wanted.len() == made.len() && sizes.all(|(dim, size)| fits_one(dim, *size))
}

fn fits_one(dim: &Dim, size: usize) -> bool {
    !matches!(dim, Dim::Known(known) if *known != size)
}

/// What makes samples of the shape `made` fit, as far as that can be told.
fn fix(wanted: &[Dim], made: &[usize]) -> String {
    let channels = |made: &[usize]| {
        let pair = wanted.first().zip(made.first());
        pair.is_some_and(|(dim, size)| fits_one(dim, *size))
    };
    if wanted.len() == made.len() {
        for (turned, axes) in turned(made) {
            if fits(wanted, &turned) {
                return format!("save x.transpose({axes})");
            }
        }
        if channels(made) {
            return format!(
                "save samples of its size, or give {} if it can take theirs",
                input_shape(made)
            );
        }
        for (turned, axes) in turned(made) {
            if channels(&turned) {
                return format!(
                    "save x.transpose({axes}), and give {} if it can take their size",
                    input_shape(&turned)
                );
            }
        }
        return "save samples of its shape, or take another backbone".into();
    }
    let sizes: Vec<usize> = wanted.iter().filter_map(size).collect();
    let same = sizes.len() == wanted.len()
        && sizes.iter().product::<usize>() == made.iter().product::<usize>();
    if same {
        return format!("save x.reshape(len(x), {})", joined(&sizes));
    }
    if let [Dim::Known(count), rest @ ..] = wanted
        && fits(rest, made)
    {
        return format!("save x[:, None].repeat({count}, axis=1) for as many channels");
    }
    "save samples of its shape, or take another backbone".into()
}

/// The shape with its last axis in front, and with its first one behind; and the axes of a batch that
/// make it so.
fn turned(made: &[usize]) -> [(Vec<usize>, String); 2] {
    let axes: Vec<usize> = (1..=made.len()).collect();
    let turn = |by: usize| {
        let (mut made, mut axes) = (made.to_vec(), axes.clone());
        made.rotate_left(by);
        axes.rotate_left(by);
        (made, format!("0, {}", joined(&axes)))
    };
    [turn(made.len().saturating_sub(1)), turn(made.len().min(1))]
}

fn size(dim: &Dim) -> Option<usize> {
    match dim {
        Dim::Known(size) => Some(*size),
        _ => None,
    }
}

fn input_shape(made: &[usize]) -> String {
    let sizes: Vec<String> = made.iter().map(ToString::to_string).collect();
    format!("--input-shape 1x{}", sizes.join("x"))
}

fn shape<T: ToString>(sizes: &[T]) -> String {
    format!("({})", joined(sizes))
}

fn joined<T: ToString>(sizes: &[T]) -> String {
    let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
    sizes.join(", ")
}

#[cfg(test)]
mod tests {
    use edgefit_graph::ValueInfo;

    use super::*;

    fn told(wanted: &[Dim], made: &[usize]) -> Result<(), String> {
        let mut graph = Graph::new("net", 17);
        let batch = std::iter::once(Dim::Symbol("batch".into()));
        let dims = batch.chain(wanted.iter().cloned()).collect();
        graph.inputs.push(ValueInfo::f32("input", dims));
        require_fit(&graph, made, "data.npz")
    }

    #[test]
    fn both_shapes_and_the_fix_are_told() {
        use Dim::Known;
        let series = [Known(9), Known(128)];
        let image = [Known(3), Known(64), Known(64)];
        for (wanted, made, fix) in [
            (&series[..], &[128, 9][..], "x.transpose(0, 2, 1)"),
            (&series, &[1152], "x.reshape(len(x), 9, 128)"),
            (&series, &[9, 100], "--input-shape 1x9x100"),
            (&series, &[7, 7], "another backbone"),
            (&image, &[64, 64, 3], "x.transpose(0, 3, 1, 2)"),
            (
                &image,
                &[28, 28, 3],
                "x.transpose(0, 3, 1, 2), and give --input-shape 1x3x28x28",
            ),
            (&image, &[64, 64], "x[:, None].repeat(3, axis=1)"),
            (
                &[Known(1), Known(8), Known(8)],
                &[8, 8],
                "x.reshape(len(x), 1, 8, 8)",
            ),
        ] {
            let error = told(wanted, made).unwrap_err();
            assert!(error.contains(fix), "{error}");
            assert!(error.contains(&shape(wanted)), "{error}");
            assert!(error.contains(&shape(made)), "{error}");
        }
        assert_eq!(told(&series, &[9, 128]), Ok(()));
        assert_eq!(told(&[Known(9), Dim::Unknown], &[9, 77]), Ok(()));
    }
}
