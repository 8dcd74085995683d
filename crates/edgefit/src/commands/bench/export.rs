use std::path::Path;

use anyhow::{Context, ensure};
use edgefit::base::file::write_atomically;

use super::columns::{COLUMNS, header, row};
use super::report::BenchResult;

/// The results as comma-separated values, times in nanoseconds and sizes in bytes.
pub fn csv(results: &[BenchResult]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|column| column.field))?;
    for result in results {
        writer.write_record(COLUMNS.map(|column| (column.of)(result).for_machines()))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
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

/// Refuses a path that nothing can be written to, before anything is measured for it.
pub fn ensure_place(path: &Path) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    ensure!(
        folder.is_none_or(Path::is_dir) && !path.is_dir(),
        "cannot write {}: there is no such folder, or it is one itself; name a file in a folder that \
         is there",
        path.display()
    );
    Ok(())
}

/// Writes `text` to `path`; a file that is there is replaced once the new one is whole.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    write_atomically(path, |file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
