//! The runs of a folder.

use edgefit_base::units::format;
use edgefit_graph::Task;
use edgefit_report::{Figures, Index, Indexed, State};

use crate::paint::Tone;
use crate::table::table;

/// A row for each run, and a line for each that has no figures.
pub fn runs(index: &Index) -> String {
    if index.runs.is_empty() {
        return format!("no runs in {}", index.folder.display());
    }
    let mut rows = table(&[
        "run", "begun", "backbone", "stages", "test", "95 %", "baseline", "int8", "device",
        "guards",
    ]);
    let mut others = String::new();
    for run in &index.runs {
        match &run.figures {
            Some(figures) => {
                rows.add_row(cells(index, run, figures));
            }
            None => others.push_str(&format!("\n{}: {}", name(index, run), without(run))),
        }
    }
    if index.runs.iter().any(|run| run.figures.is_some()) {
        format!("{rows}{others}")
    } else {
        others.trim_start().to_owned()
    }
}

fn name(index: &Index, run: &Indexed) -> String {
    let below = run.run.strip_prefix(&index.folder).unwrap_or(&run.run);
    if below.as_os_str().is_empty() {
        run.run.display().to_string()
    } else {
        below.display().to_string()
    }
}

fn cells(index: &Index, run: &Indexed, figures: &Figures) -> [String; 10] {
    let score = |score: f64| match figures.task {
        Task::Regression => format!("R² {score:.3}"),
        _ => format::percent(score),
    };
    let [low, high] = figures.interval;
    let name = name(index, run);
    let backbone = figures.backbone.file_name();
    let raised = match figures.raised.as_slice() {
        [] => Tone::Good.paint("quiet"),
        raised => Tone::Unsure.paint(raised.join(", ")),
    };
    [
        if run.state == State::Interrupted {
            format!("{name} (ended early)")
        } else {
            name
        },
        figures
            .started
            .chars()
            .take(16)
            .collect::<String>()
            .replace('T', " "),
        backbone.map_or(String::new(), |name| name.to_string_lossy().into_owned()),
        figures.stages.join(", "),
        score(figures.score),
        match figures.task {
            Task::Regression => format!("{low:.3} – {high:.3}"),
            _ => format!("{:.1} – {:.1} %", 100.0 * low, 100.0 * high),
        },
        figures.baseline.map_or(String::new(), score),
        figures.int8.map_or(String::new(), format::percent),
        format!("{} {}", figures.fit, figures.device),
        raised,
    ]
}

fn without(run: &Indexed) -> String {
    let problem = run.problem.as_deref().unwrap_or_default();
    match run.state {
        State::Stopped => format!("has no model: {problem}"),
        State::Unfinished => format!("has not ended; {problem}"),
        _ => format!("cannot be read; {problem}"),
    }
}
