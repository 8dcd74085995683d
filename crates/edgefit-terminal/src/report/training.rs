//! What came of a training.

mod figures;
mod int8;
mod memory;
mod mistakes;
mod parity;
mod stages;
mod tuning;

use edgefit_base::units::format;
use edgefit_graph::Task;
use edgefit_train::{PAGE, Report};

use self::figures::figures;
use self::int8::int8;
use self::mistakes::mistakes;
use self::parity::parity;
use self::stages::stages;
use self::tuning::tuning;
use super::findings::findings;

/// Samples, stages, figures next to those of the baselines, parity, findings, the file.
pub fn training(report: &Report) -> String {
    let counts: Vec<String> = report
        .counts
        .iter()
        .zip(["train", "val", "test"])
        .map(|(counts, split)| match counts.groups {
            0 => format!("{} {split}", counts.total),
            groups => format!("{} {split} ({groups} groups)", counts.total),
        })
        .collect();
    let outputs = report.classes.len();
    let told = match report.task {
        Task::Classes => format!("in {outputs} classes"),
        Task::MultiLabel => format!("with {outputs} labels"),
        Task::Regression => format!("with {outputs} regression targets"),
    };
    let cached = match report.cached_features {
        0 => String::new(),
        cached => format!(" ({cached} from the cache)"),
    };
    let memory: Vec<String> = report.memory.iter().map(memory::of_stage).collect();
    format!(
        "samples: {} {told}\n{}\nfeatures by {}{cached} in {}\n{}{}\n{}\n{}{}\n{}\nmodel: {}{}\npage to look at: {}{}",
        counts.join(", "),
        memory.join("\n"),
        report.engine,
        format::seconds(report.timing.features_ns),
        report.tuning.as_ref().map_or(String::new(), tuning),
        stages(&report.stages),
        figures(report),
        mistakes(report),
        parity(&report.parity),
        findings(&report.guards),
        report.exported.path.display(),
        report.int8.as_ref().map_or(String::new(), int8),
        report.exported.path.with_file_name(PAGE).display(),
        ended_early(report),
    )
}

/// What is to be known of a run that the user ended.
fn ended_early(report: &Report) -> String {
    if !report.interrupted {
        return String::new();
    }
    let run = report.run.display();
    let beside = if report.exported.path.parent() == Some(&report.run) {
        String::new()
    } else {
        format!("; the run that it is to replace is as it was in {run}")
    };
    format!(
        "\nended before its time, with the best so far; `edgefit train --resume {run}` goes on{beside}"
    )
}
