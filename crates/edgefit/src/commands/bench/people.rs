use edgefit::bench::Bar;
use edgefit::bench::compare::Verdict;

use super::report::{BenchResult, Compared, Report};
use crate::human;
use crate::output::table;

/// Width of the longest bar of a histogram.
const WIDTH: usize = 40;

const COLUMNS: [&str; 12] = [
    "model",
    "engine",
    "threads",
    "runs",
    "p50",
    "p90",
    "p99",
    "mean",
    "min",
    "cold start",
    "peak RSS",
    "energy",
];

pub fn people(report: &Report) -> String {
    let mut rows = table(&COLUMNS);
    for result in &report.results {
        rows.add_row(row(result));
    }
    let mut text = match &report.remote {
        Some(told) => format!("{told}\n{rows}"),
        None => rows.to_string(),
    };
    for result in &report.results {
        text.push_str(&details(result));
    }
    for compared in &report.comparisons {
        text.push_str(&format!("\n{}", ratio(compared)));
    }
    for judged in &report.assertions {
        let verdict = match (judged.holds, judged.within_noise) {
            (true, false) => "holds",
            (true, true) => "holds within the noise; more --time would tell",
            (false, _) => "FAILS",
        };
        text.push_str(&format!("\n{} of {}: {verdict}", judged.claim, judged.of));
    }
    text
}

fn row(result: &BenchResult) -> Vec<String> {
    let ms = |ns: Option<u64>| ns.map_or("–".into(), human::milliseconds);
    let summary = result.summary.as_ref();
    vec![
        result.model.clone(),
        result.engine.to_string(),
        result.threads.to_string(),
        summary.map_or("–".into(), |times| times.samples.to_string()),
        ms(summary.and_then(|times| times.p50_ns)),
        ms(summary.and_then(|times| times.p90_ns)),
        ms(summary.and_then(|times| times.p99_ns)),
        ms(summary.map(|times| times.mean_ns)),
        ms(summary.map(|times| times.min_ns)),
        ms(result.cold_start_ns),
        result.peak_rss_bytes.map_or("–".into(), human::bytes),
        result
            .energy_mj
            .map_or("–".into(), |mj| format!("{mj:.1} mJ")),
    ]
}

fn details(result: &BenchResult) -> String {
    let Some(summary) = &result.summary else {
        return String::new();
    };
    let mut text = format!(
        "\n{}: {:.1} samples/s, loaded in {}, first run {}, {} outliers",
        result.label(),
        result.throughput_per_second.unwrap_or(0.0),
        human::milliseconds(result.load_ns.unwrap_or(0)),
        human::milliseconds(result.first_ns.unwrap_or(0)),
        summary.outliers,
    );
    for bar in &result.histogram {
        text.push_str(&format!("\n{}", line(bar, &result.histogram)));
    }
    if let Some(ops) = &result.ops {
        let whole = ops.iter().map(|op| op.ns).sum();
        let mut rows = table(&["op", "nodes", "time", "share"]);
        for op in ops {
            let (time, share) = (human::milliseconds(op.ns), human::share(op.ns, whole));
            rows.add_row([op.op.clone(), op.nodes.to_string(), time, share]);
        }
        text.push_str(&format!("\n{rows}"));
    }
    text
}

fn line(bar: &Bar, all: &[Bar]) -> String {
    let most = all.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let width = (bar.count * WIDTH).div_ceil(most);
    format!(
        "{:>10} {:<WIDTH$} {}",
        human::milliseconds(bar.from_ns),
        "█".repeat(width),
        bar.count
    )
}

fn ratio(compared: &Compared) -> String {
    let interval = match (compared.ratio.low, compared.ratio.high) {
        (Some(low), Some(high)) => format!("95 % interval {low:.3} to {high:.3}"),
        _ => "no interval: raise --launches".into(),
    };
    let verdict = match compared.ratio.verdict {
        Verdict::Faster => "faster",
        Verdict::Slower => "slower",
        Verdict::NoDifference => "no difference",
        Verdict::Unknown => "cannot be told",
    };
    let turns = match compared.interleaved {
        true => "",
        false => "; not measured in turns, so a drift of the machine is in it",
    };
    let times = compared.ratio.ratio;
    format!(
        "{}: {times:.3} × ({interval}{turns}): {verdict}",
        compared.what()
    )
}

/// The results as comma-separated values, times in nanoseconds and sizes in bytes.
pub fn csv(report: &Report) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "model",
        "engine",
        "threads",
        "samples",
        "p50_ns",
        "p90_ns",
        "p99_ns",
        "mean_ns",
        "min_ns",
        "cold_start_ns",
        "load_ns",
        "peak_rss_bytes",
        "energy_mj",
    ])?;
    let number = |value: Option<u64>| value.map_or(String::new(), |value| value.to_string());
    for result in &report.results {
        let summary = result.summary.as_ref();
        writer.write_record([
            result.model.clone(),
            result.engine.to_string(),
            result.threads.to_string(),
            number(summary.map(|times| times.samples as u64)),
            number(summary.and_then(|times| times.p50_ns)),
            number(summary.and_then(|times| times.p90_ns)),
            number(summary.and_then(|times| times.p99_ns)),
            number(summary.map(|times| times.mean_ns)),
            number(summary.map(|times| times.min_ns)),
            number(result.cold_start_ns),
            number(result.load_ns),
            number(result.peak_rss_bytes),
            result.energy_mj.map_or(String::new(), |mj| mj.to_string()),
        ])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// The results as a table in Markdown.
pub fn markdown(report: &Report) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = line(&COLUMNS.map(str::to_owned));
    text.push_str(&line(&COLUMNS.map(|_| "---".to_owned())));
    for result in &report.results {
        text.push_str(&line(&row(result)));
    }
    text
}
