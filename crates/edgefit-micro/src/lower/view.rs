//! [`View`]: bytes in memory, read as a value of the model.

use edgefit_graph::ops::Unary;

use super::table::table;
use crate::ops::{Op, Transpose};
use crate::program::{InputBy, Program, Quantization, Signature, Source, Step, TensorType};

/// Most bytes of a value: more than any microcontroller addresses.
const MOST_BYTES: usize = 1 << 28;

/// Bytes in memory, read as a value of the model: what its integers stand for, its shape, and the order
/// in which its dimensions lie in memory.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    /// Where the bytes are.
    pub source: Source,
    /// What they stand for.
    pub quantization: Quantization,
    /// Shape in the model.
    pub dims: Vec<usize>,
    /// The dimensions as they lie in memory, the slowest first.
    pub order: Vec<usize>,
}

/// A value of `rank` dimensions in memory with the second one, the channels, last.
pub(crate) fn channels_last(rank: usize) -> Vec<usize> {
    match rank {
        0..=2 => (0..rank).collect(),
        _ => [0].into_iter().chain(2..rank).chain([1]).collect(),
    }
}

/// The order in memory of an output of `dims` that lies in `order`: that of the model where it lies so, else channels
/// last. Where it lies in both, as dimensions of 1 lie anywhere, channels last.
pub(crate) fn output_order(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let last = channels_last(order.len());
    let lies = long(dims, order);
    if order.is_sorted() || (lies.is_sorted() && lies != long(dims, &last)) {
        (0..order.len()).collect()
    } else {
        last
    }
}

/// The dimensions of `order` that are longer than 1.
fn long(dims: &[usize], order: &[usize]) -> Vec<usize> {
    let axes = order.iter().copied();
    axes.filter(|&axis| dims[axis] != 1).collect()
}

impl View {
    /// Sizes as they lie in memory.
    pub fn memory_dims(&self) -> Vec<usize> {
        self.order.iter().map(|&axis| self.dims[axis]).collect()
    }

    /// Shape in memory and scale.
    pub fn ty(&self) -> TensorType {
        TensorType {
            dims: self.memory_dims(),
            quantization: self.quantization,
        }
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// For each dimension of the model, how far apart neighbours lie.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![0; self.dims.len()];
        let mut stride = 1;
        for &axis in self.order.iter().rev() {
            strides[axis] = stride;
            stride *= self.dims[axis];
        }
        strides
    }

    /// The same bytes in a shape of more dimensions, those that are new in front.
    #[must_use]
    pub fn widened(mut self, rank: usize) -> View {
        let more = rank.saturating_sub(self.dims.len());
        self.dims.splice(0..0, vec![1; more]);
        for axis in &mut self.order {
            *axis += more;
        }
        self.order.splice(0..0, 0..more);
        self
    }
}

/// What an op makes.
#[derive(Default)]
pub(super) struct Made {
    /// Shape in memory and scale.
    pub ty: TensorType,
    /// Scale of the weights of each output channel.
    pub weight_scales: Vec<f32>,
    /// The functions that a table computes.
    pub functions: Vec<Unary>,
}

impl Made {
    /// A value of `dims` in memory.
    pub fn of(dims: Vec<usize>, quantization: Quantization) -> Self {
        TensorType { dims, quantization }.into()
    }
}

impl From<TensorType> for Made {
    fn from(ty: TensorType) -> Self {
        Made {
            ty,
            ..Made::default()
        }
    }
}

/// Refuses values that no microcontroller holds, before anything of their size is made here.
pub(super) fn addressable(bytes: usize) -> Result<(), String> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(format!(
        "a value of {bytes} B is more than a microcontroller addresses; give a smaller --input-shape"
    ))
}

/// Adds values and steps to a program.
pub(super) struct Builder {
    pub values: Vec<usize>,
    pub steps: Vec<Step>,
}

impl Builder {
    /// A new value of `bytes`.
    pub fn value(&mut self, bytes: usize) -> Result<usize, String> {
        addressable(bytes)?;
        self.values.push(bytes);
        Ok(self.values.len() - 1)
    }

    /// A step for the node `node` that makes a new value.
    pub fn push(
        &mut self,
        node: &str,
        op: Op,
        views: &[&View],
        made: Made,
    ) -> Result<Source, String> {
        let output = self.value(made.ty.dims.iter().product())?;
        self.steps.push(Step {
            node: node.to_owned(),
            op,
            inputs: views.iter().map(|view| view.source.clone()).collect(),
            output,
            signature: Signature {
                inputs: views.iter().map(|view| view.ty()).collect(),
                output: made.ty,
                weight_scales: made.weight_scales,
                functions: made.functions,
            },
        });
        Ok(Source::Value(output))
    }

    /// `view` with its dimensions in memory in `order`; the bytes are moved only if that makes a difference.
    pub fn arranged(&mut self, node: &str, view: &View, order: &[usize]) -> Result<View, String> {
        let mut arranged = view.clone();
        arranged.order = order.to_vec();
        let wanted = long(&view.dims, order);
        if wanted == long(&view.dims, &view.order) {
            return Ok(arranged);
        }
        if wanted.len() > 4 {
            return Err(format!(
                "a transposition of {} dimensions has no kernel; there is one for 4",
                wanted.len()
            ));
        }
        let strides = view.strides();
        let mut transpose = Transpose {
            dims: [1; 4],
            strides: [0; 4],
        };
        for (to, axis) in (4 - wanted.len()..4).zip(wanted) {
            transpose.dims[to] = view.dims[axis];
            transpose.strides[to] = strides[axis];
        }
        let made = arranged.ty().into();
        arranged.source = self.apply(node, Op::Transpose(transpose), view, made)?;
        Ok(arranged)
    }

    /// `view` with another scale and zero point, its integers rounded anew where they have to be.
    pub fn requantized(
        &mut self,
        node: &str,
        view: &View,
        quantization: Quantization,
    ) -> Result<View, String> {
        let mut made = view.clone();
        made.quantization = quantization;
        if view.quantization != quantization {
            let table = table(view.quantization, quantization, |x| x);
            made.source = self.apply(node, table, view, made.ty().into())?;
        }
        Ok(made)
    }

    /// `op` of one value; of a constant it is computed here.
    pub fn apply(&mut self, node: &str, op: Op, view: &View, made: Made) -> Result<Source, String> {
        match &view.source {
            Source::Constant(constant) => {
                let mut bytes = vec![0; made.ty.dims.iter().product()];
                op.run(&[constant], &mut bytes);
                Ok(Source::Constant(bytes))
            }
            Source::Value(_) => self.push(node, op, &[view], made),
        }
    }

    /// The program of what was built, between an input and an output.
    pub fn into_program(self, input: crate::Port, output: crate::Port) -> Program {
        Program {
            values: self.values,
            steps: self.steps,
            input,
            output,
            input_by: InputBy::Whole,
            labels: Vec::new(),
            preprocessing: None,
            scaler: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_transposed_only_where_its_elements_lie_in_another_order() {
        let plain = [0, 1, 2, 3];
        let last = [0, 2, 3, 1];
        assert_eq!(output_order(&[1, 6, 5, 4], &last), last);
        assert_eq!(output_order(&[1, 5, 4, 6], &plain), plain);
        // A convolution of one row, its columns first.
        assert_eq!(output_order(&[1, 4, 6, 1], &[0, 3, 1, 2]), plain);
        assert_eq!(output_order(&[1, 4, 6, 2], &[0, 3, 1, 2]), last);
        // These lie in both orders.
        for dims in [[1, 1, 5, 4], [1, 6, 1, 1]] {
            assert_eq!(output_order(&dims, &last), last);
        }
    }
}
