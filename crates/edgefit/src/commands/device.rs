mod probe;

use edgefit::device::profile::Scheme;
use edgefit::device::{Basis, Figure, Profile, find, list};
use serde::Serialize;

use crate::cli::{Device, DeviceAction};
use crate::output::{Outcome, Output, table};
use edgefit::base::units::format;

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
            output.result("edgefit.device/1", &profile, || people(&profile))?;
        }
        DeviceAction::Probe(args) => return probe::run(args, output),
    }
    Ok(Outcome::Yes)
}

/// Rows of figures, each with how it is known and from where.
struct Figures(comfy_table::Table);

impl Figures {
    fn row<T>(&mut self, name: &str, figure: &Figure<T>, value: impl FnOnce(&T) -> String) {
        let kind = match figure.kind {
            Basis::DataSheet => "data sheet",
            Basis::Measured => "measured",
            Basis::Estimate => "estimate",
        };
        let value = value(&figure.value);
        self.0.add_row([name, &value, kind, &figure.source]);
    }

    fn optional<T>(
        &mut self,
        name: &str,
        figure: Option<&Figure<T>>,
        value: impl FnOnce(&T) -> String,
    ) {
        if let Some(figure) = figure {
            self.row(name, figure, value);
        }
    }
}

fn people(profile: &Profile) -> String {
    let mut rows = Figures(table(&["", "figure", "kind", "source"]));
    let bytes = |bytes: &u64| format::bytes(*bytes);
    let bandwidth = |rate: &u64| format!("{:.1} GB/s", *rate as f64 / 1e9);
    let macs = |rate: &u64| match *rate as f64 {
        rate if rate < 1e9 => format!("{:.1} MMAC/s", rate / 1e6),
        rate if rate < 1e12 => format!("{:.1} GMAC/s", rate / 1e9),
        rate => format!("{:.1} TMAC/s", rate / 1e12),
    };
    let watts = |milliwatts: &u64| format!("{:.2} W", *milliwatts as f64 / 1e3);

    let cpu = &profile.cpu;
    rows.row(&format!("cores, {}", cpu.model), &cpu.cores, u64::to_string);
    rows.optional("clock", cpu.clock_hz.as_ref(), |hz| {
        format!("{} MHz", hz / 1_000_000)
    });
    rows.optional("instruction set", cpu.isa.as_ref(), |isa| isa.join(", "));
    let accelerator = profile.accelerator.as_ref();
    let accelerator = accelerator.map_or("accelerator", |unit| unit.model.as_str());
    let peak = &profile.peak;
    for (unit, precision, figure) in [
        ("cpu", "f32", &peak.cpu_f32_macs_per_second),
        ("cpu", "f16", &peak.cpu_f16_macs_per_second),
        ("cpu", "int8", &peak.cpu_int8_macs_per_second),
        (accelerator, "f32", &peak.accelerator_f32_macs_per_second),
        (accelerator, "f16", &peak.accelerator_f16_macs_per_second),
        (accelerator, "int8", &peak.accelerator_int8_macs_per_second),
    ] {
        rows.optional(&format!("{unit}, {precision}"), figure.as_ref(), macs);
    }
    if let Some(flash) = &profile.flash {
        rows.row("flash", &flash.bytes, bytes);
        rows.optional("flash, taken", flash.reserved_bytes.as_ref(), bytes);
    }
    for bank in &profile.banks {
        rows.row(&bank.name, &bank.bytes, bytes);
        let taken = format!("{}, taken", bank.name);
        rows.optional(&taken, bank.reserved_bytes.as_ref(), bytes);
    }
    let memory = &profile.memory;
    let theory = memory.bandwidth_bytes_per_second.as_ref();
    rows.optional("bandwidth", theory, bandwidth);
    let measured = memory.measured_bandwidth_bytes_per_second.as_ref();
    rows.optional("bandwidth, measured", measured, bandwidth);
    for engine in &profile.engines {
        let name = |what: &str| format!("{}, {what}", engine.name);
        rows.optional(&name("code"), engine.code_bytes.as_ref(), bytes);
        rows.optional(&name("memory"), engine.runtime_bytes.as_ref(), bytes);
        rows.optional(&name("each tensor"), engine.tensor_bytes.as_ref(), bytes);
    }
    let scheme = profile.quantization.as_ref().map(|best| &best.scheme);
    rows.optional("quantisation", scheme, |scheme| match scheme {
        Scheme::PerChannel => "per channel".into(),
        Scheme::PerTensor => "per tensor".into(),
    });
    rows.optional("idle", profile.power.idle_milliwatts.as_ref(), watts);
    rows.optional("load", profile.power.load_milliwatts.as_ref(), watts);

    let engines: Vec<&str> = profile
        .engines
        .iter()
        .map(|engine| engine.name.as_str())
        .collect();
    match engines.is_empty() {
        true => format!("{}\n{}", profile.title, rows.0),
        false => format!(
            "{}\n{}\nengines: {}",
            profile.title,
            rows.0,
            engines.join(", ")
        ),
    }
}
