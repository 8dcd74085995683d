//! The chain of profiles that extend one another.

use std::ops::Range;

use toml::de::DeTable;

use super::source::{Origin, Source};
use crate::error::{Error, Result, hint};
use crate::profile::VERSION;

/// How many profiles may extend one another.
const MAX_LEVELS: usize = 16;

/// Where the profiles are that others extend.
pub(crate) trait Bases {
    /// What a profile of `origin` means by `extends = reference`.
    ///
    /// # Errors
    /// There is no such profile, or it cannot be read.
    fn base(&self, reference: &str, origin: &Origin) -> Result<Source>;
}

/// `source`, what it extends, what that extends, and so on.
pub fn chain(source: Source, bases: &impl Bases) -> Result<Vec<Source>> {
    let mut chain: Vec<Source> = Vec::new();
    let mut next = Some(source);
    while let Some(source) = next.take() {
        if let Some((name, span)) = base(&source)? {
            let fail = |problem| source.problem(Some(span.clone()), problem);
            let found = bases.base(&name, &source.origin);
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
    let table = source.table()?;
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
        Some(other) => format!(
            "version {other} of the schema is not known; this edgefit reads version {VERSION}"
        ),
        None => format!("the version is not a whole number; write 'version = {VERSION}'"),
    };
    Err(source.problem(Some(version.span()), problem))
}
