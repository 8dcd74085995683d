//! From text to profile: what it extends is read first and overridden key by key.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::{Profile, VERSION, validate};
use edgefit_base::names::nearest;

use crate::error::{Error, Result, hint};
use crate::find::Search;
use crate::source::Source;

/// How many profiles may extend one another.
const MAX_LEVELS: usize = 16;

/// Lists whose entries are the same thing where their names are.
const NAMED_LISTS: [&str; 2] = ["bank", "engine"];

/// Reads the profile in `source` and everything that it extends.
pub(crate) fn resolve(source: Source, search: &Search) -> Result<Profile> {
    let chain = chain(source, search)?;
    // Each text's places are moved behind those of the texts before it, so that one place means one
    // line of one file after merging.
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
        let mut table = shift_table(parse(source)?, *start);
        table.remove("extends");
        if index > 0 {
            table.remove("name");
        }
        merge(&mut merged, table);
    }
    let root = Spanned::new(0..0, merged);
    let profile = Profile::deserialize(toml::Deserializer::from(root)).map_err(|error| {
        let problem = explain(error.message());
        // Without a place, it is the whole that lacks something.
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

/// `source`, what it extends, what that extends, and so on.
fn chain(source: Source, search: &Search) -> Result<Vec<Source>> {
    let mut chain: Vec<Source> = Vec::new();
    let mut next = Some(source);
    while let Some(source) = next.take() {
        if let Some((name, span)) = base(&source)? {
            let fail = |problem| source.problem(Some(span.clone()), problem);
            let found = search.base(&name, &source.origin);
            let found = found.map_err(|error| fail(not_found(&error)))?;
            let places = chain.iter().chain([&source]);
            let places: Vec<&str> = places.map(|source| source.place.as_str()).collect();
            if places.contains(&found.place.as_str()) {
                return Err(fail(format!(
                    "'extends' goes in a circle: {} → {}; leave one of them out",
                    places.join(" → "),
                    found.place
                )));
            }
            if places.len() == MAX_LEVELS {
                return Err(fail(format!(
                    "more than {MAX_LEVELS} profiles extend one another; join some"
                )));
            }
            next = Some(found);
        }
        chain.push(source);
    }
    Ok(chain)
}

fn not_found(error: &Error) -> String {
    match error {
        Error::Unknown { name, nearest } => format!(
            "'extends' names '{name}', which is not known{}; `edgefit device list` shows the names",
            hint(nearest)
        ),
        other => format!("'extends': {other}"),
    }
}

/// What `source` extends, and where it says so; its version is checked on the way.
fn base(source: &Source) -> Result<Option<(String, Range<usize>)>> {
    let table = parse(source)?;
    version(source, &table)?;
    match table.get("extends") {
        None => Ok(None),
        Some(extends) => match extends.get_ref().as_str() {
            Some(name) => Ok(Some((name.to_owned(), extends.span()))),
            None => Err(source.problem(
                Some(extends.span()),
                "'extends' is not a text; name one profile, such as \"raspberry-pi-4b\"",
            )),
        },
    }
}

/// Other versions are told apart before their keys are, which may mean something else.
fn version(source: &Source, table: &DeTable) -> Result<()> {
    let Some(version) = table.get("version") else {
        let problem = format!("there is no version; add 'version = {VERSION}'");
        return Err(source.problem(None, problem));
    };
    let written = version.get_ref().as_integer().map(ToString::to_string);
    let problem = match written.as_deref() {
        Some(number) if number == VERSION.to_string() => return Ok(()),
        Some("1") => format!(
            "version 1 of the schema is no longer read; write 'version = {VERSION}', and add \
             \"runtime\" to the holds of the banks that stack, heap and the engine's own memory \
             may lie in (profiles/README.md says what is new)"
        ),
        Some(other) => format!(
            "version {other} of the schema is not known; this edgefit reads version {VERSION}"
        ),
        None => format!("the version is not a whole number; write 'version = {VERSION}'"),
    };
    Err(source.problem(Some(version.span()), problem))
}

fn parse(source: &Source) -> Result<DeTable<'_>> {
    match DeTable::parse(&source.text) {
        Ok(table) => Ok(table.into_inner()),
        Err(error) => Err(source.problem(error.span(), error.message())),
    }
}

/// `table` with all its places `by` bytes further on.
fn shift_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            let key = Spanned::new(span.start + by..span.end + by, key.into_inner());
            (key, shift(value, by))
        })
        .collect()
}

fn shift(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shift_table(table, by)),
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|entry| shift(entry, by)).collect())
        }
        plain => plain,
    };
    Spanned::new(span.start + by..span.end + by, value)
}

/// Lets `over` override `base`.
fn merge<'t>(base: &mut DeTable<'t>, over: DeTable<'t>) {
    for (key, value) in over {
        match base.get_mut(key.get_ref().as_ref()) {
            Some(old) => {
                let named = NAMED_LISTS.contains(&key.get_ref().as_ref());
                merge_value(old, value, named);
            }
            None => {
                base.insert(key, value);
            }
        }
    }
}

fn merge_value<'t>(base: &mut Spanned<DeValue<'t>>, over: Spanned<DeValue<'t>>, named: bool) {
    // A figure is replaced whole: a value never keeps another value's source.
    let is_figure = |value: &DeValue| value.get("value").is_some();
    let figure = is_figure(base.get_ref()) || is_figure(over.get_ref());
    let span = over.span();
    match (base.get_mut(), over.into_inner()) {
        (DeValue::Table(base), DeValue::Table(over)) if !figure => merge(base, over),
        (DeValue::Array(base), DeValue::Array(over)) if named => merge_named(base, over),
        (_, over) => *base = Spanned::new(span, over),
    }
}

/// The entries of `over`, each upon the one of `base` that has its name, then the rest of `base`.
fn merge_named<'t>(base: &mut DeArray<'t>, over: DeArray<'t>) {
    let mut rest: Vec<_> = std::mem::replace(base, DeArray::new())
        .into_iter()
        .collect();
    for entry in over {
        let same = |old| name(&entry).is_some() && name(old) == name(&entry);
        match rest.iter().position(same) {
            Some(index) => {
                let mut merged = rest.remove(index);
                merge_value(&mut merged, entry, false);
                base.push(merged);
            }
            None => base.push(entry),
        }
    }
    for entry in rest {
        base.push(entry);
    }
}

fn name<'e>(entry: &'e Spanned<DeValue>) -> Option<&'e str> {
    entry.get_ref().get("name")?.get_ref().as_str()
}

/// serde's words for what breaks the schema, with the mend.
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
