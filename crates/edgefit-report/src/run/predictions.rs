//! `predictions.csv`: what the model says of each test sample, read row by row.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};
use edgefit_graph::Task;

use crate::document::Training;
use crate::page::Allowance;

/// Bins of the reliability curve.
pub(crate) const BINS: usize = 10;

/// Points of a scatter plot, per target.
const MOST_POINTS: usize = 600;

/// Targets of a regression that are drawn.
const MOST_TARGETS: usize = 12;

/// What the model says of all test samples, summed up.
#[derive(Debug, Default)]
pub(crate) struct Predictions {
    /// How sure it is, and how often it is right; none for regression.
    pub bins: Vec<Bin>,
    /// The likeliest classes of the wrong samples whose pictures are shown, by sample, as (class, probability).
    pub likeliest: HashMap<String, Vec<(usize, f64)>>,
    /// Predicted against true; of regression.
    pub scatters: Vec<Scatter>,
}

/// Answers of about the same probability.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bin {
    pub count: usize,
    pub sure: f64,
    pub right: usize,
}

/// What was predicted of a regression target, against what is true.
#[derive(Debug, Clone)]
pub(crate) struct Scatter {
    pub target: usize,
    /// (true, predicted)
    pub points: Vec<(f64, f64)>,
    /// Samples that the points are taken from, evenly.
    pub samples: usize,
}

impl Predictions {
    /// # Errors
    /// Why it cannot be read, as a clause.
    pub fn load(path: &Path, report: &Training) -> Result<Self, String> {
        let fail = |error: csv::Error| format!("predictions.csv: {error}");
        let mut reader = ReaderBuilder::new().from_path(path).map_err(fail)?;
        let heads = reader.headers().map_err(fail)?.clone();
        let columns = Columns::of(&heads, report)?;
        let mut read = match report.task {
            Task::Regression => Predictions {
                scatters: columns.scatters(),
                ..Predictions::default()
            },
            _ => Predictions {
                bins: vec![Bin::default(); BINS],
                ..Predictions::default()
            },
        };
        let samples = report.test.samples();
        let shown = report.mistakes.iter().take(Allowance::MOST_PICTURES);
        let shown: HashSet<&str> = shown.map(|mistake| mistake.sample.as_str()).collect();
        let mut record = StringRecord::new();
        let mut row = 0;
        while reader.read_record(&mut record).map_err(fail)? {
            match report.task {
                Task::Classes => read.add_class(&record, &columns, &shown),
                Task::MultiLabel => read.add_labels(&record, &columns, report),
                Task::Regression => read.add_numbers(&record, &columns, (row, samples)),
            }
            row += 1;
        }
        Ok(read)
    }

    fn add_class(&mut self, record: &StringRecord, columns: &Columns, shown: &HashSet<&str>) {
        let mut best: Vec<(usize, f64)> = columns.numbers(record).enumerate().collect();
        let sure = best.iter().map(|(_, p)| *p).fold(0.0, f64::max);
        let right = record.get(columns.correct) == Some("true");
        self.add(sure, right);
        let sample = record.get(0).unwrap_or_default();
        if shown.contains(sample) {
            best.sort_by(|a, b| b.1.total_cmp(&a.1));
            best.truncate(3);
            self.likeliest.insert(sample.to_owned(), best);
        }
    }

    fn add_labels(&mut self, record: &StringRecord, columns: &Columns, report: &Training) {
        let truth = record.get(columns.truth).unwrap_or_default();
        let given: Vec<&str> = truth.split("; ").collect();
        for (p, name) in columns.numbers(record).zip(&report.classes) {
            // How sure it is of its answer, be that yes or no.
            let has = given.contains(&name.as_str());
            self.add(p.max(1.0 - p), (p > 0.5) == has);
        }
    }

    /// Of many samples, evenly so many as are drawn.
    fn add_numbers(
        &mut self,
        record: &StringRecord,
        columns: &Columns,
        (row, samples): (usize, usize),
    ) {
        let every = samples.div_ceil(MOST_POINTS).max(1);
        let numbers: Vec<f64> = columns.numbers(record).collect();
        for scatter in &mut self.scatters {
            let at = scatter.target * 2;
            scatter.samples += 1;
            if let (0, Some(&[truth, predicted])) = (
                row % every,
                numbers.get(at..at + 2).and_then(|pair| pair.first_chunk()),
            ) {
                scatter.points.push((truth, predicted));
            }
        }
    }

    fn add(&mut self, sure: f64, right: bool) {
        let at = ((sure * BINS as f64) as usize).min(BINS - 1);
        if let Some(bin) = self.bins.get_mut(at) {
            bin.count += 1;
            bin.sure += sure;
            bin.right += usize::from(right);
        }
    }
}

/// Where what lies in a row.
struct Columns {
    truth: usize,
    correct: usize,
    /// The first of the probabilities, or of the pairs of a true and a predicted number.
    first: usize,
    targets: usize,
}

impl Columns {
    fn of(heads: &StringRecord, report: &Training) -> Result<Self, String> {
        let outputs = report.classes.len();
        let (first, wanted) = match report.task {
            Task::Regression => (1, 1 + 2 * outputs),
            _ => (4, 4 + outputs),
        };
        if heads.len() != wanted {
            return Err(format!(
                "predictions.csv has {} columns and not {wanted}, so it is not of this run",
                heads.len()
            ));
        }
        Ok(Columns {
            truth: 1,
            correct: 3,
            first,
            targets: outputs,
        })
    }

    fn numbers<'r>(&self, record: &'r StringRecord) -> impl Iterator<Item = f64> + 'r {
        let cells = record.iter().skip(self.first);
        cells.map(|cell| cell.parse().unwrap_or(0.0))
    }

    fn scatters(&self) -> Vec<Scatter> {
        let drawn = 0..self.targets.min(MOST_TARGETS);
        let scatter = |target| Scatter {
            target,
            points: Vec::new(),
            samples: 0,
        };
        drawn.map(scatter).collect()
    }
}
