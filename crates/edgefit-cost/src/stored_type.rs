//! The element type that a model is stored in.

use edgefit_device::ElementType;
use edgefit_graph::{DataType, Graph};

/// The element type that most of the weights of `graph` are stored in.
pub(crate) fn stored_type(graph: &Graph) -> ElementType {
    let elements = |types: &[DataType]| -> usize {
        graph
            .initializers
            .values()
            .filter(|tensor| types.contains(&tensor.dtype()))
            .map(|tensor| tensor.elements())
            .sum()
    };
    let wide = elements(&[DataType::F32, DataType::F64]);
    let half = elements(&[DataType::F16, DataType::BF16]);
    let narrow = elements(&[DataType::I8, DataType::U8]);
    if narrow > wide.max(half) {
        ElementType::Int8
    } else if half > wide {
        ElementType::F16
    } else {
        ElementType::F32
    }
}
