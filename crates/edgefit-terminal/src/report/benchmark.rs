//! Times, memory and energy of models that were measured.

use edgefit_base::units::format;
use edgefit_bench::context::Context;
use edgefit_bench::ratio::Verdict;
use edgefit_bench::statistics::{P50_SAMPLES, P90_SAMPLES, P99_SAMPLES};
use edgefit_bench::{
    Bar, Basis, BenchResult, Comparison, GpuFigures, Report, TimeSum, header, row,
};

use crate::paint::Tone;
use crate::table::{Table, table};

/// Width of the longest bar of a histogram.
const WIDTH: usize = 40;

/// A row for each candidate, its details, and what comes of comparing them.
pub fn benchmark(report: &Report) -> String {
    let mut rows = table(&header());
    for result in &report.results {
        rows.add_row(row(result));
    }
    let mut text = match &report.remote {
        Some(board) => format!("{board}\n{rows}"),
        None => rows.to_string(),
    };
    text.push_str(&format!("\n{}", machine(&report.context)));
    let missing = report
        .results
        .iter()
        .find_map(|one| one.energy_missing.as_ref());
    if let Some(reason) = missing {
        text.push_str(&format!("\nno energy: {reason}"));
    }
    for result in &report.results {
        text.push_str(&details(result));
    }
    for compared in &report.comparisons {
        text.push_str(&format!("\n{}", ratio(compared)));
    }
    for judged in &report.assertions {
        let verdict = match (judged.value, judged.holds, judged.within_noise) {
            (None, ..) => {
                let fails = Tone::Bad.paint("FAILS");
                format!("{fails}, for there is no such figure here")
            }
            (_, true, false) => Tone::Good.paint("holds"),
            (_, true, true) => {
                let holds = Tone::Unsure.paint("holds within the noise");
                format!("{holds}; more --time would decide")
            }
            (_, false, _) => Tone::Bad.paint("FAILS"),
        };
        text.push_str(&format!(
            "\n{} of {}: {verdict}",
            judged.assertion, judged.of
        ));
    }
    text
}

fn details(result: &BenchResult) -> String {
    let Some(summary) = &result.summary else {
        return String::new();
    };
    let mut text = format!(
        "\n{}: {:.1} samples/s, loaded in {}, first run {}, {}",
        result.label,
        result.throughput_per_second.unwrap_or(0.0),
        format::milliseconds(result.load_ns.unwrap_or(0)),
        format::milliseconds(result.first_ns.unwrap_or(0)),
        outliers(result, summary.p50_ns.unwrap_or(summary.mean_ns)),
    );
    for (name, value, takes) in [
        ("p50", summary.p50_ns, P50_SAMPLES),
        ("p90", summary.p90_ns, P90_SAMPLES),
        ("p99", summary.p99_ns, P99_SAMPLES),
    ] {
        if value.is_none() {
            text.push_str(&format!("; --runs {takes} would give a {name}"));
            break;
        }
    }
    if let Some(integers) = &result.integers {
        let share = format::percent(integers.share());
        text.push_str(&format!("; {share} of the MACs on integers"));
    }
    for bar in &result.histogram {
        text.push_str(&format!("\n{}", line(bar, &result.histogram)));
    }
    for (name, sums) in [("op", &result.ops), ("block", &result.blocks)] {
        if let Some(sums) = sums {
            text.push_str(&format!("\n{}", time_sums(name, sums)));
        }
    }
    if let Some(gpu) = &result.gpu {
        text.push_str(&format!("\n{}", on_gpu(gpu)));
    }
    text
}

/// How many there are, and the farthest.
fn outliers(result: &BenchResult, middle: u64) -> String {
    let count = result.summary.as_ref().map_or(0, |times| times.outliers);
    let farthest = result.outlier_runs.first().map(|outlier| {
        let times = outlier.ns as f64 / middle.max(1) as f64;
        format!(
            " (the farthest: launch {}, run {}, {times:.1} × the middle)",
            outlier.launch, outlier.run
        )
    });
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} outlier{plural}{}", farthest.unwrap_or_default())
}

fn time_sums(name: &str, sums: &[TimeSum]) -> Table {
    let whole = sums.iter().map(|sum| sum.ns).sum();
    let mut rows = table(&[name, "nodes", "time", "share"]);
    for sum in sums {
        let (time, share) = (format::milliseconds(sum.ns), format::share(sum.ns, whole));
        rows.add_row([sum.name.clone(), sum.nodes.to_string(), time, share]);
    }
    rows
}

fn on_gpu(gpu: &GpuFigures) -> String {
    let watts = gpu.power_milliwatts.map(|power| {
        let watts = |milliwatts| milliwatts as f64 / 1e3;
        format!("{:.1} to {:.1} W", watts(power.min), watts(power.max))
    });
    let clock = gpu.graphics_clock_hz.map(|clock| {
        let megahertz = |hertz| hertz / 1_000_000;
        format!("{} to {} MHz", megahertz(clock.min), megahertz(clock.max))
    });
    let memory = gpu.process_memory_bytes.or(gpu.memory_used_bytes);
    let memory = memory.map(|memory| format!("{} of memory", format::bytes(memory.max)));
    let parts: Vec<String> = [watts, clock, memory].into_iter().flatten().collect();
    format!("GPU: {}", parts.join(", "))
}

/// The machine, as far as it says.
fn machine(context: &Context) -> String {
    let (before, after) = (&context.before, &context.after);
    let pair = |before: Option<f64>, after: Option<f64>, unit: &str| {
        let (before, after) = before.zip(after)?;
        Some(format!("{before:.1} → {after:.1} {unit}"))
    };
    let gigahertz = |hertz: Option<u64>| hertz.map(|hertz| hertz as f64 / 1e9);
    let parts = [
        context.cpu.clone(),
        Some(format!("{} cores", context.cores)),
        pair(gigahertz(before.clock_hz), gigahertz(after.clock_hz), "GHz"),
        pair(before.temperature_celsius, after.temperature_celsius, "°C"),
        pair(before.load_average, after.load_average, "load average"),
        context
            .governor
            .as_ref()
            .map(|name| format!("governor {name}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{}: {}", context.arch, parts.join(", "))
}

fn line(bar: &Bar, all: &[Bar]) -> String {
    let most = all.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let width = (bar.count * WIDTH).div_ceil(most);
    format!(
        "{:>10} {:<WIDTH$} {}",
        format::milliseconds(bar.from_ns),
        "█".repeat(width),
        bar.count
    )
}

fn ratio(compared: &Comparison) -> String {
    let interval = match (compared.ratio.low, compared.ratio.high) {
        (Some(low), Some(high)) => format!("95 % interval {low:.3} to {high:.3}"),
        _ => "no interval: raise --launches".into(),
    };
    let verdict = match compared.ratio.verdict {
        Verdict::Faster => "faster",
        Verdict::Slower => "slower",
        Verdict::NoDifference => "no difference",
        Verdict::Unknown => "unknown",
    };
    let turns = match (compared.interleaved, compared.basis) {
        (true, Basis::Time) => "",
        (true, Basis::ProcessorTime) => "; of processor time, for others took the core",
        (false, _) => "; not measured in turns, so a drift of the machine is in it",
    };
    let times = compared.ratio.ratio;
    format!(
        "{}: {times:.3} × ({interval}{turns}): {verdict}",
        compared.label()
    )
}
