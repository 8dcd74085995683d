use edgefit::device::{Profile, find, list};
use serde::Serialize;

use crate::cli::{Device, DeviceAction};
use crate::human;
use crate::output::{Outcome, Output, table};

#[derive(Serialize)]
struct Devices {
    devices: Vec<Profile>,
}

pub fn run(args: Device, output: &mut Output) -> anyhow::Result<Outcome> {
    match args.action {
        DeviceAction::List => {
            let devices = Devices { devices: list()? };
            output.result("edgefit.devices/1", &devices, || {
                let mut rows = table(&["name", "device", "largest memory", "flash"]);
                for profile in &devices.devices {
                    let banks = profile.banks.iter().map(|bank| bank.bytes.value);
                    let flash = profile.flash.as_ref().map(|flash| flash.bytes.value);
                    rows.add_row([
                        profile.name.clone(),
                        profile.title.clone(),
                        banks.max().map_or("–".into(), human::bytes),
                        flash.map_or("–".into(), human::bytes),
                    ]);
                }
                rows.to_string()
            })?;
        }
        DeviceAction::Show { device } => {
            let profile = find(&device)?;
            output.result("edgefit.device/1", &profile, || people(&profile))?;
        }
    }
    Ok(Outcome::Yes)
}

fn people(profile: &Profile) -> String {
    let mut rows = table(&["", "figure", "kind", "source"]);
    let mut row = |name: String, value: String, figure: &edgefit::device::Figure| {
        let kind = serde_json::json!(figure.kind);
        let kind = kind.as_str().unwrap_or_default().to_owned();
        rows.add_row([name, value, kind, figure.source.clone()]);
    };
    let cores = &profile.cpu.cores;
    row(
        format!("cores, {}", profile.cpu.model),
        cores.value.to_string(),
        cores,
    );
    if let Some(clock) = &profile.cpu.clock_hz {
        row(
            "clock".into(),
            format!("{} MHz", clock.value / 1_000_000),
            clock,
        );
    }
    if let Some(flash) = &profile.flash {
        row(
            "flash".into(),
            human::bytes(flash.bytes.value),
            &flash.bytes,
        );
    }
    for bank in &profile.banks {
        row(
            bank.name.clone(),
            human::bytes(bank.bytes.value),
            &bank.bytes,
        );
        if let Some(reserved) = &bank.reserved_bytes {
            row(
                format!("{}, taken", bank.name),
                human::bytes(reserved.value),
                reserved,
            );
        }
    }
    format!("{}\n{rows}", profile.title)
}
