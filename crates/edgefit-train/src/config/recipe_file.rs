//! Recipes as TOML files, and those that are built in.

use std::path::Path;

use edgefit_base::names::nearest;
use toml::Table;
use toml::de::DeTable;

use crate::config::recipe::Recipe;
use crate::error::{Error, Result};

/// Name and text of the recipes that come with edgefit; the first is the default one.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("default", include_str!("../../recipes/default.toml")),
    ("large", include_str!("../../recipes/large.toml")),
    ("sgd", include_str!("../../recipes/sgd.toml")),
];

/// The default recipe.
#[expect(
    clippy::expect_used,
    reason = "the text is part of the program, and a test reads it"
)]
fn default_recipe() -> Recipe {
    toml::from_str(BUILT_IN[0].1).expect("the default recipe is complete")
}

impl Default for Recipe {
    fn default() -> Self {
        default_recipe()
    }
}

impl Recipe {
    /// The names of those that are built in, each with what it is for.
    pub fn built_in() -> Vec<(&'static str, String)> {
        let about = |text: &str| {
            let lines = text.lines().map_while(|line| line.strip_prefix("# "));
            lines.collect::<Vec<_>>().join(" ")
        };
        let built_in = BUILT_IN.iter();
        built_in.map(|(name, text)| (*name, about(text))).collect()
    }

    /// The recipe that a file holds, or the built-in one of that name. What it does not say is as
    /// in the default recipe.
    ///
    /// # Errors
    /// There is no such file, it is not TOML, or it has an unknown key or value; with the place and the
    /// nearest known key.
    pub fn find(name: &str) -> Result<Self> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        if let Some((_, text)) = built_in {
            return Recipe::parse(text).map_err(|problem| Error::Recipe {
                path: name.into(),
                problem,
            });
        }
        let path = Path::new(name);
        let fail = |problem| Error::Recipe {
            path: path.to_path_buf(),
            problem,
        };
        let text = edgefit_base::file::read_to_string(path).map_err(|error| {
            let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
            fail(format!(
                "cannot be read ({error}); give a TOML file, or one of {}",
                names.join(", ")
            ))
        })?;
        Recipe::parse(&text).map_err(fail)
    }

    /// The recipe in `text`, TOML. What it does not say is as in the default recipe.
    ///
    /// ```
    /// use edgefit_train::Recipe;
    ///
    /// let recipe = Recipe::parse("seed = 7\n[probe]\nlearning_rate = 1e-3\n")?;
    /// assert_eq!(recipe.probe.learning_rate, 1e-3);
    /// assert_eq!(recipe.top, Recipe::default().top);
    ///
    /// let error = Recipe::parse("[probe]\nrate = 1e-3\n").unwrap_err();
    /// assert!(error.contains("line 2") && error.contains("'learning_rate'"));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// As [`Recipe::find`], as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = |error: toml::de::Error| error.to_string().trim_end().to_owned();
        let spanned = DeTable::parse(text).map_err(words)?;
        let mut whole: Table = toml::from_str(BUILT_IN[0].1).map_err(words)?;
        known_keys(text, spanned.get_ref(), &whole)?;
        let own: Table = toml::from_str(text).map_err(words)?;
        overlay(&mut whole, own);
        let recipe: Recipe = whole
            .try_into()
            .map_err(|error: toml::de::Error| words(error).replace('\n', " "))?;
        recipe.validate()?;
        Ok(recipe)
    }
}

/// Names that are tried for keys, and the keys.
const RENAMED: [(&str, &str); 3] = [
    ("rate", "learning_rate"),
    ("backbone_rate", "backbone_multiplier"),
    ("rate_search", "learning_rate_search"),
];

/// Refuses keys that the default recipe does not have.
fn known_keys(text: &str, own: &DeTable, known: &Table) -> Result<(), String> {
    for (key, value) in own {
        let name = key.get_ref().as_ref();
        let Some(expected) = known.get(name) else {
            let line = 1 + text[..key.span().start].matches('\n').count();
            let renamed = RENAMED.iter().find(|(old, _)| *old == name);
            let nearest = nearest(name, known.keys().map(String::as_str));
            let fix = match (renamed, nearest) {
                (Some((_, new)), _) => format!("it is called '{new}'"),
                (None, Some(nearest)) => format!("did you mean '{nearest}'?"),
                (None, None) => format!(
                    "use one of {}",
                    known
                        .keys()
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            };
            return Err(format!("line {line}: there is no key '{name}' here; {fix}"));
        };
        if let (Some(own), Some(known)) = (value.get_ref().as_table(), expected.as_table()) {
            known_keys(text, own, known)?;
        }
    }
    Ok(())
}

/// Replaces values of `whole` by those of `own`.
fn overlay(whole: &mut Table, own: Table) {
    for (key, value) in own {
        match (whole.get_mut(&key), value) {
            (Some(toml::Value::Table(whole)), toml::Value::Table(own)) => overlay(whole, own),
            // 1 is a number like 1.0.
            (Some(whole @ toml::Value::Float(_)), toml::Value::Integer(own)) => {
                *whole = toml::Value::Float(own as f64);
            }
            (_, value) => {
                whole.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_recipes_are_complete() {
        for (name, text) in BUILT_IN {
            Recipe::find(name).unwrap();
            Recipe::parse(text).unwrap();
        }
        assert_eq!(Recipe::find("default").unwrap(), Recipe::default());
        // What the default recipe writes is what it reads.
        let text = toml::to_string(&Recipe::default()).unwrap();
        assert_eq!(Recipe::parse(&text).unwrap(), Recipe::default());
    }

    #[test]
    fn what_a_recipe_does_not_say_is_the_default() {
        let recipe = Recipe::parse("seed = 7\n[full]\nlearning_rate = 1\n").unwrap();
        let mut expected = Recipe {
            seed: 7,
            ..Recipe::default()
        };
        expected.full.learning_rate = 1.0;
        assert_eq!(recipe, expected);
    }

    #[test]
    fn mistakes_are_named_with_the_fix() {
        for (text, words) in [
            ("seed = 1\nsede = 2", &["line 2", "'sede'", "'seed'"][..]),
            (
                "[full]\nlabel_smothing = 0.1",
                &["line 2", "'label_smoothing'"],
            ),
            (
                "[full]\nlearning_rate = -1.0",
                &["full.learning_rate", "-1", "above 0"],
            ),
            (
                "[top]\nrate = 1e-3",
                &["line 2", "'rate'", "'learning_rate'"],
            ),
            ("[top]\nepochs = 0", &["top.epochs", "at least 1"]),
            ("[top]\noptimizer = \"adma\"", &["adma", "adamw"]),
            ("[probe]\nlearning_rate = \"fast\"", &["fast"]),
            ("[augmentation]\nflip = 2", &["augmentation", "flip"]),
            ("views = 0", &["views"]),
            ("views = 1001", &["views is 1001", "1000 at most"]),
            (
                "[top]\nepochs = 9223372036854775807",
                &["top.epochs", "1000000 at most"],
            ),
            (
                "[full]\nbatch = 1000001",
                &["full.batch", "1000000 at most"],
            ),
            ("[int8]\naccumulate = 1000001", &["int8.accumulate"]),
            ("[full]\nteacher = -0.5", &["full.teacher", "from 0 to 1"]),
            ("[int8]\nteacher = 1.5", &["int8.teacher", "from 0 to 1"]),
            ("[int8]\ndropout = 0.1", &["int8.dropout"]),
            ("seed = ", &["line 1"]),
        ] {
            let error = Recipe::parse(text).unwrap_err();
            for word in words {
                assert!(error.contains(word), "{text}: {error}");
            }
        }
    }
}
