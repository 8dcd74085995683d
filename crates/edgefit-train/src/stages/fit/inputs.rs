//! Rows of values as the inputs of a graph.

use edgefit_burn::Value;
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_graph::Graph;
use edgefit_graph::infer::InputShapes;

use crate::error::{Error, Result};

/// How a row of values is divided among the inputs of a graph.
pub(crate) struct Inputs(Vec<Vec<usize>>);

impl Inputs {
    /// # Errors
    /// The graph leaves the shape of an input open.
    pub fn of(graph: &Graph) -> Result<Self> {
        let shapes = InputShapes::bind(graph, 1, None)?.0.into_iter();
        let sample = |(_, dims): (String, Vec<usize>)| dims.into_iter().skip(1).collect();
        Ok(Inputs(shapes.map(sample).collect()))
    }

    /// Channels, height and width, if there is one input and it is an image.
    pub fn image(&self) -> Option<[usize; 3]> {
        match self.0.as_slice() {
            [dims] => dims.as_slice().try_into().ok(),
            _ => None,
        }
    }

    /// The inputs for a number of row-major `rows`.
    pub fn of_rows(&self, rows: &[f32], count: usize, device: &Device) -> Result<Vec<Value>> {
        let width = rows.len() / count.max(1);
        let mut start = 0;
        self.0
            .iter()
            .map(|dims| {
                let length: usize = dims.iter().product();
                let own = |row: &[f32]| row.get(start..start + length).map(<[f32]>::to_vec);
                let values: Option<Vec<Vec<f32>>> = rows.chunks(width.max(1)).map(own).collect();
                start += length;
                let values = values.ok_or_else(|| {
                    Error::Stopped(format!(
                        "rows of {width} values do not fill inputs of shape {:?}",
                        self.0
                    ))
                })?;
                let dims = [&[count], dims.as_slice()].concat();
                Value::new(values.concat(), &dims, device).map_err(Error::Stopped)
            })
            .collect()
    }
}

/// The first output, of shape (batch, `outputs`).
pub(crate) fn first_output(made: Vec<Value>, outputs: usize) -> Result<Tensor<2>> {
    let Some(Value::Floats(made)) = made.into_iter().next() else {
        return Err(Error::Stopped(
            "the model's first output is not of a float type".into(),
        ));
    };
    let batch = made.dims().iter().product::<usize>() / outputs.max(1);
    let made = made.reshape(&[batch, outputs]);
    made.and_then(TryInto::try_into).map_err(Error::Stopped)
}
