//! Merging of TOML tables, key by key, with their spans.

use std::ops::Range;

use edgefit_base::names::nearest;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Keys that only an entry has which is whole in itself.
const COMPLETE: [&str; 2] = ["bytes", "element_types"];

/// Lists whose entries are the same thing where their names are.
const NAMED_LISTS: [&str; 2] = ["bank", "engine"];

/// `table` with all its spans `by` bytes further on.
pub fn moved(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            let key = Spanned::new(span.start + by..span.end + by, key.into_inner());
            (key, moved_value(value, by))
        })
        .collect()
}

fn moved_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved(table, by)),
        DeValue::Array(array) => DeValue::Array(
            array
                .into_iter()
                .map(|entry| moved_value(entry, by))
                .collect(),
        ),
        plain => plain,
    };
    Spanned::new(span.start + by..span.end + by, value)
}

/// An entry of `over` in a list of named ones that only changes what `base` says of it, and of which
/// `base` says nothing: its span, and what is wrong. What is in no base is new, and complete.
pub fn stranger(base: &DeTable, over: &DeTable) -> Option<(Range<usize>, String)> {
    NAMED_LISTS.into_iter().find_map(|list| {
        let known: Vec<&str> = entries(base, list).into_iter().filter_map(name).collect();
        let mut named = entries(over, list).into_iter().filter_map(|entry| {
            let whole = COMPLETE.iter().any(|key| entry.get_ref().get(*key).is_some());
            name(entry).filter(|_| !whole).map(|called| (entry, called))
        });
        let (entry, called) = named.find(|(_, called)| !known.contains(called))?;
        if known.is_empty() {
            return None;
        }
        let hint = match nearest(called, known.iter().copied()) {
            Some(nearest) => format!("did you mean '{nearest}'?"),
            None => format!("use one of {}", known.join(", ")),
        };
        let problem = format!(
            "there is no {list} '{called}' in what this profile extends, and a new one needs more than \
             that; {hint}"
        );
        Some((entry.span(), problem))
    })
}

fn entries<'t, 'i>(table: &'t DeTable<'i>, list: &str) -> Vec<&'t Spanned<DeValue<'i>>> {
    let list = table.get(list).and_then(|list| list.get_ref().as_array());
    list.map_or(Vec::new(), |list| list.iter().collect())
}

/// Lets `over` override `base`.
pub fn merge<'t>(base: &mut DeTable<'t>, over: DeTable<'t>) {
    for (key, value) in over {
        match base.get_mut(key.get_ref().as_ref()) {
            Some(old) => {
                let lists = if NAMED_LISTS.contains(&key.get_ref().as_ref()) {
                    Lists::ByName
                } else {
                    Lists::Replaced
                };
                merge_value(old, value, lists);
            }
            None => {
                base.insert(key, value);
            }
        }
    }
}

/// What is done with a list that both have.
#[derive(PartialEq, Eq)]
enum Lists {
    ByName,
    Replaced,
}

fn merge_value<'t>(base: &mut Spanned<DeValue<'t>>, over: Spanned<DeValue<'t>>, lists: Lists) {
    // A figure is replaced whole: a value never keeps another value's source.
    let is_figure = |value: &DeValue| value.get("value").is_some();
    let figure = is_figure(base.get_ref()) || is_figure(over.get_ref());
    let span = over.span();
    match (base.get_mut(), over.into_inner()) {
        (DeValue::Table(base), DeValue::Table(over)) if !figure => merge(base, over),
        (DeValue::Array(base), DeValue::Array(over)) if lists == Lists::ByName => {
            merge_named(base, over)
        }
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
                merge_value(&mut merged, entry, Lists::Replaced);
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
