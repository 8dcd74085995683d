//! Memory that the kernel of one node needs in addition to the activations.

use edgefit_graph::infer::Inference;
use edgefit_graph::ops::Op;
use edgefit_graph::quantized::IntegerNodes;
use edgefit_graph::{Graph, Node};

use super::element::ElementType;
use super::lifetime::Lifetime;
use crate::fused_steps::Steps;

/// What the kernels of nodes need in addition to the activations, each during the step that runs it; named
/// after the node.
///
/// For [`ElementType::Int8`], and for the nodes of a quantised model that run on integers, the buffers that
/// CMSIS-NN 6 asks for on a Cortex-M with the DSP extension (`arm_convolve_wrapper_s8_get_buffer_size_dsp`
/// and `arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp`); engines plan them with the activations, as
/// TensorFlow Lite for Microcontrollers does (`RequestScratchBufferInArena`). For floats none: reference
/// kernels read the input where it lies.
pub(super) fn scratch(
    graph: &Graph,
    inference: &Inference,
    element: ElementType,
    steps: &Steps,
) -> Vec<Lifetime> {
    let integers = IntegerNodes::of(graph);
    let of_node = |index: usize| {
        if element != ElementType::Int8 && !integers.contains(index) {
            return None;
        }
        let bytes = convolution(
            &graph.nodes[index],
            inference.ops[index].as_ref()?,
            inference,
        )?;
        (bytes > 0).then(|| (graph.nodes[index].label().to_owned(), bytes))
    };
    let nodes = steps
        .steps
        .iter()
        .enumerate()
        .flat_map(|(at, step)| step.nodes.iter().map(move |&index| (at, index)));
    nodes
        .filter_map(|(at, index)| {
            let (name, bytes) = of_node(index)?;
            Some(Lifetime {
                name,
                lower: at,
                upper: at + 1,
                bytes,
            })
        })
        .collect()
}

/// Bytes that CMSIS-NN asks for to convolve in int8; `None` for anything else.
fn convolution(node: &Node, op: &Op, inference: &Inference) -> Option<u64> {
    let Op::Conv(conv) = op else {
        return None;
    };
    let x = &inference.get(node.input(0)?)?.dims;
    let weight = &inference.get(node.input(1)?)?.dims;
    let extents = conv.extents(x, weight).ok()?;
    let kernel = weight[2..]
        .iter()
        .fold(1u64, |product, &size| product.saturating_mul(size as u64));
    let (inputs, outputs) = (x[1] as u64, weight[0] as u64);
    const INT16: u64 = 2;
    if conv.groups > 1 && conv.groups == x[1] {
        let dense = extents.iter().all(|extent| extent.dilation == 1);
        let three = extents
            .iter()
            .all(|extent| extent.kernel == 3 && extent.before <= 1);
        return Some(if inputs != outputs || x[0] != 1 || !dense || three {
            0
        } else {
            inputs.saturating_mul(kernel).saturating_mul(INT16)
        });
    }
    let pointwise = kernel == 1 && extents.iter().all(|extent| extent.before == 0);
    if pointwise {
        return Some(0);
    }
    // Two columns of the input, each of a multiple of four, widened to 16 bits.
    let column = inputs.saturating_mul(kernel);
    let column = column.checked_next_multiple_of(4).unwrap_or(u64::MAX);
    Some(column.saturating_mul(2 * INT16))
}

#[cfg(test)]
mod tests {
    use edgefit_graph::infer::{InputShapes, infer};
    use edgefit_graph::{Attribute, Tensor, ValueInfo};

    use super::*;

    /// Scratch of a convolution of 6 channels of 8 × 8 with a weight of shape `weight`.
    fn of_conv(weight: [usize; 4], groups: i64, element: ElementType) -> u64 {
        let mut graph = Graph::new("conv", 17);
        graph.inputs.push(ValueInfo::float("x"));
        graph.outputs.push(ValueInfo::float("y"));
        let values = vec![0f32; weight.iter().product()];
        graph
            .initializers
            .insert("w".into(), Tensor::from_values(weight.to_vec(), &values));
        let pads = Attribute::Ints(vec![1; 4]);
        let mut node =
            Node::new("Conv", "conv", &["x", "w"], &["y"]).with("group", Attribute::Int(groups));
        if weight[2] > 1 {
            node = node.with("pads", pads);
        }
        graph.nodes.push(node);
        let shapes = InputShapes(vec![("x".into(), vec![1, 6, 8, 8])]);
        let inference = infer(&graph, &shapes).unwrap();
        let steps = Steps::of(&graph, &inference);
        let found = scratch(&graph, &inference, element, &steps);
        found.iter().map(|scratch| scratch.bytes).sum()
    }

    #[test]
    fn kernels_ask_for_what_cmsis_nn_does() {
        let int8 = ElementType::Int8;
        // Two columns of 54 values, rounded to 56, of two bytes.
        assert_eq!(of_conv([4, 6, 3, 3], 1, int8), 2 * 56 * 2);
        assert_eq!(of_conv([4, 6, 1, 1], 1, int8), 0);
        assert_eq!(of_conv([6, 1, 3, 3], 6, int8), 0);
        assert_eq!(of_conv([6, 1, 5, 5], 6, int8), 6 * 25 * 2);
        assert_eq!(of_conv([4, 6, 3, 3], 1, ElementType::AsStored), 0);
    }
}
