//! The elements of burn tensors as slices, and slices as burn tensors.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Element, Shape, TensorData};
use bytemuck::Pod;

/// The elements of a tensor that is contiguous.
pub(super) fn elements<T: Element + Pod>(tensor: &FloatTensor<Flex>) -> &[T] {
    let start = tensor.layout().start_offset();
    &tensor.storage()[start..][..tensor.layout().num_elements()]
}

/// The tensor itself if a result may be written over its elements, else a contiguous copy. Tensors that share
/// their memory are copied when they are written to.
pub(super) fn owned<T: Element + Pod>(tensor: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let whole = tensor.storage::<T>().len() == tensor.layout().num_elements();
    if tensor.is_contiguous() && whole {
        tensor
    } else {
        FloatTensor::<Flex>::from_data(tensor.into_data())
    }
}

/// A tensor of row-major elements.
pub(super) fn tensor<T: Element>(elements: Vec<T>, shape: Shape) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(elements, shape))
}
