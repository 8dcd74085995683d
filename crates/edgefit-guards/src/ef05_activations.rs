//! EF05: activations that are inactive or saturated pass no gradient.

mod units;

use crate::finding::{percent, some_of};
use crate::{Code, Finding, Status, Symptom};

pub use units::Units;

/// |a| below which an activation is inactive.
pub const INACTIVE: f64 = 1e-5;
/// Share of a layer's units above which the layer is raised.
pub const SHARE: f64 = 0.5;
/// Distance from a limit, as a share of the range, within which an activation is saturated (after
/// Rakitianskaia & Bosman 2015, Measuring Saturation in Neural Networks).
pub const LIMIT: f64 = 0.01;
/// Layers with fewer units, such as gates, say nothing about a share.
pub const FEWEST_UNITS: usize = 8;
/// Sigmoids in a row that are too many.
pub const SIGMOIDS: usize = 3;

/// What kind of function computed an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ReLU and its relatives, zero over a half-line.
    Rectifier,
    /// The logistic function, 0 to 1.
    Sigmoid,
    /// −1 to 1.
    Tanh,
    /// Anything else.
    Other,
}

/// Which dimension of activations is that of the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// The second: what a convolution makes, (batch, channels, positions …).
    Second,
    /// The last: what a linear layer makes, (batch, tokens …, features).
    Last,
}

/// Activations of a layer on a probe batch, as counted by [`Units`]. A unit is a channel, over all
/// positions and samples.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Name of the layer.
    pub name: String,
    /// What computed the activations.
    pub kind: Kind,
    /// Number of units.
    pub units: usize,
    /// Share of units of which 99.9 % of all |a| are below [`INACTIVE`]: units of pretrained networks
    /// that detect something rare are inactive for 99 % of the elements.
    pub inactive: f64,
    /// Share of units of which 99.9 % of all activations are within [`LIMIT`] of a limit of their
    /// kind; 0 for kinds without limits.
    pub saturated: f64,
}

/// Warns where most of a layer is inactive or saturated, and fails where all of it is inactive.
pub fn check(layers: &[Layer]) -> Finding {
    let layers = layers.iter().filter(|layer| layer.units >= FEWEST_UNITS);
    let (mut dead, mut seen, mut status) = (Vec::new(), 0, Status::Warning);
    for layer in layers {
        seen += 1;
        if layer.inactive >= 1.0 {
            status = Status::Failed;
        }
        let worst = if layer.inactive > SHARE {
            Some(("inactive", layer.inactive))
        } else {
            (layer.saturated > SHARE).then_some(("saturated", layer.saturated))
        };
        if let Some((how, share)) = worst {
            dead.push(format!("{} ({} {how})", layer.name, percent(share)));
        }
    }
    if dead.is_empty() {
        let text = format!("no layer of {seen} has most of its units inactive or saturated");
        return Finding::new(Code::Ef05, Status::Pass, text);
    }
    let names = some_of(dead.iter().map(String::as_str));
    let text = format!("units that pass no gradient: {names}");
    Finding::new(Code::Ef05, status, text).of(Symptom::DeadUnits)
}

/// Warns of three or more sigmoids in a row among the activations on the path from the input to the
/// head. Gates, which something else is multiplied by, are not on it.
pub fn check_path(activations: &[Kind]) -> Finding {
    let runs = activations.chunk_by(|a, b| a == b);
    let sigmoids = runs.filter(|run| run[0] == Kind::Sigmoid);
    match sigmoids.map(<[Kind]>::len).max() {
        Some(longest) if longest >= SIGMOIDS => {
            let text = format!(
                "{longest} sigmoids in a row: each passes at most a quarter of the \
                gradient; use ReLU6, HardSwish or SiLU"
            );
            Finding::new(Code::Ef05, Status::Warning, text)
        }
        _ => Finding::new(
            Code::Ef05,
            Status::Pass,
            "no row of sigmoids on the path to the head",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(units: usize, inactive: f64, saturated: f64) -> [Layer; 1] {
        [Layer {
            name: "block1".into(),
            kind: Kind::Rectifier,
            units,
            inactive,
            saturated,
        }]
    }

    #[test]
    fn dead_layers_are_raised() {
        for (layers, status) in [
            (layer(32, 0.1, 0.0), Status::Pass),
            (layer(32, 0.6, 0.0), Status::Warning),
            (layer(32, 0.0, 0.6), Status::Warning),
            (layer(32, 1.0, 0.0), Status::Failed),
            (layer(4, 1.0, 0.0), Status::Pass),
        ] {
            assert_eq!(check(&layers).status, status, "{layers:?}");
        }
        assert!(
            check(&layer(32, 0.6, 0.0))
                .message
                .contains("block1 (60.0 % inactive)")
        );
    }

    #[test]
    fn rows_of_sigmoids_are_raised() {
        use Kind::{Rectifier, Sigmoid};
        assert_eq!(
            check_path(&[Sigmoid, Sigmoid, Rectifier, Sigmoid]).status,
            Status::Pass
        );
        assert_eq!(check_path(&[Rectifier; 9]).status, Status::Pass);
        assert_eq!(
            check_path(&[Rectifier, Sigmoid, Sigmoid, Sigmoid]).status,
            Status::Warning
        );
    }
}
