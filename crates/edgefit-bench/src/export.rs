//! Results as comma-separated values and as a table in Markdown.

use crate::columns::{COLUMNS, header, row};
use crate::error::Result;
use crate::result::BenchResult;

/// The results as comma-separated values, times in nanoseconds and sizes in bytes.
///
/// # Errors
/// None that is known: the text is made in memory.
pub fn csv(results: &[BenchResult]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|column| column.field))?;
    for result in results {
        writer.write_record(COLUMNS.map(|column| (column.of)(result).plain()))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The results as a table in Markdown.
pub fn markdown(results: &[BenchResult]) -> String {
    let line = |cells: Vec<String>| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let names = header().into_iter();
    let rule = header().into_iter().map(|_| "---".to_owned());
    let mut text = line(names.map(str::to_owned).collect()) + &line(rule.collect());
    for result in results {
        text.push_str(&line(row(result)));
    }
    text
}
