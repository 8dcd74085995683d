//! The initializers that flow through a graph as floats.

/// Values of weights and running statistics by their names in the graph, row-major.
pub type Weights = std::collections::BTreeMap<String, Vec<f32>>;

/// An initializer that flows through the graph.
#[derive(Debug)]
pub(crate) struct Weight {
    pub name: String,
    /// Whether training may change it by its gradient.
    pub trainable: bool,
    /// Whether it is a running statistic, which training gathers.
    pub statistic: bool,
}
