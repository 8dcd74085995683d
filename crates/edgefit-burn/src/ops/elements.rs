//! The elements of burn tensors as slices, and slices as burn tensors.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Element, Shape, TensorData};
use bytemuck::Pod;

/// Evaluates an expression with slices of the elements of tensors, in row-major order, of 64 or 32
/// bits each.
macro_rules! with_elements {
    ($($tensor:ident),+, |$($name:ident),+| $made:expr) => {{
        let contiguous = ($($tensor.to_contiguous()),+,);
        let ($($tensor),+,) = &contiguous;
        if [$($tensor.dtype()),+].contains(&burn::tensor::DType::F64) {
            $(let $name = $crate::ops::elements::elements::<f64>($tensor);)+
            $made
        } else {
            $(let $name = $crate::ops::elements::elements::<f32>($tensor);)+
            $made
        }
    }};
}
pub(super) use with_elements;

/// The elements of a tensor that is contiguous.
pub(super) fn elements<T: Element + Pod>(tensor: &FloatTensor<Flex>) -> &[T] {
    let start = tensor.layout().start_offset();
    &tensor.storage()[start..][..tensor.layout().num_elements()]
}

/// A tensor of row-major elements.
pub(super) fn tensor<T: Element>(elements: Vec<T>, shape: Shape) -> FloatTensor<Flex> {
    FloatTensor::<Flex>::from_data(TensorData::new(elements, shape))
}
