//! Tests of quantised weights.

use super::*;
use edgefit_graph::{Attribute, Node};

#[test]
fn each_channel_has_a_scale_of_its_own() {
    let weight = Tensor::from_values(vec![2, 2], &[1.0f32, -0.5, 100.0, 25.0]);
    let rule = WeightRule {
        axis: Some(0),
        limit: 127,
        power_of_two: false,
    };
    let quantized = QuantizedWeight::of(&weight, rule, &[], None).unwrap();
    assert_eq!(quantized.scales.len(), 2);
    for (value, made) in weight.to_f32().unwrap().iter().zip(quantized.dequantized()) {
        assert!((value - made).abs() < value.abs() * 0.01, "{value} {made}");
    }
    let columns = WeightRule {
        axis: Some(1),
        ..rule
    };
    let quantized = QuantizedWeight::of(&weight, columns, &[], None).unwrap();
    assert!((quantized.scales[0] - 100.0 / 127.0).abs() < 0.1);
    let one = WeightRule { axis: None, ..rule };
    assert_eq!(
        QuantizedWeight::of(&weight, one, &[], None)
            .unwrap()
            .scales
            .len(),
        1
    );
}

#[test]
fn a_large_bias_raises_the_scale_of_its_channel() {
    let weight = Tensor::from_values(vec![2, 1], &[1e-6f32, 1.0]);
    let node = Node::new("Conv", "conv", &["x", "w", "b"], &["y"]);
    let channels = Channels::of(&node, &weight).unwrap();
    let bias = [1000.0f32, 0.1];
    let least = least_scales(channels, &[1e-6, 1.0], Some(&bias), 0.01);
    let rule = WeightRule {
        axis: Some(0),
        limit: 127,
        power_of_two: false,
    };
    let quantized = QuantizedWeight::of(&weight, rule, &least, None).unwrap();
    let (integers, scales, _) = quantized_bias(&bias, 0.01, &quantized);
    let (integers, scales) = (integers.to_i64().unwrap(), scales.to_f32().unwrap());
    for channel in 0..2 {
        let made = integers[channel] as f64 * f64::from(scales[channel]);
        assert!(
            (made / f64::from(bias[channel]) - 1.0).abs() < 0.01,
            "{made}"
        );
    }
}

#[test]
fn a_channel_of_zeros_keeps_its_bias() {
    let values = [0f32, 1.0];
    let weight = Tensor::from_values(vec![2, 1], &values);
    let node = Node::new("Conv", "conv", &["x", "w", "b"], &["y"]);
    let channels = Channels::of(&node, &weight).unwrap();
    let bias = [0.3f32, 0.1];
    let least = least_scales(channels, &values, Some(&bias), 0.5);
    for power_of_two in [false, true] {
        let rule = WeightRule {
            axis: Some(0),
            limit: 127,
            power_of_two,
        };
        let quantized = QuantizedWeight::of(&weight, rule, &least, None).unwrap();
        let (integers, scales, _) = quantized_bias(&bias, 0.5, &quantized);
        let scales = scales.to_f32().unwrap();
        let made = integers.to_i64().unwrap()[0] as f32 * scales[0];
        assert!((made - 0.3).abs() < 1e-3, "{made}");
        let is_power = scales.iter().all(|scale| scale.log2().fract() == 0.0);
        assert_eq!(is_power, power_of_two);
        let nothing = Tensor::from_values(vec![1, 1], &[0f32]);
        let quantized = QuantizedWeight::of(&nothing, rule, &[0.0], None).unwrap();
        assert_eq!(quantized.scales, [1.0]);
    }
}

#[test]
fn no_sum_of_products_leaves_32_bits() {
    // 2^17 weights at the largest integer, each times 255, are beyond 2^31.
    let count = 1 << 17;
    let values = vec![1f32; count];
    let weight = Tensor::from_values(vec![1, count], &values);
    let node = Node::new("Gemm", "g", &["x", "w"], &["y"]).with("transB", Attribute::Int(1));
    let channels = Channels::of(&node, &weight).unwrap();
    let least = least_scales(channels, &values, None, 1.0);
    let rule = WeightRule {
        axis: Some(0),
        limit: 127,
        power_of_two: false,
    };
    let quantized = QuantizedWeight::of(&weight, rule, &least, None).unwrap();
    let sum: i64 = quantized.values.iter().sum();
    assert!(
        sum * 255 <= i64::from(i32::MAX) && sum > count as i64,
        "{sum}"
    );
}
