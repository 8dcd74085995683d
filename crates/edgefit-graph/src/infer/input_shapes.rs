//! [`InputShapes`]: concrete shapes for the inputs of a graph.

use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, ValueInfo, ValueType};
use crate::image_input::ImageInput;
use crate::preprocessing::Preprocessing;

/// Concrete shapes for the graph's free inputs, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputShapes(pub Vec<(String, Vec<usize>)>);

impl InputShapes {
    /// Shapes for `batch` samples; every dimension but the batch is as the model declares it. A batch
    /// of 1 in the file of a model with one input is no limit; of several inputs, fixed sizes are kept.
    ///
    /// `given`, if any, is the whole shape of the model's only input and overrides what is
    /// declared, its batch included. Without it, unknown sizes are taken from the model's
    /// preprocessing.
    ///
    /// # Errors
    /// A dimension stays unknown, or `given` has another number of dimensions than declared.
    pub fn bind(graph: &Graph, batch: usize, given: Option<&[usize]>) -> Result<Self> {
        let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
        if let (Some(given), [input]) = (given, inputs.as_slice()) {
            // Sizes written into the file may be changed on purpose (a smaller resolution); the
            // number of dimensions may not.
            if let Some(dims) = input.dims().filter(|dims| dims.len() != given.len()) {
                return Err(Error::invalid(
                    format!("graph input '{}'", input.name),
                    format!("has {} dimensions, not the shape {given:?}", dims.len()),
                ));
            }
            return Ok(InputShapes(vec![(input.name.clone(), given.to_vec())]));
        }
        if given.is_some() {
            return Err(Error::invalid(
                "graph inputs",
                format!(
                    "an input shape was given, but the model has {} inputs",
                    inputs.len()
                ),
            ));
        }
        let preprocessing = Preprocessing::of(graph)?;
        let prepared = preprocessing.map(|known| known.dims());
        // Of several inputs, one may have a single row whatever the batch is.
        let only = inputs.len() == 1;
        let bound = inputs
            .into_iter()
            .map(|input| {
                let dims = match (input.dims(), &input.ty) {
                    (Some(dims), ValueType::Tensor { .. }) => dims,
                    _ => return Err(unknown(graph, input, "its shape")),
                };
                let sizes = dims
                    .iter()
                    .enumerate()
                    .map(|(axis, dim)| match (dim, axis, &prepared) {
                        (Dim::Known(1), 0, _) if only => Ok(batch),
                        (Dim::Known(size), ..) => Ok(*size),
                        (_, 0, _) => Ok(batch),
                        (_, axis, Some(sizes)) if dims.len() == 4 => Ok(sizes[axis - 1]),
                        _ => Err(unknown(graph, input, &format!("dimension {axis}"))),
                    })
                    .collect::<Result<_>>()?;
                Ok((input.name.clone(), sizes))
            })
            .collect::<Result<_>>()?;
        Ok(InputShapes(bound))
    }

    /// The shapes of arrays, one for each input in turn.
    ///
    /// # Errors
    /// There are more or fewer than inputs, or one has sizes that the model does not take; how many samples there are
    /// is the array's to say.
    pub fn of_arrays(graph: &Graph, shapes: Vec<Vec<usize>>) -> Result<Self> {
        let inputs: Vec<_> = graph.free_inputs().collect();
        if inputs.len() != shapes.len() {
            return Err(Error::invalid(
                "graph inputs",
                format!(
                    "there are {} and {} arrays were given; give an array for each",
                    inputs.len(),
                    shapes.len()
                ),
            ));
        }
        let named = inputs.iter().zip(shapes).map(|(input, shape)| {
            let declared = input.dims().unwrap_or_default();
            let alike = |(axis, (dim, size)): (usize, (&Dim, &usize))| match dim {
                Dim::Known(known) => axis == 0 || known == size,
                _ => true,
            };
            let fits =
                declared.len() == shape.len() && declared.iter().zip(&shape).enumerate().all(alike);
            if input.dims().is_none() || fits {
                return Ok((input.name.clone(), shape));
            }
            let words: Vec<String> = declared.iter().map(ToString::to_string).collect();
            Err(Error::invalid(
                format!("graph input '{}'", input.name),
                format!(
                    "takes [{}] and the array has the shape {shape:?}; reshape the array",
                    words.join(", ")
                ),
            ))
        });
        Ok(InputShapes(named.collect::<Result<_>>()?))
    }
}

fn unknown(graph: &Graph, input: &ValueInfo, what: &str) -> Error {
    let example = ImageInput::of(graph).map_or("1x3x224x224".into(), |input| input.example());
    Error::invalid(
        format!("graph input '{}'", input.name),
        format!("{what} is not known; give it with --input-shape, such as {example}"),
    )
}
