//! Counts which units of a layer are inactive or saturated on a probe batch.

use super::{Channels, INACTIVE, Kind, LIMIT, Layer};

/// Share of a unit's elements that decides what the unit is. On photographs and on grey clothes, at
/// most 42 % of the units of a late depthwise layer of EfficientNet-Lite0 to 2 are inactive for that
/// share of the elements; for 99 % of them 54 % are, for 95 %, 67 %.
const MOST: f64 = 0.999;

/// Elements of the units of one layer, counted batch by batch.
///
/// ```
/// use edgefit_guards::ef05_activations::{Channels, Kind, Units};
/// let mut units = Units::new(Kind::Rectifier, Channels::Second);
/// // One sample, two channels of 1 × 2 positions.
/// units.count(&[1, 2, 1, 2], &[0.0, 0.0, 0.0, 3.0]);
/// assert_eq!(units.layer("relu1", None).inactive, 0.5);
/// ```
#[derive(Debug, Clone)]
pub struct Units {
    kind: Kind,
    channels: Channels,
    units: Vec<Unit>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Unit {
    elements: usize,
    inactive: usize,
    saturated: usize,
}

impl Unit {
    fn count(&mut self, kind: Kind, values: &[f32]) {
        let values = values.iter().map(|&value| f64::from(value));
        self.elements += values.len();
        self.inactive += values
            .clone()
            .filter(|value| value.abs() < INACTIVE)
            .count();
        self.saturated += values.filter(|&value| kind.is_saturated(value)).count();
    }

    fn is_inactive(&self) -> bool {
        self.inactive as f64 >= MOST * self.elements as f64
    }

    fn is_saturated(&self) -> bool {
        self.saturated as f64 >= MOST * self.elements as f64
    }
}

impl Units {
    /// Nothing counted yet.
    pub fn new(kind: Kind, channels: Channels) -> Self {
        Units {
            kind,
            channels,
            units: Vec::new(),
        }
    }

    /// Counts activations of the shape `dims`, row-major. A unit is a channel; a tensor of rank 1 is one unit.
    pub fn count(&mut self, dims: &[usize], values: &[f32]) {
        // How many units, and how many elements of one lie together.
        let (units, together) = match (dims, self.channels) {
            ([] | [_], _) => (1, values.len()),
            ([_, channels, positions @ ..], Channels::Second) => {
                (*channels, positions.iter().product())
            }
            ([.., features], Channels::Last) => (*features, 1),
        };
        self.units.resize(units, Unit::default());
        for sample in values.chunks((units * together).max(1)) {
            for (unit, values) in self.units.iter_mut().zip(sample.chunks(together.max(1))) {
                unit.count(self.kind, values);
            }
        }
    }

    /// The layer in figures. Units whose unit of the same index in `source` is inactive do not count
    /// as inactive: they are given nothing.
    pub fn layer(&self, name: &str, source: Option<&Units>) -> Layer {
        let given = self.units.iter().enumerate().filter(|(index, _)| {
            let unit = source.and_then(|source| source.units.get(*index));
            unit.is_none_or(|unit| !unit.is_inactive())
        });
        let inactive = given.clone().filter(|(_, unit)| unit.is_inactive());
        let saturated = self.units.iter().filter(|unit| unit.is_saturated());
        let share = |some: usize, all: usize| some as f64 / all.max(1) as f64;
        Layer {
            name: name.into(),
            kind: self.kind,
            units: self.units.len(),
            inactive: share(inactive.count(), given.count()),
            saturated: share(saturated.count(), self.units.len()),
        }
    }
}

impl Kind {
    fn is_saturated(self, value: f64) -> bool {
        let (low, high) = match self {
            Kind::Sigmoid => (0.0, 1.0),
            Kind::Tanh => (-1.0, 1.0),
            Kind::Rectifier | Kind::Other => return false,
        };
        let near = LIMIT * (high - low);
        value < low + near || value > high - near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_channels_which_are_second_or_last() {
        use Channels::{Last, Second};
        let inactive = |channels: Channels, dims: &[usize], values: &[f32]| {
            let mut units = Units::new(Kind::Rectifier, channels);
            units.count(dims, values);
            let counts = units.units.iter().map(|unit| unit.inactive);
            counts.collect::<Vec<_>>()
        };
        let values = [0.0, 1.0, 0.0, 2.0];
        assert_eq!(inactive(Second, &[1, 2, 2, 1], &values), [1, 1]);
        assert_eq!(inactive(Last, &[1, 2, 1, 2], &values), [2, 0]);
        assert_eq!(inactive(Second, &[1, 2, 2], &values), [1, 1]);
        assert_eq!(inactive(Last, &[1, 2, 2], &values), [2, 0]);
        for channels in [Second, Last] {
            assert_eq!(inactive(channels, &[2, 2], &values), [2, 0]);
            assert_eq!(inactive(channels, &[3], &[0.0, 1.0, 0.0]), [2]);
            assert_eq!(inactive(channels, &[0, 0], &[]), [0; 0]);
        }
        let mut units = Units::new(Kind::Sigmoid, Last);
        units.count(&[1, 2], &[0.999, 0.5]);
        assert_eq!(units.layer("gate", None).saturated, 0.5);
    }

    #[test]
    fn a_unit_that_is_given_nothing_is_not_inactive() {
        let of = |values: [f32; 4]| {
            let mut units = Units::new(Kind::Rectifier, Channels::Second);
            units.count(&[1, 4], &values);
            units
        };
        let source = of([0.0, 1.0, 1.0, 1.0]);
        let layer = of([0.0, 0.0, 1.0, 1.0]).layer("relu", Some(&source));
        assert!((layer.inactive - 1.0 / 3.0).abs() < 1e-12);
    }
}
