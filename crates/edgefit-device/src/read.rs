//! From text to profile. What a profile extends is merged before serde sees it: `serde_ignored` would
//! report unknown keys without their spans, and so without file and line.

pub(crate) mod extends;
mod merge;
pub(crate) mod source;
mod validate;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use edgefit_base::names::nearest;

use crate::error::Result;
use crate::profile::Profile;
use extends::Bases;
use source::Source;

/// Reads the profile in `source` and everything that it extends.
pub(crate) fn resolve(source: Source, bases: &impl Bases) -> Result<Profile> {
    let chain = extends::chain(source, bases)?;
    // The spans of each text are moved behind those of the texts before it: after merging, a span
    // tells the file too.
    let starts: Vec<usize> = chain
        .iter()
        .scan(0, |end, source| {
            let start = *end;
            *end += source.text.len() + 1;
            Some(start)
        })
        .collect();
    let mut merged = DeTable::new();
    for (index, (source, start)) in chain.iter().zip(&starts).enumerate().rev() {
        let mut table = merge::moved(source.table()?, *start);
        table.remove("extends");
        if index > 0 {
            table.remove("name");
            table.remove("aliases");
        }
        if let Some((span, problem)) = merge::stranger(&merged, &table) {
            let span = span.start - start..span.end - start;
            return Err(source.problem(Some(span), problem));
        }
        merge::merge(&mut merged, table);
    }
    let root = Spanned::new(0..0, merged);
    let profile = Profile::deserialize(toml::Deserializer::from(root)).map_err(|error| {
        let problem = explain(error.message());
        // Without a span, a key is missing at the top.
        let Some(span) = error.span().filter(|span| !span.is_empty()) else {
            return chain[0].problem(None, problem);
        };
        let index = starts.iter().rposition(|start| *start <= span.start);
        let index = index.unwrap_or(0);
        let span = span.start - starts[index]..span.end - starts[index];
        chain[index].problem(Some(span), problem)
    })?;
    match validate::validate(&profile) {
        Ok(()) => Ok(profile),
        Err(problem) => Err(chain[0].problem(None, problem)),
    }
}

/// The other names that the profile in `source` gives itself; none of one that cannot be read.
pub(crate) fn aliases(source: &Source) -> Vec<String> {
    let table = source.table().ok();
    let aliases = table
        .as_ref()
        .and_then(|table| table.get("aliases")?.get_ref().as_array());
    let aliases = aliases.into_iter().flatten();
    aliases
        .filter_map(|alias| alias.get_ref().as_str().map(str::to_owned))
        .collect()
}

/// serde's message on what breaks the schema, with the fix.
fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (what, Some(name)) = (message.split(" `").next(), quoted.next()) else {
        return message.to_owned();
    };
    let what = match what {
        Some("unknown field") => "key",
        Some("unknown variant") => "choice",
        Some("missing field") => return format!("'{name}' is missing; add it"),
        _ => return message.to_owned(),
    };
    let mut known: Vec<&str> = quoted.collect();
    if known.contains(&"weights_in") {
        known.push("extends");
    }
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("there is no {what} '{name}' here; did you mean '{nearest}'?"),
        None => format!(
            "there is no {what} '{name}' here; use one of {}",
            known.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
