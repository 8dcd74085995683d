//! `device`: the profiles, and the measurement of this machine into one.

mod probe;

use edgefit::base::units::format;
use edgefit::device::{Profile, find, list};
use serde::Serialize;

use crate::cli::{Device, DeviceAction};
use crate::output::{Outcome, Output, table};
use crate::tables;

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
                let mut rows = table(&["name", "device", "largest memory", "flash"]);
                for profile in &devices.devices {
                    let banks = profile.banks.iter().map(|bank| bank.bytes.value);
                    let flash = profile.flash.as_ref().map(|flash| flash.bytes.value);
                    rows.add_row([
                        profile.name.clone(),
                        profile.title.clone(),
                        banks.max().map_or("–".into(), format::bytes),
                        flash.map_or("–".into(), format::bytes),
                    ]);
                }
                rows.to_string()
            })?;
        }
        DeviceAction::Show { device } => {
            let profile = find(&device)?;
            output.result("edgefit.device/1", &profile, || {
                tables::profile::figures(&profile)
            })?;
        }
        DeviceAction::Probe(args) => return probe::run(args, output),
    }
    Ok(Outcome::Yes)
}
