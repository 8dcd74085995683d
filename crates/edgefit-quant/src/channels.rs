//! [`Channels`]: how the slices of a weight make output channels.

use edgefit_graph::{Node, Tensor};

/// How the slices of a weight make output channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channels<'g> {
    /// `Conv`, `Gemm` or `MatMul`.
    op: &'g str,
    dims: &'g [usize],
    /// Axis along which each slice makes one output channel.
    pub output_axis: usize,
    groups: usize,
}

impl<'g> Channels<'g> {
    /// Of the weight of `node`; nothing where its slices make no channels of their own.
    pub fn of(node: &'g Node, weight: &'g Tensor) -> Option<Self> {
        let dims = weight.dims();
        let output_axis = match node.op.as_str() {
            "Conv" => 0,
            "Gemm" if node.int_or("transB", 0).ok()? != 0 => 0,
            "Gemm" | "MatMul" => dims.len().checked_sub(1)?,
            _ => return None,
        };
        let groups = usize::try_from(node.int_or("group", 1).ok()?).ok()?;
        let is_whole = dims.len() >= 2 && weight.elements() > 0 && groups > 0;
        // Of a stack of matrices each has rows of its own.
        let is_single = node.op == "Conv" || dims.iter().rev().skip(2).all(|&size| size == 1);
        (is_whole && is_single && dims[0].is_multiple_of(groups)).then_some(Channels {
            op: &node.op,
            dims,
            output_axis,
            groups,
        })
    }

    /// How many output channels there are.
    pub fn outputs(&self) -> usize {
        self.dims[self.output_axis]
    }

    /// How many input channels there are.
    pub fn inputs(&self) -> usize {
        match (self.op, self.output_axis) {
            ("Conv", _) => self.dims[1] * self.groups,
            (_, 0) => self.dims[1],
            _ => self.dims[self.dims.len() - 2],
        }
    }

    /// Groups of output channels that read input channels of their own.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Inputs of an output: elements of a row.
    pub fn width(&self) -> usize {
        self.dims.iter().product::<usize>() / self.outputs().max(1)
    }

    /// The elements that make the output channel `output`, as they lie in a patch of the input.
    pub fn row(&self, output: usize) -> impl Iterator<Item = usize> {
        let width = self.width();
        let (start, step) = match self.output_axis {
            0 => (output * width, 1),
            _ => (output, self.outputs()),
        };
        (0..width).map(move |at| start + at * step)
    }

    /// The group of the output channel `output`.
    pub fn group(&self, output: usize) -> usize {
        output / (self.outputs() / self.groups).max(1)
    }

    /// Output and input channel of the element at `index`, row-major.
    pub fn at(&self, index: usize) -> (usize, usize) {
        let inner: usize = self.dims[self.output_axis + 1..].iter().product();
        let output = (index / inner) % self.outputs();
        let input = match (self.op, self.output_axis) {
            ("Conv", _) => {
                let kernel: usize = self.dims[2..].iter().product();
                let group = output / (self.outputs() / self.groups);
                group * self.dims[1] + index / kernel % self.dims[1]
            }
            (_, 0) => index % inner,
            _ => index / self.outputs() % self.inputs(),
        };
        (output, input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgefit_graph::Attribute;

    fn channels_of(node: &Node, dims: &[usize]) -> Vec<(usize, usize)> {
        let elements: usize = dims.iter().product();
        let weight = Tensor::from_values(dims.to_vec(), &vec![0f32; elements]);
        let channels = Channels::of(node, &weight).unwrap();
        (0..elements).map(|index| channels.at(index)).collect()
    }

    #[test]
    fn every_layout_of_a_weight_is_told_apart() {
        let conv = Node::new("Conv", "c", &["x", "w"], &["y"]);
        let grouped = conv.clone().with("group", Attribute::Int(2));
        let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
        assert_eq!(channels_of(&conv, &[2, 2, 1]), pairs);
        assert_eq!(channels_of(&grouped, &[2, 1, 2])[1..3], [(0, 0), (1, 1)]);
        let gemm = Node::new("Gemm", "g", &["x", "w"], &["y"]);
        let transposed = gemm.clone().with("transB", Attribute::Int(1));
        assert_eq!(channels_of(&transposed, &[2, 2]), pairs);
        assert_eq!(channels_of(&gemm, &[2, 2])[1..3], [(1, 0), (0, 1)]);
    }

    #[test]
    fn a_stack_of_matrices_has_no_channels_of_its_own() {
        let node = Node::new("MatMul", "m", &["x", "w"], &["y"]);
        let is_known = |dims: [usize; 3]| {
            let elements: usize = dims.iter().product();
            let weight = Tensor::from_values(dims.to_vec(), &vec![0f32; elements]);
            Channels::of(&node, &weight).is_some()
        };
        assert!(is_known([1, 3, 2]) && !is_known([2, 3, 2]));
    }
}
