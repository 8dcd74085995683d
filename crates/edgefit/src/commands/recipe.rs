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
                recipes: Recipe::built_in()
                    .into_iter()
                    .map(|(name, _)| name)
                    .collect(),
            };
            output.result(SCHEMA, &names, || {
                let mut rows = table(&["recipe", "what for"]);
                for (name, about) in Recipe::built_in() {
                    rows.add_row([name, &about]);
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
