//! How long one run takes, node by node, without running it.

mod calibrated;
mod composites;
mod interpolate;
mod layers;
mod layouts;
mod node_latency;
mod predict;
mod roofline;
mod target;
mod work;

pub use calibrated::calibrated;
pub use layers::{ClassLatency, Layer, by_class, layers};
pub use node_latency::{Bound, Latency, NodeLatency};
pub use predict::LatencyFigure;
pub(crate) use predict::predict;
pub(crate) use target::Target;
pub use work::Work;
