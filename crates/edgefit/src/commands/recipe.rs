//! `edgefit recipe`.

use edgefit::terminal::table;
use edgefit::terminal::{Outcome, Output};
use edgefit::train::Recipe;
use edgefit::train::config::recipe_file::BUILT_IN;
use serde::Serialize;

use crate::cli::{self, RecipeAction};

const SCHEMA: &str = "edgefit.recipe/1";

#[derive(Serialize)]
struct Names {
    recipes: Vec<&'static str>,
}

pub fn run(args: cli::Recipe, output: &mut Output) -> anyhow::Result<Outcome> {
    match args.action {
        RecipeAction::List => {
            let names = Names {
                recipes: BUILT_IN.iter().map(|(name, _)| *name).collect(),
            };
            output.result(SCHEMA, &names, || {
                let mut rows = table(&["recipe", "what for"]);
                for (name, text) in BUILT_IN {
                    rows.add_row([name, about(text).as_str()]);
                }
                rows.to_string()
            })?;
        }
        RecipeAction::Show { name } => {
            let recipe = Recipe::find(&name)?;
            let text = BUILT_IN.iter().find(|(known, _)| *known == name);
            let text =
                text.map_or_else(|| toml::to_string(&recipe), |(_, text)| Ok((*text).into()))?;
            output.result(SCHEMA, &recipe, || text)?;
        }
    }
    Ok(Outcome::Yes)
}

/// The comment that a recipe begins with.
fn about(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("# "));
    lines.collect::<Vec<_>>().join(" ")
}
