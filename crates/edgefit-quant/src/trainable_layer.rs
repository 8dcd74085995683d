//! Weights and biases of integers, and the floats that are trained in their place.

use crate::weights::QuantizedWeight;

/// A weight of integers, and the floats that are trained in its place.
#[derive(Debug, Clone)]
pub(crate) struct TrainableWeight {
    /// Index of its DequantizeLinear in the quantised graph.
    pub node: usize,
    /// Name of the floats.
    pub name: String,
    /// Name of the logarithms of its scales' factors, where they are trained.
    pub factors: Option<String>,
    /// Its integers, and the scales that calibration chose.
    pub start: QuantizedWeight,
}

/// A layer of the quantised graph whose weight and bias are trained.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// Index of the node in the quantised graph.
    pub node: usize,
    /// Which of the weights.
    pub weight: usize,
    /// Name of the scale of its input.
    pub input_scale: String,
    pub bias: Option<TrainableBias>,
}

/// A bias of integers, and the floats that are trained in its place.
#[derive(Debug, Clone)]
pub(crate) struct TrainableBias {
    /// Index of its DequantizeLinear in the quantised graph.
    pub node: usize,
    /// Name of the floats.
    pub name: String,
    /// What the integers stand for.
    pub start: Vec<f32>,
}
