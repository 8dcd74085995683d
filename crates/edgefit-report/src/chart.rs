//! Charts as SVG pictures inside a page. Colours are the page's: elements only name their part.

mod frame;
mod intervals;
mod learning;
mod reliability;
mod scatter;

pub(crate) use intervals::{Interval, intervals};
pub(crate) use learning::learning;
pub(crate) use reliability::reliability;
pub(crate) use scatter::scatter;
