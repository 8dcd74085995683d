//! AdamW in one pass.

use edgefit_burn::AdamW;
use edgefit_burn::burn::optim::{AdamWConfig, Optimizer};
use edgefit_burn::burn::tensor::{Device, Tensor, Tolerance};

#[test]
fn steps_are_those_of_burn() {
    let device = Device::flex();
    let wave = |phase: f32| -> Tensor<2> {
        let values: Vec<f32> = (0..40_000)
            .map(|at| (at as f32 * 0.37 + phase).sin())
            .collect();
        Tensor::<1>::from_floats(values.as_slice(), &device).reshape([200, 200])
    };
    let own = AdamW::new(0.05);
    let composed = AdamWConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay(0.05);
    let composed = composed.build();
    let (mut made, mut state) = (wave(0.0), None);
    let (mut expected, mut other) = (wave(0.0), None);
    for step in 0..4 {
        // It is not contiguous.
        let gradient = wave(step as f32).transpose();
        (made, state) = own.step(1e-2, made, gradient.clone(), state);
        (expected, other) = composed.step(1e-2, expected, gradient, other);
    }
    made.into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-6));
    assert_eq!(
        [state, other].map(|state| state.unwrap().momentum.time),
        [4, 4]
    );
}

#[test]
#[should_panic(expected = "parameter, gradient and moments of [32768, 16384,")]
fn a_gradient_of_another_size_is_refused() {
    let zeros = |count: usize| Tensor::<1>::zeros([count], &Device::flex());
    let _ = AdamW::new(0.0).step(0.1, zeros(1 << 15), zeros(1 << 14), None);
}
