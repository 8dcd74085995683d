//! Softmax and LogSoftmax.

use burn::tensor::activation;
use edgefit_graph::ops::Softmax;

use crate::value::{Floats, on_rank};

pub(super) fn forward(softmax: Softmax, x: Floats) -> Result<Floats, String> {
    let dims = x.dims();
    let axis = softmax.axis_index(dims.len())?;
    if !softmax.to_the_end {
        return Ok(along(softmax, x, axis));
    }
    let (rows, columns) = dims.split_at(axis);
    let matrix = x.reshape(&[rows.iter().product(), columns.iter().product()])?;
    along(softmax, matrix, 1).reshape(&dims)
}

fn along(softmax: Softmax, x: Floats, axis: usize) -> Floats {
    on_rank!(x, x => {
        let result = if softmax.log {
            activation::log_softmax(x, axis)
        } else {
            activation::softmax(x, axis)
        };
        result.into()
    })
}
