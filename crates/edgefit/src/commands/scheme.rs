//! `edgefit scheme`: what engines want of an int8 model.

use edgefit::quant::Scheme;
use edgefit::terminal::table;
use edgefit::terminal::{Outcome, Output};
use serde::Serialize;

use crate::cli::{self, SchemeAction};

const SCHEMA: &str = "edgefit.scheme/1";

#[derive(Serialize)]
struct Schemes {
    schemes: Vec<Scheme>,
}

pub fn run(args: cli::Scheme, output: &mut Output) -> anyhow::Result<Outcome> {
    match args.action {
        SchemeAction::List => {
            let all = Schemes {
                schemes: Scheme::built_in(),
            };
            output.result(SCHEMA, &all, || {
                let mut rows = table(&["scheme", "what for"]);
                for scheme in &all.schemes {
                    rows.add_row([scheme.name.as_str(), scheme.description.as_str()]);
                }
                rows.to_string()
            })?;
        }
        SchemeAction::Show { scheme } => {
            let scheme = Scheme::find(&scheme)?;
            let text = toml::to_string(&scheme)?;
            output.result(SCHEMA, &scheme, || text)?;
        }
    }
    Ok(Outcome::Yes)
}
