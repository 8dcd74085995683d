//! What a page about a run shows, part by part: what templates fill in.

mod boards;
mod calibration;
mod classes;
mod data_card;
mod device;
mod figures;
mod flips;
mod guards;
mod heat;
mod learning;
mod mistakes;
mod origin;
mod parity;
mod pictures;
mod regression;
mod search;
mod tone;
mod verdict;

pub(crate) use boards::Board;
pub(crate) use calibration::Calibration;
pub(crate) use classes::{Classes, Confusion};
pub(crate) use data_card::DataCard;
pub(crate) use device::DeviceCard;
pub(crate) use figures::Figures;
pub(crate) use flips::Flips;
pub use guards::Advice;
pub(crate) use guards::Guards;
pub(crate) use learning::Learning;
pub(crate) use mistakes::Mistakes;
pub(crate) use origin::origin_facts;
pub(crate) use parity::Parity;
pub(crate) use pictures::augmented;
pub(crate) use regression::RegressionPictures;
pub(crate) use search::SearchCard;
pub(crate) use tone::Tone;
pub(crate) use verdict::Summary;
