//! Quantisation, whose gradient is that of its scale alone.

use edgefit_burn::burn::optim::GradientsParams;
use edgefit_graph::Tensor as Stored;

use crate::case::{Case, slopes, wave};

#[test]
fn quantisation_lets_the_gradient_through() {
    let scale = Stored::from_values(vec![], &[0.125f32]);
    let zero = Stored::from_values(vec![], &[3i8]);
    let case = Case::new("QuantizeLinear", &[7])
        .stored("s", scale)
        .stored("z", zero);
    let graph = case.graph();
    let mut module = case.module(&graph);
    let gradients = case.loss(&mut module).backward();
    let gradients = GradientsParams::from_grads(gradients, &module);
    let (_, parameter) = module.parameters().next().unwrap();
    let slopes = slopes(&gradients, parameter).unwrap();
    // Straight through the rounding: the slope of x / scale.
    for (slope, reader) in slopes.iter().zip(wave(7, 0.6, 0.1)) {
        assert!(
            (slope - 8.0 * f64::from(reader)).abs() < 1e-9,
            "{slope} {reader}"
        );
    }
}
