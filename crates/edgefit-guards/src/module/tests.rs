//! The evidence of a small network, against figures worked out by hand.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Distribution, Tensor};

use super::*;
use crate::ef05_activations::{Channels, Kind};

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Vec<Linear>,
}

fn net() -> Net {
    let device = Device::flex().autodiff();
    let linear = || LinearConfig::new(2, 2).init(&device);
    let first = linear();
    Net {
        first: Linear {
            weight: first
                .weight
                .map(|w| (w * 0.0 + 2.0).detach().require_grad()),
            ..first
        },
        second: vec![linear()],
    }
}

/// The loss is the sum over the outputs of the first layer for a batch of `scale` and −`scale`.
fn gradients_of(net: &Net, scale: f32) -> GradientsParams {
    let device = Device::flex().autodiff();
    let x = Tensor::<2>::from_floats([[scale, -3.0 * scale]], &device);
    GradientsParams::from_grads(net.first.forward(x).sum().backward(), net)
}

#[test]
fn gradients_have_names_and_figures() {
    let net = net();
    let found = gradients(&net, &gradients_of(&net, 1.0));
    let names: Vec<&str> = found
        .iter()
        .map(|gradient| gradient.name.as_str())
        .collect();
    let unreached = ["second.0.weight", "second.0.bias"];
    assert_eq!(names[..2], ["first.weight", "first.bias"]);
    assert_eq!(names[2..], unreached);
    assert_eq!((found[2].mean_abs, found[3].norm), (0.0, 0.0));
    // d/dW of Σ x·W is x for each output: 1, 1, −3, −3.
    assert_eq!((found[0].rank, found[0].mean_abs), (2, 2.0));
    assert!((found[0].norm - 20f64.sqrt()).abs() < 1e-6);
    assert!((global_norm(&found) - 22f64.sqrt()).abs() < 1e-6);
    let broken = gradients(&net, &gradients_of(&net, f32::NAN));
    assert!(!broken[0].is_finite() && broken[1].is_finite());
    let frozen = net.clone().no_grad();
    assert_eq!(gradients(&frozen, &GradientsParams::new()), []);
}

/// Training clips by this norm: it must not depend on where it is computed.
#[test]
fn figures_are_those_of_double_precision_on_the_host() {
    let net = net();
    let device = Device::flex();
    device.seed(0);
    let gradient = Tensor::<2>::random([37, 2], Distribution::Normal(0.0, 1e-3), &device);
    let gradient = gradient.transpose();
    let values: Vec<f32> = gradient.to_data().iter().collect();
    let mut given = GradientsParams::new();
    given.register(net.first.weight.id, gradient);
    let figures = &gradients(&net, &given)[0];
    let values = values.iter().copied().map(f64::from);
    let squares: f64 = values.clone().map(|value| value * value).sum();
    assert_eq!(figures.norm, squares.sqrt());
    let sum: f64 = values.map(f64::abs).sum();
    assert_eq!(figures.mean_abs, sum / 74.0);
}

#[test]
fn two_gradients_are_compared() {
    let net = net();
    let [once, again] = [1.0, 1.0].map(|scale| gradients_of(&net, scale));
    assert_eq!(compare(&net, &once, &again).difference_norm, 0.0);
    let tripled = compare(&net, &once, &gradients_of(&net, 3.0));
    assert!((tripled.difference_norm - 80f64.sqrt()).abs() < 1e-5);
    let missing = compare(&net, &once, &GradientsParams::new());
    assert!((missing.difference_norm - 22f64.sqrt()).abs() < 1e-5);
}

#[test]
fn updates_are_relative_to_the_weights() {
    let before = net();
    let gradients = gradients_of(&before, 1.0);
    let after = SgdConfig::new()
        .init()
        .step(0.01, before.clone(), gradients);
    let found = updates(&before, &after);
    let names: Vec<&str> = found.iter().map(|update| update.name.as_str()).collect();
    assert_eq!(names, ["first.weight", "second.0.weight"]);
    // 0.01 · √20 over the norm of four elements of 2.
    let expected = (0.01 * 20f64.sqrt() / 4.0).log10();
    assert!((found[0].log10_ratio - expected).abs() < 1e-4);
    assert_eq!(found[1].log10_ratio, NO_UPDATE);
}

#[test]
fn a_weight_of_zero_counts_as_if_initialised_and_a_frozen_one_not_at_all() {
    let mut before = net();
    before.first.weight = before
        .first
        .weight
        .map(|w| (w * 0.0).detach().require_grad());
    before.second[0] = before.second[0].clone().no_grad();
    let gradients = gradients_of(&before, 1.0);
    let after = SgdConfig::new()
        .init()
        .step(0.01, before.clone(), gradients);
    let [found] = updates(&before, &after).try_into().unwrap();
    // Four elements of U(±1/√2) have a norm of √(4 / 6).
    let expected = (0.01 * 20f64.sqrt() / (4f64 / 6.0).sqrt()).log10();
    assert!((found.log10_ratio - expected).abs() < 1e-4);
    assert!(found.from_zero && !updates(&after, &after)[0].from_zero);
}

#[test]
fn activations_are_counted_by_channel() {
    let device = Device::flex();
    // Three channels of four values, two samples: dead, alive, alive in one element of eight.
    let mut values = vec![0f32; 24];
    values[4..8].fill(1.0);
    values[16..20].fill(1.0);
    values[8] = 1.0;
    let tensor = Tensor::<1>::from_floats(values.as_slice(), &device).reshape([2, 3, 2, 2]);
    let of = |name: &str, kind: Kind| layer(name, kind, Channels::Second, tensor.clone());
    let rectifier = of("relu", Kind::Rectifier);
    assert_eq!((rectifier.units, rectifier.saturated), (3, 0.0));
    assert!((rectifier.inactive - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(of("sigmoid", Kind::Sigmoid).saturated, 1.0);
    let tanh = of("tanh", Kind::Tanh);
    assert!((tanh.saturated - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn probabilities_are_told_from_logits() {
    let device = Device::flex();
    let logits = Tensor::<2>::from_floats([[1.0, 2.0, 0.5], [0.1, 3.0, 4.0]], &device);
    let check = |tensor| crate::ef04_logits::check(&outputs(tensor)).status;
    assert_eq!(check(logits.clone()), crate::Status::Pass);
    assert_eq!(check(softmax(logits, 1)), crate::Status::Failed);
}
