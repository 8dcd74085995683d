//! The answer in one sentence, and what it rests on.

use edgefit_base::units::format;
use edgefit_graph::Task;

use super::tone::Tone;
use crate::document::{Check, Status, Training, Verdict};
use crate::words::{counted, percents, shown, whole};

/// The answer, and what it rests on.
pub(crate) struct Summary {
    pub tone: Tone,
    pub sentence: String,
    pub tiles: Vec<Tile>,
}

/// A figure that the answer rests on.
pub(crate) struct Tile {
    pub name: &'static str,
    pub value: String,
    pub detail: String,
    pub tone: Tone,
    /// The part of the page that says more.
    pub link: &'static str,
}

impl Summary {
    pub fn of(report: &Training) -> Self {
        let tiles = vec![
            score(report),
            against(report),
            device(&report.check),
            engines(report),
            guards(report),
        ];
        let tiles: Vec<Tile> = tiles
            .into_iter()
            .map(|tile| Tile {
                detail: whole(&tile.detail),
                ..tile
            })
            .collect();
        let worst = tiles.iter().map(|tile| tile.tone).max();
        let tone = match worst {
            _ if report.interrupted => Tone::Unsure,
            Some(tone) => tone,
            None => Tone::Good,
        };
        Summary {
            tone,
            sentence: whole(&sentence(report)),
            tiles,
        }
    }
}

fn sentence(report: &Training) -> String {
    let (score, interval) = report.test.score();
    let samples = report.test.samples();
    let told = match report.task {
        Task::Regression => format!(
            "R² is {score:.3} ({:.3} – {:.3}) on {}",
            interval[0],
            interval[1],
            counted(samples, "test sample", "test samples")
        ),
        Task::Classes => format!(
            "{} of {} are classified correctly ({})",
            format::percent(score),
            counted(samples, "test sample", "test samples"),
            percents(interval)
        ),
        Task::MultiLabel => format!(
            "of {} of {} every label is right ({})",
            format::percent(score),
            counted(samples, "test sample", "test samples"),
            percents(interval)
        ),
    };
    let check = &report.check;
    let fits = format!("the model {} {}", check.words(), on(check));
    let engines = if report.agrees() {
        "the engines agree on it"
    } else {
        "the engines do not agree on it"
    };
    let raised = report.raised().count();
    let guards = match raised {
        0 => "no guard raises anything".to_owned(),
        1 => "1 guard raises something".to_owned(),
        count => format!("{count} guards raise something"),
    };
    let early = if report.interrupted {
        " The run was ended before its time: this is about the best weights so far."
    } else {
        ""
    };
    let int8 = report.int8.as_ref().and_then(|int8| int8.test.as_ref());
    let int8 = int8.and_then(|test| test.accuracy.as_ref());
    // Where the figures are of the integers themselves, that is said already.
    let int8 = int8.filter(|of| of.quantized.to_bits() != score.to_bits());
    let mut told = int8.map_or(told.clone(), |of| {
        format!("{told}, on integers {}", format::percent(of.quantized))
    });
    if let Some(first) = told.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{told}; {fits}, {engines}, and {guards}.{early}")
}

fn on(check: &Check) -> String {
    let engine = check.engine.as_ref();
    let engine = engine.map_or(String::new(), |engine| format!(" with {engine}"));
    let word = match check.verdict {
        Verdict::Unknown if !check.fits_if.is_empty() => "on ",
        _ => "",
    };
    shown(&format!("{word}{}{engine}", check.device))
}

fn score(report: &Training) -> Tile {
    let (score, [low, high]) = report.test.score();
    let samples = report.test.samples();
    let (name, value, interval) = match report.task {
        Task::Regression => (
            "R², test",
            format!("{score:.3}"),
            format!("{low:.3} – {high:.3}"),
        ),
        Task::Classes => (
            "Accuracy, test",
            format::percent(score),
            percents([low, high]),
        ),
        Task::MultiLabel => (
            "All labels right, test",
            format::percent(score),
            percents([low, high]),
        ),
    };
    let better = report
        .best_baseline()
        .map(|baseline| baseline.test.score().0);
    Tile {
        name,
        value,
        detail: format!("95 % interval {interval}, n = {samples}"),
        tone: match better {
            Some(other) if other >= score => Tone::Bad,
            Some(other) if other >= low => Tone::Unsure,
            _ => Tone::Good,
        },
        link: "figures",
    }
}

fn against(report: &Training) -> Tile {
    let (score, _) = report.test.score();
    let Some(best) = report.best_baseline() else {
        return Tile {
            name: "Without the network",
            value: "–".into(),
            detail: "no baseline was fitted".into(),
            tone: Tone::Unsure,
            link: "figures",
        };
    };
    let (other, _) = best.test.score();
    let value = match report.task {
        Task::Regression => format!("{other:.3}"),
        _ => format::percent(other),
    };
    let detail = match report.task {
        Task::Regression => format!("{}; {:+.3} with it", shown(&best.name), score - other),
        _ => format!(
            "{}; {:+.1} points with it",
            shown(&best.name),
            100.0 * (score - other)
        ),
    };
    Tile {
        name: "Best baseline",
        value,
        detail,
        tone: if score > other { Tone::Good } else { Tone::Bad },
        link: "figures",
    }
}

fn device(check: &Check) -> Tile {
    let tightest = check
        .budgets
        .iter()
        .filter_map(|budget| Some((budget.share()?, budget)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let detail = tightest.map_or("nothing is known of its size".into(), |(_, budget)| {
        let [need, have] = budget.amounts();
        format!(
            "{need} of {have} ({}, {})",
            shown(&budget.place),
            budget.basis
        )
    });
    Tile {
        name: "On the device",
        value: match check.verdict {
            Verdict::Fits => "fits".into(),
            Verdict::DoesNotFit => "does not fit".into(),
            Verdict::Unknown => "open".into(),
        },
        detail: format!("{}: {detail}", shown(&check.device)),
        tone: match check.verdict {
            Verdict::Fits => Tone::Good,
            Verdict::DoesNotFit => Tone::Bad,
            Verdict::Unknown => Tone::Unsure,
        },
        link: "device",
    }
}

fn engines(report: &Training) -> Tile {
    let largest = report.parity.iter().filter_map(|pair| pair.max_abs);
    let largest = largest.fold(0.0, f64::max);
    let (value, detail) = match (report.parity.is_empty(), report.agrees()) {
        (true, _) => ("–".to_owned(), "one engine only".to_owned()),
        (_, true) => ("agree".into(), format!("largest difference {largest:.1e}")),
        (_, false) => ("differ".into(), format!("largest difference {largest:.1e}")),
    };
    Tile {
        name: "Engines",
        value,
        detail,
        tone: match (report.parity.is_empty(), report.agrees()) {
            (true, _) => Tone::Unsure,
            (_, true) => Tone::Good,
            (_, false) => Tone::Bad,
        },
        link: "parity",
    }
}

fn guards(report: &Training) -> Tile {
    let raised: Vec<&str> = report.raised().map(|found| found.code.as_str()).collect();
    let worst = report.guards.iter().map(|found| found.status).max();
    let fixed = report
        .guards
        .iter()
        .filter(|found| found.status == Status::Fixed);
    let fixed = fixed.count();
    Tile {
        name: "Guards",
        value: match raised.len() {
            0 => "quiet".into(),
            count => format!("{count} raised"),
        },
        detail: match (raised.is_empty(), fixed) {
            (true, 0) => format!("{} looked", report.guards.len()),
            (true, fixed) => format!("{} looked, {} fixed by edgefit", report.guards.len(), fixed),
            (false, _) => raised.join(", "),
        },
        tone: match worst {
            Some(Status::Failed) => Tone::Bad,
            Some(Status::Warning) => Tone::Unsure,
            _ => Tone::Good,
        },
        link: "guards",
    }
}
