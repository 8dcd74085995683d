//! A page of a sentence, charts and tables, made of the document that a command prints with `--json`.

use askama::Template;

use crate::error::Result;
use crate::page::{Allowance, Page};
use crate::section::Tone;

/// A page of a sentence, charts and tables.
#[derive(Template)]
#[template(path = "sheet.html")]
pub(crate) struct Sheet {
    /// What made it, such as `Benchmark`.
    pub kind: &'static str,
    /// What it is about.
    pub title: String,
    pub tone: Tone,
    pub sentence: String,
    pub notes: Vec<String>,
    pub chart: Option<Chart>,
    pub tables: Vec<Table>,
}

/// A picture with what is to be known of it.
pub(crate) struct Chart {
    pub picture: String,
    pub caption: &'static str,
}

/// A table.
pub(crate) struct Table {
    pub head: &'static str,
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// Rows that are not shown.
    pub left_out: usize,
}

/// A column.
pub(crate) struct Column {
    pub name: &'static str,
    pub is_number: bool,
}

/// Columns by their names; those that begin with `#` are of numbers.
pub(crate) fn columns(names: &[&'static str]) -> Vec<Column> {
    let column = |name: &&'static str| Column {
        name: name.trim_start_matches('#'),
        is_number: name.starts_with('#'),
    };
    names.iter().map(column).collect()
}

impl Sheet {
    /// The page, with as many rows as it has room for.
    pub fn page(mut self) -> Result<Page> {
        let whole: Vec<Vec<Vec<String>>> = self
            .tables
            .iter_mut()
            .map(|table| std::mem::take(&mut table.rows))
            .collect();
        let sheet = std::cell::RefCell::new(self);
        Allowance::largest(|allowance| {
            let mut sheet = sheet.borrow_mut();
            for (table, rows) in sheet.tables.iter_mut().zip(&whole) {
                table.rows = rows.iter().take(allowance.rows).cloned().collect();
                table.left_out = rows.len() - table.rows.len();
            }
            Ok(Page {
                html: sheet.render()?,
                remarks: Vec::new(),
            })
        })
    }
}
