//! Lines on stderr.

use std::io::Write;

/// Prints a line. Where nobody reads any more, as behind `2>&1 | head`, it is lost, and the work goes on.
pub fn print_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
