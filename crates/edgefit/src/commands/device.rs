//! `device`: the profiles, and the measurement of this machine into one.

mod probe;

use edgefit::device::{Profile, find, list};
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};
use serde::Serialize;

use crate::cli::{Device, DeviceAction};

#[derive(Serialize)]
struct Devices {
    devices: Vec<Profile>,
}

pub fn run(args: Device, output: &mut Output) -> anyhow::Result<Outcome> {
    match args.action {
        DeviceAction::List => {
            let (devices, broken): (Vec<_>, Vec<_>) = list().into_iter().partition(Result::is_ok);
            for error in broken.into_iter().filter_map(Result::err) {
                output.warn(&format!("{error}; left out"));
            }
            let devices = Devices {
                devices: devices.into_iter().flatten().collect(),
            };
            output.result("edgefit.devices/1", &devices, || {
                report::devices(&devices.devices)
            })?;
        }
        DeviceAction::Show { device } => {
            let profile = find(&device)?;
            output.result("edgefit.device/1", &profile, || report::profile(&profile))?;
        }
        DeviceAction::Probe(args) => return probe::run(args, output),
    }
    Ok(Outcome::Yes)
}
