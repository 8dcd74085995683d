//! Numbers computed on the device, copied to the host in one transfer. burn-flex is the host: there, they are
//! computed at once, in one pass instead of five.

use burn::tensor::{Device, FloatDType, Tensor, TensorData};

/// Numbers, some of which wait on the device.
#[derive(Default)]
pub(super) struct Scalars {
    /// `None` for those that wait.
    numbers: Vec<Option<f64>>,
    waiting: Vec<Tensor<1>>,
}

impl Scalars {
    /// Adds Σ|x| and Σx², in double precision where the device has it.
    pub fn push_sizes<const D: usize>(&mut self, tensor: Tensor<D>) {
        if is_host(&tensor) {
            self.numbers.extend(sizes(&tensor.into_data()).map(Some));
            return;
        }
        let sizes = wide(tensor).abs();
        self.wait(sizes.clone().sum());
        self.wait(sizes.square().sum());
    }

    /// Adds Σx², in double precision where the device has it.
    pub fn push_square_sum<const D: usize>(&mut self, tensor: Tensor<D>) {
        if is_host(&tensor) {
            let [_, squares] = sizes(&tensor.into_data());
            self.numbers.push(Some(squares));
            return;
        }
        self.wait(wide(tensor).square().sum());
    }

    fn wait(&mut self, number: Tensor<1>) {
        self.numbers.push(None);
        self.waiting.push(number);
    }

    /// The numbers, in the order in which they were added.
    pub fn read(self) -> Vec<f64> {
        let mut copied = match self.waiting.first().map(Tensor::device) {
            Some(device) => {
                let numbers = self.waiting.into_iter();
                let numbers = numbers.map(|number| number.to_device(&device));
                let numbers = Tensor::cat(numbers.collect(), 0);
                numbers.into_data().iter::<f64>().collect()
            }
            None => Vec::new(),
        }
        .into_iter();
        let numbers = self.numbers.into_iter();
        numbers
            .filter_map(|number| number.or_else(|| copied.next()))
            .collect()
    }
}

fn is_host<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.device().inner() == Device::flex()
}

/// Σ|x| and Σx².
fn sizes(data: &TensorData) -> [f64; 2] {
    match data.as_slice::<f32>() {
        Ok(values) => sums(values.iter().map(|value| f64::from(*value))),
        Err(_) => sums(data.iter::<f64>()),
    }
}

fn sums(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values.fold([0.0; 2], |[sizes, squares], value| {
        [sizes + value.abs(), squares + value * value]
    })
}

fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    let has_double = tensor.device().supports_dtype(FloatDType::F64);
    tensor.cast(if has_double {
        FloatDType::F64
    } else {
        FloatDType::F32
    })
}
