//! Tables that are as narrow as the page without a break inside a word.

use std::fmt;

use console::measure_text_width;

use crate::page::{self, wrapped};

/// Columns of a border and the spaces beside a cell.
const BETWEEN: usize = 3;

/// Columns that a page has beside a word at least: those of a border, or of an indentation.
const MARGINS: usize = 4;

/// Rows under a header. What is too wide breaks between words; where that is not enough, columns without a
/// figure and those that only repeat others go, the first column gets a line of its own, and at last each
/// cell. A word that is wider than the page loses its middle.
#[derive(Debug, Clone)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Read from the right, as figures are.
    right: Vec<usize>,
    /// Left out where there is no room.
    spare: Vec<usize>,
}

/// A table without rows.
pub fn table(header: &[&str]) -> Table {
    Table {
        header: header.iter().map(ToString::to_string).collect(),
        rows: Vec::new(),
        right: Vec::new(),
        spare: Vec::new(),
    }
}

impl Table {
    /// Adds a row, a cell for each column.
    pub fn add_row<R>(&mut self, cells: R) -> &mut Self
    where
        R: IntoIterator,
        R::Item: fmt::Display,
    {
        let cells = cells.into_iter().map(|cell| cell.to_string());
        let mut cells: Vec<String> = cells.map(|cell| cell.replace('\n', " ")).collect();
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
        self
    }

    /// Aligns these columns to the right.
    pub fn align_right(&mut self, columns: impl IntoIterator<Item = usize>) {
        self.right.extend(columns);
    }

    /// Marks columns that the others make up for.
    pub fn spare(&mut self, columns: impl IntoIterator<Item = usize>) {
        self.spare.extend(columns);
    }

    /// The table in at most `width` columns.
    pub fn fitted(&self, width: usize) -> String {
        let mut table = self.clone();
        for cell in table.rows.iter_mut().flatten() {
            let words = crate::paint::words(cell).into_iter();
            let words: Vec<String> = words.map(|word| shortened(word, width - MARGINS)).collect();
            *cell = words.join(" ");
        }
        table.arranged(width)
    }

    fn arranged(&self, width: usize) -> String {
        let all: Vec<usize> = (0..self.header.len()).collect();
        let blank = |row: &Vec<String>, at: usize| ["", "–"].contains(&row[at].as_str());
        let needed =
            |at: &usize| !self.spare.contains(at) && !self.rows.iter().all(|row| blank(row, *at));
        let some: Vec<usize> = all.iter().copied().filter(needed).collect();
        for columns in [&all, &some] {
            if let Some(widths) = self.widths(columns, width) {
                return self.drawn(columns, &widths, None);
            }
        }
        for columns in [&all, &some] {
            let below: Vec<usize> = columns.iter().copied().filter(|at| *at > 0).collect();
            if let Some(widths) = self.widths(&below, width) {
                return self.drawn(&below, &widths, Some(width));
            }
        }
        self.listed(width)
    }

    fn column(&self, at: usize) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().map(move |row| row[at].as_str());
        std::iter::once(self.header[at].as_str()).chain(cells)
    }

    /// A width for each of `columns`: all of its widest cell, or less where the table would be too wide,
    /// the widest first; `None` where the longest words alone are.
    fn widths(&self, columns: &[usize], width: usize) -> Option<Vec<usize>> {
        let room = width.checked_sub(BETWEEN * columns.len() + 1)?;
        if columns.is_empty() {
            return None;
        }
        let whole = |at: &usize| self.column(*at).map(measure_text_width).max().unwrap_or(0);
        let word = |at: &usize| {
            let words = self.column(*at).flat_map(crate::paint::words);
            words.map(measure_text_width).max().unwrap_or(0)
        };
        let wholes: Vec<usize> = columns.iter().map(whole).collect();
        let words: Vec<usize> = columns.iter().map(word).collect();
        let capped = |cap: usize| -> Vec<usize> {
            let pairs = wholes.iter().zip(&words);
            pairs
                .map(|(whole, word)| cap.min(*whole).max(*word))
                .collect()
        };
        let fits = |cap: &usize| capped(*cap).iter().sum::<usize>() <= room;
        let cap = (0..=room).rev().find(fits)?;
        let mut widths = capped(cap);
        // What the cap leaves over goes to the first that can use it.
        let mut left = room - widths.iter().sum::<usize>();
        for (width, whole) in widths.iter_mut().zip(&wholes) {
            let more = left.min(whole - *width);
            *width += more;
            left -= more;
        }
        Some(widths)
    }

    /// These columns with lines around them. The first column of the table has lines of its own in between
    /// where a width is given for them.
    fn drawn(&self, columns: &[usize], widths: &[usize], titles: Option<usize>) -> String {
        let rule = |left: &str, line: &str, cross: &str, right: &str| {
            let lines: Vec<String> = widths.iter().map(|width| line.repeat(width + 2)).collect();
            format!("{left}{}{right}", lines.join(cross))
        };
        let inside = widths.iter().sum::<usize>() + BETWEEN * widths.len().saturating_sub(1);
        let title = |text: &str, lines: &mut Vec<String>| {
            let most = titles.map_or(0, |most| most - MARGINS);
            if text.is_empty() || most == 0 {
                return;
            }
            let words = crate::paint::words(text).into_iter();
            let fits = words.map(measure_text_width).all(|word| word <= inside);
            let titles = wrapped(text, if fits { inside } else { most }, 0).into_iter();
            lines.extend(titles.map(|line| {
                // A word that is wider than the table reaches beyond its border.
                let reaches = measure_text_width(&line) > inside;
                let border = if reaches { "" } else { " │" };
                format!("│ {}{border}", padded(&line, inside, Side::Left))
            }));
        };
        let mut lines = vec![rule("┌", "─", "┬", "┐")];
        title(&self.header[0], &mut lines);
        self.draw_row(&self.header, columns, widths, &mut lines);
        lines.push(rule("╞", "═", "╪", "╡"));
        for row in &self.rows {
            title(&row[0], &mut lines);
            self.draw_row(row, columns, widths, &mut lines);
        }
        lines.push(rule("└", "─", "┴", "┘"));
        lines.join("\n")
    }

    fn draw_row(&self, row: &[String], columns: &[usize], widths: &[usize], to: &mut Vec<String>) {
        let cells: Vec<Vec<String>> = columns
            .iter()
            .zip(widths)
            .map(|(at, width)| wrapped(&row[*at], *width, 0))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let parts = cells.iter().zip(columns).zip(widths);
            let parts = parts.map(|((cell, at), width)| {
                let side = if self.right.contains(at) {
                    Side::Right
                } else {
                    Side::Left
                };
                padded(cell.get(line).map_or("", String::as_str), *width, side)
            });
            let parts: Vec<String> = parts.collect();
            to.push(format!("│ {} │", parts.join(" ┆ ")));
        }
    }

    /// A line a cell, each behind the name of its column.
    fn listed(&self, width: usize) -> String {
        let mut lines = Vec::new();
        for row in &self.rows {
            lines.extend(wrapped(&row[0], width, 2));
            for (name, cell) in self.header.iter().zip(row).skip(1) {
                if cell.is_empty() {
                    continue;
                }
                let separator = if name.is_empty() { "" } else { ": " };
                lines.extend(wrapped(&format!("  {name}{separator}{cell}"), width, 4));
            }
        }
        lines.join("\n")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.fitted(page::width()))
    }
}

/// `word` without its middle, where it is wider than `width`.
fn shortened(word: &str, width: usize) -> String {
    if measure_text_width(word) <= width {
        return word.to_owned();
    }
    let half = width.saturating_sub(1) / 2;
    let room = |used: &mut usize, c: char| {
        *used += measure_text_width(c.encode_utf8(&mut [0; 4]));
        (*used <= half).then_some(c)
    };
    let head: String = word.chars().scan(0, room).collect();
    let tail: Vec<char> = word.chars().rev().scan(0, room).collect();
    format!("{head}…{}", tail.iter().rev().collect::<String>())
}

/// Where a text stands in its cell.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

fn padded(text: &str, width: usize, side: Side) -> String {
    let space = " ".repeat(width.saturating_sub(measure_text_width(text)));
    match side {
        Side::Left => format!("{text}{space}"),
        Side::Right => format!("{space}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Table {
        let mut nodes = table(&["node", "what it does", "MACs", ""]);
        nodes.add_row(["/stem/conv", "makes channels of colours", "1,234", "99.0 %"]);
        nodes.add_row(["/head", "says", "56", "1.0 %"]);
        nodes.align_right([2, 3]);
        nodes.spare([3]);
        nodes
    }

    #[test]
    fn a_table_that_fits_is_as_wide_as_its_cells() {
        let expected = "\
            ┌────────────┬───────────────────────────┬───────┬────────┐\n\
            │ node       ┆ what it does              ┆  MACs ┆        │\n\
            ╞════════════╪═══════════════════════════╪═══════╪════════╡\n\
            │ /stem/conv ┆ makes channels of colours ┆ 1,234 ┆ 99.0 % │\n\
            │ /head      ┆ says                      ┆    56 ┆  1.0 % │\n\
            └────────────┴───────────────────────────┴───────┴────────┘";
        assert_eq!(nodes().fitted(120), expected);
        assert_eq!(nodes().fitted(59), expected);
    }

    #[test]
    fn a_table_that_is_too_wide_breaks_between_words() {
        let expected = "\
            ┌────────────┬───────────────────┬───────┬────────┐\n\
            │ node       ┆ what it does      ┆  MACs ┆        │\n\
            ╞════════════╪═══════════════════╪═══════╪════════╡\n\
            │ /stem/conv ┆ makes channels of ┆ 1,234 ┆ 99.0 % │\n\
            │            ┆ colours           ┆       ┆        │\n\
            │ /head      ┆ says              ┆    56 ┆  1.0 % │\n\
            └────────────┴───────────────────┴───────┴────────┘";
        assert_eq!(nodes().fitted(51), expected);
    }

    #[test]
    fn without_room_for_its_words_a_table_keeps_them_whole() {
        let stacked = "\
            ┌──────────┬───────┐\n\
            │ node             │\n\
            │ what it  ┆  MACs │\n\
            │ does     ┆       │\n\
            ╞══════════╪═══════╡\n\
            │ /stem/conv       │\n\
            │ makes    ┆ 1,234 │\n\
            │ channels ┆       │\n\
            │ of       ┆       │\n\
            │ colours  ┆       │\n\
            │ /head            │\n\
            │ says     ┆    56 │\n\
            └──────────┴───────┘";
        assert_eq!(nodes().fitted(20), stacked);
        let listed = "\
            /stem/conv\n  what it\n    does:\n    makes\n    channels\n    of colours\n  MACs: 1,234\n  99.0 %\n\
            /head\n  what it\n    does: says\n  MACs: 56\n  1.0 %";
        assert_eq!(nodes().fitted(14), listed);
    }

    #[test]
    fn what_has_no_figure_goes_first() {
        let mut runs = table(&["run", "p50", "energy", "p99"]);
        runs.add_row(["one", "39.9 ms", "–", ""]);
        let whole = runs.fitted(80);
        assert!(whole.contains("energy"), "{whole}");
        let narrow = runs.fitted(20);
        assert!(narrow.contains("39.9 ms"), "{narrow}");
        assert!(!narrow.contains("energy"), "{narrow}");
    }

    #[test]
    fn a_word_that_is_wider_than_the_page_loses_its_middle() {
        let mut names = table(&["name", "size"]);
        names.add_row([&"x/".repeat(200), "1"]);
        names.add_row([&"大".repeat(200), "1"]);
        for width in [40, 80, 120] {
            let text = names.fitted(width);
            assert!(
                text.lines().all(|line| measure_text_width(line) <= width),
                "{text}"
            );
            assert!(text.contains('…'), "{text}");
        }
    }

    #[test]
    fn no_width_cuts_a_word_or_is_exceeded() {
        let table = nodes();
        let whole = table.fitted(120);
        let words: Vec<&str> = whole.split_whitespace().collect();
        for width in 14..70 {
            let text = table.fitted(width);
            assert!(
                text.lines().all(|line| measure_text_width(line) <= width),
                "{width}:\n{text}"
            );
            for word in text.split_whitespace() {
                let plain = word.trim_end_matches(':');
                let drawn = plain.contains(['─', '═']);
                assert!(drawn || words.contains(&plain), "{width}: {word}");
            }
        }
    }
}
