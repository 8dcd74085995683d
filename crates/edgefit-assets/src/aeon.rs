//! Recordings of sensors.

use std::path::PathBuf;

use crate::cache::Cache;
use crate::error::Result;
use crate::pip::Wheel;

/// The sets that are taken.
const SETS: [&str; 3] = ["BasicMotions", "GunPoint", "ItalyPowerDemand"];

/// Three sets of the UCR and UEA archives (Dau et al. 2019; Bagnall et al. 2018), as aeon ships them
/// (BSD): the movements of a smart watch, of a hand that draws a gun or points, and of a country's
/// demand for power. `NAME_TRAIN.ts` and `NAME_TEST.ts` of each: a line a recording, its channels and
/// its class between colons, behind `@data`.
///
/// # Errors
/// pip is missing or fails, or what came is not the pinned package.
pub fn sensor_recordings(cache: &Cache) -> Result<PathBuf> {
    let wheel = Wheel {
        what: "recordings of sensors",
        requirement: "aeon==1.6.0",
        platforms: &[],
        sha256: "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
    };
    cache.entry("sensor-recordings-aeon-1.6.0", |folder| {
        wheel.unpack(cache, folder, |path| {
            let name = path.rsplit('/').next()?;
            let (set, part) = name.split_once('_')?;
            let wanted = SETS.contains(&set) && ["TRAIN.ts", "TEST.ts"].contains(&part);
            wanted.then(|| name.to_owned())
        })
    })
}
