//! The page that compares runs.

mod pairs;
mod row;
mod settings;

use std::path::{Path, PathBuf};

use askama::Template;
use edgefit_base::units::format;
use edgefit_graph::Task;

use self::pairs::{Pair, pairs};
use self::row::Row;
use self::settings::settings;
use crate::chart::{Interval, intervals};
use crate::document::Training;
use crate::error::{Error, Result};
use crate::page::{Allowance, Page};
use crate::run;
use crate::section::Summary;
use crate::words::{percents, shown};

/// Runs that are compared at most.
const MOST_RUNS: usize = 20;

/// The page that compares the runs in `folders`, the first with each of the others.
///
/// # Errors
/// One of them is no run that came to an end, or they predict different things.
pub fn comparison_page(folders: &[PathBuf]) -> Result<Page> {
    let Some((first, _)) = folders.split_first() else {
        return Err(Error::run(
            Path::new("."),
            "no run was named; give two or more",
        ));
    };
    if folders.len() > MOST_RUNS {
        let problem = format!(
            "is one of {} runs; compare {MOST_RUNS} at most",
            folders.len()
        );
        return Err(Error::run(first, problem));
    }
    let runs: Vec<Training> = folders
        .iter()
        .map(|folder| run::report(folder))
        .collect::<Result<_>>()?;
    for (run, folder) in runs.iter().zip(folders) {
        if run.task != runs[0].task || run.classes != runs[0].classes {
            let problem = format!(
                "predicts something else than {}, so their figures say nothing of each other; compare runs of the \
                 same classes",
                first.display()
            );
            return Err(Error::run(folder, problem));
        }
    }
    Allowance::largest(|allowance| {
        let view = View::of(&runs, folders, allowance);
        Ok(Page {
            html: view.render()?,
            remarks: view.remarks,
        })
    })
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct View {
    runs: Vec<RunCard>,
    chart: String,
    rows: Vec<Row>,
    pairs: Vec<Pair>,
    settings: Vec<Row>,
    settings_left_out: usize,
    remarks: Vec<String>,
}

/// A run.
struct RunCard {
    name: String,
    summary: Summary,
}

impl View {
    fn of(runs: &[Training], folders: &[PathBuf], allowance: Allowance) -> Self {
        let names: Vec<String> = folders
            .iter()
            .map(|folder| shown(&folder.display().to_string()))
            .collect();
        let mut remarks = Vec::new();
        let pairs = pairs(runs, folders, &mut remarks);
        let mut settings = settings(folders, &mut remarks);
        let settings_left_out = settings.len().saturating_sub(allowance.rows);
        settings.truncate(allowance.rows);
        let cards = names.iter().zip(runs).map(|(name, run)| RunCard {
            name: name.clone(),
            summary: Summary::of(run),
        });
        View {
            runs: cards.collect(),
            chart: chart(runs, &names),
            rows: rows(runs),
            pairs,
            settings,
            settings_left_out,
            remarks,
        }
    }
}

fn chart(runs: &[Training], names: &[String]) -> String {
    let rows: Vec<Interval> = runs
        .iter()
        .enumerate()
        .map(|(at, run)| {
            let (value, interval) = run.test.score();
            let folder = Path::new(&names[at]).file_name();
            let name = folder.map_or(names[at].clone(), |name| {
                name.to_string_lossy().into_owned()
            });
            let short: String = name.chars().take(14).collect();
            Interval {
                name: format!("{} {short}", at + 1),
                value,
                interval,
                is_own: at == 0,
            }
        })
        .collect();
    match runs.first().map(|run| run.task) {
        Some(Task::Regression) => intervals(
            &rows,
            |value| format!("{value:.1}"),
            "R² of the runs with 95 % intervals",
        ),
        _ => intervals(
            &rows,
            |value| format!("{:.0} %", 100.0 * value),
            "Accuracy of the runs with 95 % intervals",
        ),
    }
}

/// Figures of all runs.
fn rows(runs: &[Training]) -> Vec<Row> {
    let row = |name: &str, of: &dyn Fn(&Training) -> String| Row {
        name: name.to_owned(),
        cells: runs.iter().map(|run| shown(&of(run))).collect(),
    };
    let score = |value: f64, task: Task| match task {
        Task::Regression => format!("{value:.3}"),
        _ => format::percent(value),
    };
    vec![
        row("score on the test samples", &|run| {
            score(run.test.score().0, run.task)
        }),
        row("95 % interval", &|run| match run.task {
            Task::Regression => run
                .test
                .score()
                .1
                .map(|end| format!("{end:.3}"))
                .join(" – "),
            _ => percents(run.test.score().1),
        }),
        row("test samples", &|run| {
            format::count(run.test.samples() as u64)
        }),
        row("score on the validation samples", &|run| {
            score(run.val.score().0, run.task)
        }),
        row("best baseline", &|run| {
            run.best_baseline()
                .map_or("–".into(), |best| score(best.test.score().0, run.task))
        }),
        row("backbone", &|run| {
            let name = run
                .origin
                .backbone
                .file_name()
                .unwrap_or(run.origin.backbone.as_os_str());
            name.to_string_lossy().into_owned()
        }),
        row("stages", &|run| {
            let stages = run.stages.iter().map(|stage| {
                if stage.kept {
                    stage.name.clone()
                } else {
                    format!("({})", stage.name)
                }
            });
            stages.collect::<Vec<_>>().join(", ")
        }),
        row("device", &|run| {
            format!("{} {}", run.check.words(), run.check.device)
        }),
        row("RAM", &|run| {
            let ram = run
                .check
                .budgets
                .iter()
                .find(|budget| budget.resource == "ram");
            ram.map_or("–".into(), |ram| ram.amounts()[0].clone())
        }),
        row("time of a run", &|run| {
            run.check
                .latency
                .as_ref()
                .map_or("–".into(), |time| time.words())
        }),
        row("guards raised", &|run| {
            let raised: Vec<&str> = run.raised().map(|found| found.code.as_str()).collect();
            if raised.is_empty() {
                "none".into()
            } else {
                raised.join(", ")
            }
        }),
        row("time of the job", &|run| {
            format::seconds(run.timing.total_ns)
        }),
        row("begun", &|run| run.origin.started.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sample_run;

    #[test]
    fn runs_are_compared_on_the_samples_that_both_have() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a".to_owned(), "b".to_owned()];
        let place = |name: &str, rate: f64, rows: &str| {
            let place = folder.path().join(name);
            fs::create_dir(&place).unwrap();
            sample_run::classes(&place, &names, &[]);
            let job = format!(
                r#"{{"run": "{name}", "recipe": {{"probe": {{"rate": {rate}, "batch": 32}}}}, "device": {{"name": "x"}}}}"#
            );
            fs::write(place.join("job.json"), job).unwrap();
            let rows = format!("sample,truth,predicted,correct,p(a),p(b)\n{rows}");
            fs::write(place.join("predictions.csv"), rows).unwrap();
            place
        };
        let one = place(
            "one",
            0.1,
            "1,a,a,true,1,0\n2,a,b,false,0,1\n3,a,b,false,0,1\n",
        );
        let other = place(
            "<b>",
            0.2,
            "1,a,b,false,0,1\n2,a,a,true,1,0\n3,a,b,false,0,1\n4,a,a,true,1,0\n",
        );
        let page = comparison_page(&[one.clone(), other.clone()]).unwrap();
        assert!(
            page.html.contains("recipe.probe.rate") && !page.html.contains("recipe.probe.batch")
        );
        assert!(page.html.contains("+0.0 ± ") && page.html.contains("may be chance"));
        assert!(!page.html.contains("<b>") && page.remarks.is_empty());
        for (place, sha256) in [(&one, "00"), (&other, "11")] {
            let manifest = format!(
                r#"{{"schema": "edgefit.manifest/1", "samples": [{{"path": "1", "sha256": "{sha256}", "truth": "a"}}]}}"#
            );
            fs::write(place.join("manifest.json"), manifest).unwrap();
        }
        let page = comparison_page(&[one.clone(), other.clone()]).unwrap();
        assert!(page.remarks[0].starts_with("1 test sample is left out"));
        fs::remove_file(other.join("predictions.csv")).unwrap();
        let page = comparison_page(&[one.clone(), other]).unwrap();
        assert!(page.remarks[0].contains("not compared sample by sample"));

        let third = folder.path().join("third");
        fs::create_dir(&third).unwrap();
        sample_run::regression(&third, 3);
        let refused = comparison_page(&[one, third]).unwrap_err().to_string();
        assert!(refused.contains("predicts something else"), "{refused}");
    }
}
