//! Which array of a file is what, by its name.

use edgefit_base::names::nearest;

use crate::dataset::part::split_named;
use crate::split::Split;

#[cfg(test)]
mod tests;

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
/// There are no samples or no targets, two arrays are for the same, or groups are of no samples.
pub(super) fn keys(found: &[String]) -> Result<Keys, String> {
    let mut known = known(found);
    require_single(&known)?;
    adopt_groups(&mut known);
    let sets = sets(&known, found)?;
    let classes = classes(found);
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

/// An array of samples with that of its targets: none, or why none of several.
pub(super) type Pair = (String, Result<Option<String>, String>);

/// The arrays of samples, part by part, each with that of its targets.
///
/// # Errors
/// As of [`keys`], but for those about targets and groups.
pub(super) fn samples(found: &[String]) -> Result<Vec<Pair>, String> {
    let known = known(found);
    let splits = if is_split(&known, found)? {
        Split::ALL.map(Some).to_vec()
    } else {
        vec![None]
    };
    let mut pairs = Vec::new();
    for split in splits {
        if let Some(x) = single(&known, Role::Samples, split)? {
            pairs.push((x, targets_of(&known, split)));
        }
    }
    Ok(pairs)
}

/// The array of the targets of samples that are in no part.
///
/// # Errors
/// Two arrays are for them.
pub(super) fn targets(found: &[String]) -> Result<Option<String>, String> {
    targets_of(&known(found), None)
}

fn targets_of(known: &[Known], split: Option<Split>) -> Result<Option<String>, String> {
    single(known, Role::Targets, split).map_err(|problem| format!("it {problem}"))
}

/// The array of the names of the classes.
pub(super) fn classes(found: &[String]) -> Option<String> {
    CLASSES.iter().find_map(|words| {
        let mut names = found.iter();
        names.find(|name| name.eq_ignore_ascii_case(words)).cloned()
    })
}

/// The names that say what their arrays are for.
fn known(found: &[String]) -> Vec<Known<'_>> {
    let mut known: Vec<Known> = found.iter().filter_map(|name| Known::of(name)).collect();
    for (role, _) in ROLES {
        if known.iter().any(|key| key.role == role && key.own) {
            known.retain(|key| key.role != role || key.own);
        }
    }
    known
}

/// Refuses two arrays for the same.
fn require_single(known: &[Known]) -> Result<(), String> {
    let mut keys = known.iter();
    keys.try_for_each(|key| single(known, key.role, key.split).map(drop))
}

/// The name of the array that is for this in a part, if there is one.
///
/// # Errors
/// There are two.
fn single(known: &[Known], role: Role, split: Option<Split>) -> Result<Option<String>, String> {
    let mut keys = known
        .iter()
        .filter(|key| (key.role, key.split) == (role, split));
    match (keys.next(), keys.next()) {
        (Some(a), Some(b)) => Err(format!(
            "holds both '{}' and '{}'; keep one",
            a.name, b.name
        )),
        (key, _) => Ok(key.map(|key| key.name.to_owned())),
    }
}

/// The name of the array that is for this in a part.
fn named(known: &[Known], role: Role, split: Option<Split>) -> Option<String> {
    let mut keys = known.iter();
    let key = keys.find(|key| (key.role, key.split) == (role, split));
    key.map(|key| key.name.to_owned())
}

/// Whether there are samples or targets of a part.
fn is_given(known: &[Known], split: Option<Split>) -> bool {
    let mut keys = known.iter();
    keys.any(|key| key.role != Role::Groups && key.split == split)
}

/// Takes groups of no part for those of train, where that is what other parts are taken from.
fn adopt_groups(known: &mut [Known]) {
    let given = Split::ALL.map(|split| is_given(known, Some(split)));
    let train = (Role::Groups, Some(Split::Train));
    let has_own = known.iter().any(|key| (key.role, key.split) == train);
    let mut keys = known.iter_mut();
    let groups = keys.find(|key| (key.role, key.split) == (Role::Groups, None));
    if let Some(groups) = groups
        && given.contains(&true)
        && given.contains(&false)
        && !has_own
    {
        groups.split = Some(Split::Train);
        groups.own = false;
    }
}

/// Whether samples are in parts already.
fn is_split(known: &[Known], found: &[String]) -> Result<bool, String> {
    if !Split::ALL.iter().any(|split| is_given(known, Some(*split))) {
        return Ok(false);
    }
    if is_given(known, None) {
        return Err("holds both x or y and splits of them; keep one".into());
    }
    let stray = found.iter().find(|name| {
        let tokens = tokens(name);
        let x_or_y = tokens.iter().any(|token| token == "x" || token == "y");
        x_or_y && Known::of(name).is_none()
    });
    match stray {
        Some(stray) => Err(format!(
            "array '{stray}' belongs to no split; rename it to end with _train, _val or _test"
        )),
        None => Ok(true),
    }
}

/// The arrays that are trained on, part by part.
fn sets(known: &[Known], found: &[String]) -> Result<Vec<Set>, String> {
    let is_split = is_split(known, found)?;
    let wanted: Vec<Option<Split>> = if is_split {
        let splits = Split::ALL.into_iter();
        let splits = splits.filter(|split| *split == Split::Train || is_given(known, Some(*split)));
        splits.map(Some).collect()
    } else {
        vec![None]
    };
    let set = |split: Option<Split>| {
        let of = |role: Role| named(known, role, split);
        match (of(Role::Samples), of(Role::Targets)) {
            (Some(x), Some(y)) => Ok(Set {
                split,
                x,
                y,
                groups: of(Role::Groups),
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
        }
    };
    let sets: Vec<Set> = wanted.into_iter().map(set).collect::<Result<_, _>>()?;
    let mut groups = known.iter().filter(|key| key.role == Role::Groups);
    let of_none = groups.find(|key| {
        sets.iter()
            .all(|set| set.groups.as_deref() != Some(key.name))
    });
    match of_none {
        Some(Known { name, .. }) => Err(format!(
            "array '{name}' is of no part that is there; rename it to {}, or leave it out",
            if is_split {
                "end with _train, _val or _test"
            } else {
                "'groups'"
            }
        )),
        None => Ok(sets),
    }
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
