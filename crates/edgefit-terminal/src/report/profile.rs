//! A device profile.

use edgefit_base::units::format;
use edgefit_device::profile::Scheme;
use edgefit_device::{Basis, Figure, Profile};

use crate::table::{Table, table};

/// Rows of figures, each with how it is known and from where.
struct Figures(Table);

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

/// All figures of a profile, and its engines.
pub fn profile(profile: &Profile) -> String {
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
    if let Some(accelerator) = &profile.accelerator {
        rows.optional("smallest kernel", accelerator.kernel_ns.as_ref(), |ns| {
            format::milliseconds(*ns)
        });
    }
    if let Some(flash) = &profile.flash {
        rows.row("flash", &flash.bytes, bytes);
        rows.optional("flash, taken", flash.reserved_bytes.as_ref(), bytes);
    }
    for bank in &profile.banks {
        rows.row(&bank.name, &bank.bytes, bytes);
        let taken = format!("{}, taken", bank.name);
        rows.optional(&taken, bank.reserved_bytes.as_ref(), bytes);
        let placed = format!("{}, placed statically at most", bank.name);
        rows.optional(&placed, bank.static_bytes.as_ref(), bytes);
        let block = format!("{}, largest block of the heap", bank.name);
        rows.optional(&block, bank.heap_block_bytes.as_ref(), bytes);
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
        rows.optional(&name("each node"), engine.node_bytes.as_ref(), bytes);
        let channel = name("each channel of a convolution");
        rows.optional(&channel, engine.channel_bytes.as_ref(), bytes);
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
    let mut text = format!("{}\n{}", profile.title, rows.0);
    if let Some(note) = &profile.remark {
        text.push_str(&format!("\nnote: {note}"));
    }
    if !engines.is_empty() {
        text.push_str(&format!("\nengines: {}", engines.join(", ")));
    }
    text
}
