//! Rows of values as the inputs of a graph.

use edgefit_burn::Value;
use edgefit_burn::burn::tensor::{Device, Tensor};
use edgefit_graph::infer::InputShapes;
use edgefit_graph::preprocessing::Layout;
use edgefit_graph::{Graph, ImageInput};

use crate::error::{Error, Result};

/// How a row of values is divided among the inputs of a graph.
pub(crate) struct Inputs {
    /// Shape of one sample of each.
    dims: Vec<Vec<usize>>,
    /// Of the only one, if it is an image.
    raster: Option<Raster>,
}

/// How an image lies in memory: `planes` of `height` rows of `width` pixels of `values` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raster {
    pub planes: usize,
    pub height: usize,
    pub width: usize,
    pub values: usize,
}

impl Inputs {
    /// # Errors
    /// The graph leaves the shape of an input open.
    pub fn of(graph: &Graph) -> Result<Self> {
        let shapes = InputShapes::bind(graph, 1, None)?.0.into_iter();
        let sample = |(_, dims): (String, Vec<usize>)| dims.into_iter().skip(1).collect();
        let dims: Vec<Vec<usize>> = shapes.map(sample).collect();
        let layout = ImageInput::of(graph).map_or(Layout::ChannelsFirst, |input| input.layout);
        let raster = match (dims.as_slice(), layout) {
            ([only], Layout::ChannelsFirst) => match *only.as_slice() {
                [planes, height, width] => Some((planes, height, width, 1)),
                _ => None,
            },
            ([only], Layout::ChannelsLast) => match *only.as_slice() {
                [height, width, values] => Some((1, height, width, values)),
                _ => None,
            },
            _ => None,
        };
        Ok(Inputs {
            dims,
            raster: raster.map(|(planes, height, width, values)| Raster {
                planes,
                height,
                width,
                values,
            }),
        })
    }

    /// How the only input lies in memory, if it is an image.
    pub fn image(&self) -> Option<Raster> {
        self.raster
    }

    /// The inputs for a number of row-major `rows`.
    pub fn of_rows(&self, rows: &[f32], count: usize, device: &Device) -> Result<Vec<Value>> {
        let width = rows.len() / count.max(1);
        let mut start = 0;
        self.dims
            .iter()
            .map(|dims| {
                let length: usize = dims.iter().product();
                let own = |row: &[f32]| row.get(start..start + length).map(<[f32]>::to_vec);
                let values: Option<Vec<Vec<f32>>> = rows.chunks(width.max(1)).map(own).collect();
                start += length;
                let values = values.ok_or_else(|| {
                    Error::Stopped(format!(
                        "rows of {width} values do not fill inputs of shape {:?}",
                        self.dims
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
