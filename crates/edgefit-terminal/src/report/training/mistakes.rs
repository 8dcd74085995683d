//! Where the exported model is wrong on the test samples: which classes it takes for which, and the surest
//! of its mistakes.

use edgefit_base::units::format;
use edgefit_train::Report;
use edgefit_train::evaluate::metrics::Metrics;

use crate::table::table;

/// Most classes whose confusion is shown.
const MOST_CLASSES: usize = 10;

/// Most mistakes that are shown.
const MOST_MISTAKES: usize = 5;

/// Both, each on lines of its own.
pub(super) fn mistakes(report: &Report) -> String {
    [confusion(report), surest(report)].concat()
}

/// A row for each true class, a column for each that was said; nothing where all is right.
fn confusion(report: &Report) -> String {
    let Metrics::Classification(test) = &report.test else {
        return String::new();
    };
    if report.mistakes.is_empty() || report.classes.len() > MOST_CLASSES {
        return String::new();
    }
    let columns: Vec<String> = (0..report.classes.len()).map(|at| at.to_string()).collect();
    let heads = ["truth, and said to be"].into_iter();
    let heads: Vec<&str> = heads.chain(columns.iter().map(String::as_str)).collect();
    let mut rows = table(&heads);
    for (at, (class, counts)) in report.classes.iter().zip(&test.confusion).enumerate() {
        let cells = counts.iter().map(|count| match count {
            0 => "·".to_owned(),
            count => count.to_string(),
        });
        rows.add_row([format!("{at} {class}")].into_iter().chain(cells));
    }
    format!("{rows}\n")
}

/// A row for each of the surest.
fn surest(report: &Report) -> String {
    let Some(count) = report.test.accuracy().map(|accuracy| accuracy.samples) else {
        return "predictions.csv has the test samples one by one\n".into();
    };
    let wrong = report.mistakes.len();
    if wrong == 0 {
        return String::new();
    }
    let mut rows = table(&["test sample", "is", "said to be", "sure by"]);
    for mistake in report.mistakes.iter().take(MOST_MISTAKES) {
        rows.add_row([
            mistake.sample.clone(),
            mistake.truth.clone(),
            mistake.predicted.clone(),
            format::percent(mistake.probability),
        ]);
    }
    let which = if wrong > MOST_MISTAKES {
        format!("; the {MOST_MISTAKES} surest are above")
    } else {
        String::new()
    };
    format!(
        "{rows}\n{wrong} of {count} test samples are wrong{which}; predictions.csv has all samples\n"
    )
}
