//! Which array of a file is what, by its name.

use edgefit_base::names::nearest;

use crate::dataset::part::split_named;
use crate::split::Split;

/// Most names that a message lists.
const MOST_LISTED: usize = 10;

/// What arrays are for, and the words that people call them by; the first is edgefit's own.
const ROLES: [(Role, &[&str]); 3] = [
    (
        Role::Samples,
        &["x", "data", "features", "images", "inputs", "samples"],
    ),
    (
        Role::Targets,
        &["y", "labels", "label", "targets", "target"],
    ),
    (Role::Groups, &["groups", "group"]),
];

/// Names of the array of classes.
const CLASSES: [&str; 2] = ["classes", "class_names"];

/// What an array is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Samples,
    Targets,
    Groups,
}

/// The names of the arrays that belong together.
#[derive(Debug, PartialEq)]
pub(super) struct Set {
    /// The part that they are, if the arrays are split already.
    pub split: Option<Split>,
    pub x: String,
    pub y: String,
    pub groups: Option<String>,
}

/// The arrays of a file.
#[derive(Debug)]
pub(super) struct Keys {
    pub sets: Vec<Set>,
    /// The names of the classes.
    pub classes: Option<String>,
    /// What was assumed, and what is not read.
    pub remarks: Vec<String>,
}

/// An array whose name says what it is for.
struct Known<'a> {
    name: &'a str,
    role: Role,
    /// Whether it is called by edgefit's own word.
    own: bool,
    split: Option<Split>,
}

/// Reads the `found` names of the arrays of a file.
///
/// # Errors
/// There are no samples or no targets, or two arrays are for the same.
pub(super) fn keys(found: &[String]) -> Result<Keys, String> {
    let mut known: Vec<Known> = found.iter().filter_map(|name| Known::of(name)).collect();
    for (role, _) in ROLES {
        if known.iter().any(|key| key.role == role && key.own) {
            known.retain(|key| key.role != role || key.own);
        }
    }
    for (at, key) in known.iter().enumerate() {
        let same = |other: &&Known| (other.role, other.split) == (key.role, key.split);
        if let Some(other) = known[..at].iter().find(same) {
            let (a, b) = (other.name, key.name);
            return Err(format!("holds both '{a}' and '{b}'; keep one"));
        }
    }
    let sets = sets(&known, found)?;
    let classes = CLASSES.iter().find_map(|words| {
        let mut names = found.iter();
        names.find(|name| name.eq_ignore_ascii_case(words)).cloned()
    });
    let mut remarks = Vec::new();
    let other_words: Vec<String> = known
        .iter()
        .filter(|key| !key.own)
        .map(|key| format!("'{}' as {}", key.name, key.canonical()))
        .collect();
    if !other_words.is_empty() {
        remarks.push(format!("reads {}", other_words.join(", ")));
    }
    let is_read = |name: &&String| {
        known.iter().any(|key| key.name == name.as_str()) || classes.as_ref() == Some(*name)
    };
    let rest: Vec<&String> = found.iter().filter(|name| !is_read(name)).collect();
    if let [first, ..] = rest.as_slice() {
        let names: Vec<&str> = rest.iter().map(|name| name.as_str()).collect();
        let meant = nearest(first, ["classes", "groups"]);
        let meant = meant.map_or(String::new(), |name| format!("; did you mean '{name}'?"));
        remarks.push(format!(
            "does not read {}, only x, y, classes (names) and groups (kept within one part){meant}",
            listed(&names)
        ));
    }
    Ok(Keys {
        sets,
        classes,
        remarks,
    })
}

/// The arrays that are read, part by part.
fn sets(known: &[Known], found: &[String]) -> Result<Vec<Set>, String> {
    let of = |role: Role, split: Option<Split>| {
        let mut keys = known.iter();
        let key = keys.find(|key| (key.role, key.split) == (role, split));
        key.map(|key| key.name.to_owned())
    };
    let given = |split: Option<Split>| {
        of(Role::Samples, split).is_some() || of(Role::Targets, split).is_some()
    };
    let is_split = Split::ALL.into_iter().any(|split| given(Some(split)));
    if is_split {
        if given(None) {
            return Err("holds both x or y and splits of them; keep one".into());
        }
        let stray = found.iter().find(|name| {
            let tokens = tokens(name);
            let x_or_y = tokens.iter().any(|token| token == "x" || token == "y");
            x_or_y && Known::of(name).is_none()
        });
        if let Some(stray) = stray {
            return Err(format!(
                "array '{stray}' belongs to no split; rename it to end with _train, _val or _test"
            ));
        }
    }
    let wanted: Vec<Option<Split>> = if is_split {
        let splits = Split::ALL.into_iter();
        let splits = splits.filter(|split| *split == Split::Train || given(Some(*split)));
        splits.map(Some).collect()
    } else {
        vec![None]
    };
    let set = |split: Option<Split>| match (of(Role::Samples, split), of(Role::Targets, split)) {
        (Some(x), Some(y)) => Ok(Set {
            split,
            x,
            y,
            groups: of(Role::Groups, split),
        }),
        _ => Err(match split {
            None => missing(found),
            Some(split) => {
                let end = ending(split);
                format!(
                    "does not hold both 'x{end}' and 'y{end}'; add what is missing, or leave the other out"
                )
            }
        }),
    };
    wanted.into_iter().map(set).collect()
}

impl<'a> Known<'a> {
    /// What `name` says, as in `X_train`, `train_labels` or `ytest`.
    fn of(name: &'a str) -> Option<Self> {
        let mut tokens = tokens(name);
        if let [token] = tokens.as_mut_slice()
            && let Some((letter, split)) = token.split_at_checked(1)
            && ["x", "y"].contains(&letter)
            && split_named(split).is_some()
        {
            tokens = vec![letter.to_owned(), split.to_owned()];
        }
        let (word, split) = match tokens.as_slice() {
            [word] => (word, None),
            [a, b] => match (split_named(a), split_named(b)) {
                (None, Some(split)) => (a, Some(split)),
                (Some(split), None) => (b, Some(split)),
                _ => return None,
            },
            _ => return None,
        };
        let (role, words) = ROLES
            .iter()
            .find(|(_, words)| words.contains(&word.as_str()))?;
        Some(Known {
            name,
            role: *role,
            own: words[0] == word || *role == Role::Groups,
            split,
        })
    }

    /// The name that edgefit has for it.
    fn canonical(&self) -> String {
        let word = ROLES.iter().find(|(role, _)| *role == self.role);
        let word = word.map_or("", |(_, words)| words[0]);
        format!("{word}{}", self.split.map_or("", ending))
    }
}

/// What the name of an array of this part ends with.
fn ending(split: Split) -> &'static str {
    match split {
        Split::Train => "_train",
        Split::Val => "_val",
        Split::Test => "_test",
    }
}

/// The words of a name, in lower case.
fn tokens(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

fn missing(found: &[String]) -> String {
    if found.is_empty() {
        return "holds no array; save some with np.savez(path, x=x, y=y), or unpack it and give the \
                folder if it holds images"
            .into();
    }
    let names: Vec<&str> = found.iter().map(String::as_str).collect();
    format!(
        "holds {}, and neither x and y nor x_train and y_train; save it with np.savez(path, x=x, y=y)",
        listed(&names)
    )
}

fn listed(names: &[&str]) -> String {
    let more = match names.len().saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = &names[..names.len().min(MOST_LISTED)];
    format!("'{}'{more}", names.join("', '"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Keys, String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        keys(&names)
    }

    #[test]
    fn names_of_any_custom_are_understood() {
        for (names, sets) in [
            (&["x", "y"][..], &[(None, "x", "y")][..]),
            (&["X", "y"], &[(None, "X", "y")]),
            (&["data", "labels"], &[(None, "data", "labels")]),
            // What is called x is x, whatever else there is.
            (&["X", "data", "labels", "y"], &[(None, "X", "y")]),
            (
                &["X_test", "X_train", "y_test", "y_train"],
                &[
                    (Some(Split::Train), "X_train", "y_train"),
                    (Some(Split::Test), "X_test", "y_test"),
                ],
            ),
            (
                &["train_images", "train_labels", "val_images", "val_labels"],
                &[
                    (Some(Split::Train), "train_images", "train_labels"),
                    (Some(Split::Val), "val_images", "val_labels"),
                ],
            ),
            (
                &["xtrain", "ytrain"],
                &[(Some(Split::Train), "xtrain", "ytrain")],
            ),
        ] {
            let keys = of(names).unwrap();
            let read = keys.sets.iter();
            let read: Vec<_> = read
                .map(|set| (set.split, set.x.as_str(), set.y.as_str()))
                .collect();
            assert_eq!(read, sets, "{names:?}");
        }
    }

    #[test]
    fn what_is_assumed_or_not_read_is_said() {
        assert_eq!(
            of(&["X", "Groups", "classes", "y"]).unwrap().remarks,
            [""; 0]
        );
        let remarks = of(&["data", "labels"]).unwrap().remarks;
        assert_eq!(remarks, ["reads 'data' as x, 'labels' as y"]);
        let remarks = of(&["clases", "fs", "x", "y"]).unwrap().remarks;
        assert!(
            remarks[0].contains("'clases', 'fs'") && remarks[0].contains("'classes'?"),
            "{remarks:?}"
        );
        for (names, words) in [
            (&["X", "x", "y"][..], "both 'X' and 'x'"),
            (
                &["x_test", "x_train", "y_train"],
                "both 'x_test' and 'y_test'",
            ),
            (&["arr_0", "arr_1"], "holds 'arr_0', 'arr_1'"),
            (&[], "unpack it"),
        ] {
            let error = of(names).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn groups_belong_to_their_part() {
        let keys = of(&["groups", "x", "y"]).unwrap();
        assert_eq!(keys.sets[0].groups.as_deref(), Some("groups"));
        let keys = of(&["groups_train", "x_test", "x_train", "y_test", "y_train"]).unwrap();
        assert_eq!(keys.sets[0].groups.as_deref(), Some("groups_train"));
        assert_eq!(keys.sets[1].groups, None);
    }
}
