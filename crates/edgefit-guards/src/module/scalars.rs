//! Numbers computed on the device, copied to the host in one transfer.

use burn::tensor::{FloatDType, Tensor};

/// Numbers that wait on the device.
#[derive(Default)]
pub(super) struct Scalars(Vec<Tensor<1>>);

impl Scalars {
    /// Adds Σ|x| and Σx², in double precision where the device has it.
    pub fn push_sizes<const D: usize>(&mut self, tensor: Tensor<D>) {
        let sizes = wide(tensor).abs();
        self.0.push(sizes.clone().sum());
        self.0.push(sizes.square().sum());
    }

    /// Adds Σx², in double precision where the device has it.
    pub fn push_square_sum<const D: usize>(&mut self, tensor: Tensor<D>) {
        self.0.push(wide(tensor).square().sum());
    }

    /// The numbers, in the order in which they were added.
    pub fn read(self) -> Vec<f64> {
        let Some(device) = self.0.first().map(Tensor::device) else {
            return Vec::new();
        };
        let numbers = self.0.into_iter().map(|number| number.to_device(&device));
        let numbers = Tensor::cat(numbers.collect(), 0);
        numbers.into_data().iter::<f64>().collect()
    }
}

fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let has_double = tensor.device().supports_dtype(FloatDType::F64);
    tensor.cast(if has_double {
        FloatDType::F64
    } else {
        FloatDType::F32
    })
}
