//! The engines, and whether they are there.

use edgefit_engine::Status;

use crate::table::table;

/// A row an engine.
pub fn engines(engines: &[Status]) -> String {
    let mut rows = table(&["engine", "there", "where"]);
    for status in engines {
        let there = if status.available { "yes" } else { "no" };
        rows.add_row([&status.name, there, &status.detail]);
    }
    rows.to_string()
}
