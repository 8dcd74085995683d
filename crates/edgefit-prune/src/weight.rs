//! [`Weight`]: the weight of a layer, element by element: channel made, channel read, tap of the kernel.

use edgefit_graph::{Graph, Tensor};

use crate::error::Result;
use crate::layer::Layer;

/// A weight and how its elements lie.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    pub values: Vec<f32>,
    dims: Vec<usize>,
    axes: [usize; 2],
    groups: usize,
    /// Taps of the kernel.
    pub taps: usize,
}

impl Weight {
    /// Of `layer` in `graph`.
    ///
    /// # Errors
    /// It is not of floats.
    pub fn of(graph: &Graph, layer: &Layer) -> Result<Self> {
        let name = &graph.nodes[layer.node].inputs[layer.weight];
        let tensor = &graph.initializers[name];
        let dims = tensor.dims().to_vec();
        let kernel: usize = dims[2..].iter().product();
        Ok(Weight {
            values: tensor.to_f32()?,
            axes: layer.weight_axes,
            groups: layer.groups,
            taps: kernel,
            dims,
        })
    }

    /// As it is stored.
    pub fn tensor(&self) -> Tensor {
        Tensor::from_values(self.dims.clone(), &self.values)
    }

    /// Channels that it makes.
    pub fn outputs(&self) -> usize {
        self.dims[self.axes[1]]
    }

    /// Channels that each group reads.
    pub fn width(&self) -> usize {
        self.dims[self.axes[0]]
    }

    /// Place of the element for the channel `made`, the channel `read` of its group, and a tap.
    pub fn at(&self, made: usize, read: usize, tap: usize) -> usize {
        let kernel = self.taps;
        let stride = |axis: usize| {
            if axis == 0 {
                self.dims[1] * kernel
            } else {
                kernel
            }
        };
        made * stride(self.axes[1]) + read * stride(self.axes[0]) + tap
    }

    /// Channels that the group `group` makes.
    pub fn made_by(&self, group: usize) -> std::ops::Range<usize> {
        let count = self.outputs() / self.groups;
        group * count..(group + 1) * count
    }
}
