//! Figures of profiles with their units, for serde.

use edgefit_base::units::parse::{Amount, Quantity};
use serde::de::{Deserialize, Deserializer};

use super::figure::Figure;

/// A figure of quantity `Q`.
pub(super) fn required<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Figure, D::Error> {
    Figure::<Amount<Q>>::deserialize(deserializer).map(|figure| figure.map(|amount| amount.0))
}

/// A figure of quantity `Q` that may be missing.
pub(super) fn optional<'de, Q: Quantity, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Figure>, D::Error> {
    required::<Q, D>(deserializer).map(Some)
}
