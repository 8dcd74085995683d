//! What is different between the data that a run began with and those that are there, in words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::run::listed::Listed;

/// Most things of a kind that are named one by one.
const NAMED: usize = 3;

/// The samples of a dataset and what they are called.
pub(crate) struct Listing<'a> {
    /// Classes, labels or regression targets, in the order of the outputs.
    pub classes: &'a [String],
    pub samples: &'a [Listed],
    /// What the samples are called, in the plural.
    pub noun: &'static str,
}

/// What of `was` is different `now`, in words; `None` if nothing is.
pub(crate) fn between(was: &Listing, now: &Listing) -> Option<String> {
    let matched = Matched::of(was, now);
    let renamed = matched.renamed_classes(was, now);
    let mut words = Vec::new();
    for (old, new) in &renamed {
        words.push(format!("class '{old}' is called '{new}' now"));
    }
    let name = |old: &str| renamed.get(old).map_or(old, |new| new).to_owned();
    let before: BTreeSet<String> = was.classes.iter().map(|class| name(class)).collect();
    let after: BTreeSet<String> = now.classes.iter().cloned().collect();
    for (classes, how) in [(&before - &after, "gone"), (&after - &before, "new")] {
        words.extend(told("class", "classes", how, &quoted(&classes)));
    }

    let noun = now.noun;
    let one = noun.strip_suffix('s').unwrap_or(noun);
    let is_told = |old: &Listed, new: &Listed| renamed.get(&old.truth) == Some(&new.truth);
    let moved = matched.moved.iter().filter(|(old, new)| !is_told(old, new));
    let moved: Vec<String> = moved
        .map(|(old, new)| format!("{} is {} now", old.path, new.path))
        .collect();
    let relabelled = matched.same.iter();
    let relabelled = relabelled.filter(|(old, new)| old.truth != new.truth && !is_told(old, new));
    let relabelled: Vec<String> = relabelled
        .map(|(old, new)| format!("{}: '{}', was '{}'", old.path, new.truth, old.truth))
        .collect();
    let changed = matched.same.iter();
    let changed = changed.filter(|(old, new)| old.sha256 != new.sha256);
    let changed: Vec<String> = changed.map(|(old, _)| old.path.clone()).collect();
    let paths = |samples: &[&Listed]| -> Vec<String> {
        samples.iter().map(|sample| sample.path.clone()).collect()
    };
    for (how, names) in [
        ("gone", paths(&matched.gone)),
        ("new", paths(&matched.new)),
        ("changed", changed),
        ("renamed", moved),
        ("labelled otherwise", relabelled),
    ] {
        words.extend(told(one, noun, how, &names));
    }
    if words.is_empty() && was.classes != now.classes {
        words.push("the classes are in another order".into());
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// Samples of before and of now that are the same one.
#[derive(Default)]
struct Matched<'a> {
    /// With the same path.
    same: Vec<(&'a Listed, &'a Listed)>,
    /// With the same contents under another path.
    moved: Vec<(&'a Listed, &'a Listed)>,
    gone: Vec<&'a Listed>,
    new: Vec<&'a Listed>,
}

impl<'a> Matched<'a> {
    fn of(was: &Listing<'a>, now: &Listing<'a>) -> Self {
        let mut after: BTreeMap<&str, &Listed> = now
            .samples
            .iter()
            .map(|sample| (sample.path.as_str(), sample))
            .collect();
        let mut matched = Matched::default();
        let mut lost = Vec::new();
        for old in was.samples {
            match after.remove(old.path.as_str()) {
                Some(new) => matched.same.push((old, new)),
                None => lost.push(old),
            }
        }
        let mut by_contents: HashMap<&str, Vec<&Listed>> = HashMap::new();
        // From the back, so that the first is taken first.
        for new in after.values().rev() {
            match &new.sha256 {
                Some(hash) => by_contents.entry(hash).or_default().push(new),
                None => matched.new.push(new),
            }
        }
        for old in lost {
            let found = old.sha256.as_deref();
            match found.and_then(|hash| by_contents.get_mut(hash)?.pop()) {
                Some(new) => matched.moved.push((old, new)),
                None => matched.gone.push(old),
            }
        }
        matched.new.extend(by_contents.into_values().flatten());
        matched.new.sort_by(|a, b| a.path.cmp(&b.path));
        matched
    }

    /// Classes that have another name now: all of their samples that are still there are of one class
    /// that was not there before.
    fn renamed_classes(&self, was: &Listing, now: &Listing) -> BTreeMap<String, String> {
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (old, new) in self.same.iter().chain(&self.moved) {
            names.entry(&old.truth).or_default().insert(&new.truth);
        }
        let has = |classes: &[String], name: &str| classes.iter().any(|class| class == name);
        let renamed = names.into_iter().filter_map(|(old, names)| {
            let mut names = names.into_iter();
            let (new, None) = (names.next()?, names.next()) else {
                return None;
            };
            let is_renamed = has(was.classes, old)
                && !has(now.classes, old)
                && has(now.classes, new)
                && !has(was.classes, new);
            is_renamed.then(|| (old.to_owned(), new.to_owned()))
        });
        renamed.collect()
    }
}

fn quoted(names: &BTreeSet<String>) -> Vec<String> {
    names.iter().map(|name| format!("'{name}'")).collect()
}

/// How many things became what, with the names of some; nothing of none.
fn told(one: &str, many: &str, how: &str, names: &[String]) -> Option<String> {
    let some = names.get(..NAMED).unwrap_or(names).join(", ");
    match names.len() {
        0 => None,
        1 => Some(format!("1 {one} is {how} ({some})")),
        count if count <= NAMED => Some(format!("{count} {many} are {how} ({some})")),
        count => Some(format!(
            "{count} {many} are {how} ({some} and {} more)",
            count - NAMED
        )),
    }
}

/// The first setting that is different, as `recipe.probe.epochs is 20, was 40`. Of one that an older edgefit did not
/// write, nothing is known.
pub(crate) fn changed_setting(was: &Value, now: &Value) -> Option<String> {
    match (was, now) {
        (Value::Object(old), Value::Object(new)) => old.iter().find_map(|(key, old)| {
            let inner = changed_setting(old, new.get(key).unwrap_or(&Value::Null))?;
            let dot = if inner.starts_with(" is ") { "" } else { "." };
            Some(format!("{key}{dot}{inner}"))
        }),
        _ => (was != now).then(|| format!(" is {now}, was {was}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [&str; 2] = ["bird", "cat"];

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn listed((path, contents): (&str, &str)) -> Listed {
        let (truth, _) = path.split_once('/').unwrap();
        Listed {
            path: path.to_owned(),
            sha256: Some(contents.to_owned()),
            truth: truth.to_owned(),
            split: None,
        }
    }

    /// What is said when images that began as these are `now` those.
    fn said(now: &[(&str, &str)]) -> Option<String> {
        let before = [
            ("bird/1", "a"),
            ("bird/2", "b"),
            ("cat/1", "c"),
            ("cat/2", "d"),
        ];
        let before: Vec<Listed> = before.into_iter().map(listed).collect();
        let now: Vec<Listed> = now.iter().copied().map(listed).collect();
        let truths: BTreeSet<String> = now.iter().map(|sample| sample.truth.clone()).collect();
        let classes = [strings(&CLASSES), truths.into_iter().collect()];
        let of = |classes, samples| Listing {
            classes,
            samples,
            noun: "images",
        };
        between(&of(&classes[0], &before), &of(&classes[1], &now))
    }

    #[test]
    fn every_kind_of_change_is_named() {
        let [a, b, c, d] = [
            ("bird/1", "a"),
            ("bird/2", "b"),
            ("cat/1", "c"),
            ("cat/2", "d"),
        ];
        assert_eq!(said(&[a, b, c, d]), None);
        for (now, words) in [
            (&[a, c, d][..], "1 image is gone (bird/2)"),
            (&[a, b, c, d, ("cat/3", "e")], "1 image is new (cat/3)"),
            (&[a, ("bird/2", "x"), c, d], "1 image is changed (bird/2)"),
            (
                &[a, ("bird/9", "b"), c, d],
                "1 image is renamed (bird/2 is bird/9 now)",
            ),
            (
                &[a, b, ("dog/1", "c"), ("dog/2", "d")],
                "class 'cat' is called 'dog' now",
            ),
            (
                &[a, b, ("dog/1", "c"), ("dog/2", "x")],
                "class 'cat' is called 'dog' now; 1 image is gone (cat/2); 1 image is new (dog/2)",
            ),
            (
                &[a, b],
                "1 class is gone ('cat'); 2 images are gone (cat/1, cat/2)",
            ),
            (
                &[a, b, c, d, ("dog/1", "e")],
                "1 class is new ('dog'); 1 image is new (dog/1)",
            ),
            (
                &[a, ("cat/9", "b"), c, d],
                "1 image is renamed (bird/2 is cat/9 now)",
            ),
        ] {
            assert_eq!(said(now).as_deref(), Some(words));
        }
    }

    #[test]
    fn rows_keep_their_names_and_change_their_labels() {
        let row = |label: &str| Listed {
            path: "row 0".into(),
            truth: label.into(),
            ..listed(("x/1", "a"))
        };
        let names = strings(&["a", "b"]);
        let told = |names: &[String], label: &str| {
            let (old, new) = ([row("a")], [row(label)]);
            let of = |classes, samples| Listing {
                classes,
                samples,
                noun: "samples",
            };
            let was = strings(&["a", "b"]);
            between(&of(&was, &old), &of(names, &new))
        };
        assert_eq!(
            told(&names, "b").unwrap(),
            "1 sample is labelled otherwise (row 0: 'b', was 'a')"
        );
        assert_eq!(
            told(&strings(&["z", "b"]), "z").unwrap(),
            "class 'a' is called 'z' now"
        );
        assert_eq!(
            told(&strings(&["b", "a"]), "a").unwrap(),
            "the classes are in another order"
        );
    }

    #[test]
    fn many_are_counted() {
        let names: Vec<String> = (0..5).map(|at| format!("{at}.png")).collect();
        assert_eq!(
            told("image", "images", "new", &names).unwrap(),
            "5 images are new (0.png, 1.png, 2.png and 2 more)"
        );
    }

    #[test]
    fn a_changed_setting_is_named_with_its_place() {
        let was = serde_json::json!({"recipe": {"probe": {"epochs": 40}}, "tune": null});
        assert_eq!(changed_setting(&was, &was), None);
        let now = serde_json::json!({"recipe": {"probe": {"epochs": 20}}, "tune": null});
        assert_eq!(
            changed_setting(&was, &now).unwrap(),
            "recipe.probe.epochs is 20, was 40"
        );
        let older = serde_json::json!({"recipe": {"probe": {"epochs": 20}}});
        assert_eq!(changed_setting(&older, &now), None);
    }
}
