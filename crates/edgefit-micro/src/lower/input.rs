//! What a program takes: one input of one sample, and what an array goes through before it is that.

use edgefit_base::units::shape_argument;
use edgefit_graph::rewrite::fix_input;
use edgefit_graph::{DataType, Dim, Graph, StandardScaler, ValueInfo, ValueType};

use crate::error::{Error, Result};

/// The input that a program can have: one, of floats, of one sample.
pub(super) fn only_input(graph: &Graph) -> Result<&ValueInfo> {
    let border = |name: &str, problem: String| Error::Border {
        place: format!("graph input '{name}'"),
        problem,
    };
    let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
    let [input] = inputs.as_slice() else {
        return Err(Error::Border {
            place: "graph inputs".into(),
            problem: format!("there are {}; a program has one", inputs.len()),
        });
    };
    if let ValueType::Tensor { dtype, .. } = &input.ty
        && *dtype != DataType::F32
    {
        return Err(border(
            &input.name,
            format!(
                "takes {dtype}; a program takes int8 made of floats: export the model with a float input, its \
                 scaling outside, and quantise that"
            ),
        ));
    }
    if let Some([Dim::Known(batch @ 2..), ..]) = input.dims() {
        let problem = format!(
            "is for batches of {batch}, and a program runs one sample at a time; export it for one, or with a \
             dynamic batch"
        );
        return Err(border(&input.name, problem));
    }
    Ok(input)
}

/// Declares the only input of `graph` to be of the whole shape `shape`, which is that of one sample; one of several
/// is declared, and refused.
///
/// # Errors
/// As of [`fix_input`], or `shape` is that of several samples.
pub fn fix_sample(graph: &mut Graph, shape: &[usize]) -> Result<()> {
    fix_input(graph, shape)?;
    let [batch @ (0 | 2..), sample @ ..] = shape else {
        return Ok(());
    };
    let fix = match sample {
        [] => "use a model whose input has a dimension of the samples, and another".to_owned(),
        _ => format!("give {}", shape_argument(&[&[1], sample].concat())),
    };
    Err(Error::Border {
        place: format!("shape {}", shape_argument(shape)),
        problem: format!("is of {batch} samples, and this takes one sample at a time; {fix}"),
    })
}

/// What standardises the arrays that `graph` takes, if it says so; its input is of the sizes `dims` in memory, each of
/// them a dimension of the model.
///
/// # Errors
/// It has another number of channels.
pub(crate) fn scaler(
    graph: &Graph,
    (dims, order): (&[usize], &[usize]),
) -> Result<Option<StandardScaler>> {
    let scaler = StandardScaler::of(graph)?;
    let place = order.iter().position(|&axis| axis == 1);
    let channels = place.map_or(1, |place| dims[place]);
    match scaler {
        Some(scaler) if scaler.mean.len() != channels => Err(Error::Border {
            place: "metadata 'edgefit.scaler'".into(),
            problem: format!(
                "is for {} channels, and the input has {channels}; correct it, or take it out",
                scaler.mean.len()
            ),
        }),
        scaler => Ok(scaler),
    }
}
