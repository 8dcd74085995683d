//! Tests of the weights of `Resize`.

use super::*;

fn resize(interpolation: Interpolation, coordinates: Coordinates, size: usize) -> Resize {
    Resize {
        interpolation,
        coordinates,
        target: Target::Sizes(vec![size]),
        axes: None,
        aspect: Aspect::Stretch,
        region: Vec::new(),
        extrapolation: 0.0,
    }
}

#[test]
fn weights_sum_to_one() {
    for filter in [
        Interpolation::Linear,
        Interpolation::Cubic {
            coefficient: -0.75,
            exclude_outside: false,
        },
        Interpolation::Cubic {
            coefficient: -0.5,
            exclude_outside: true,
        },
    ] {
        let kernel = &resize(filter, Coordinates::HalfPixel, 7)
            .axis_weights(&[4])
            .unwrap()[0]
            .kernel;
        for element in 0..7 {
            let sum: f32 = kernel.iter().map(|(_, weights)| weights[element]).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{filter:?}: {sum}");
        }
    }
}

#[test]
fn nearest_doubles() {
    let filter = Interpolation::Nearest(Rounding::Floor);
    let weights = resize(filter, Coordinates::Asymmetric, 6)
        .axis_weights(&[3])
        .unwrap();
    assert_eq!(weights[0].kernel[0].0, [0, 0, 1, 1, 2, 2]);
    assert!(
        resize(filter, Coordinates::Asymmetric, 3)
            .axis_weights(&[3])
            .unwrap()
            .is_empty()
    );
}
