//! A stretch of addresses in the picture of a plan.

use edgefit_base::units::format;

/// A stretch of addresses that is drawn on its own: the arena, or one of several banks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// Heading of its axis.
    pub name: String,
    /// Bytes that it has; what is used of it, where it has no size of its own.
    pub bytes: u64,
    /// A line across it: no plan needs less.
    pub lower_bound_bytes: Option<u64>,
    /// A line across it: what the device has there. Where that is more than [`Panel::bytes`] it is off the
    /// picture, and told beside the name.
    pub limit_bytes: Option<u64>,
}

impl Panel {
    /// Its name, with the limit where that is off the picture.
    pub(super) fn heading(&self) -> String {
        match self.limit_bytes.filter(|&limit| limit > self.bytes) {
            Some(limit) => format!("{}, limit {} (above)", self.name, format::bytes(limit)),
            None => self.name.clone(),
        }
    }
}
