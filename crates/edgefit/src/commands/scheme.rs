//! `edgefit scheme`: what engines want of an int8 model.

use std::path::Path;

use anyhow::Context;
use edgefit::base::file;
use edgefit::quant::Scheme;
use edgefit::terminal::table;
use serde::Serialize;

use crate::cli::{self, SchemeAction};
use crate::output::{Outcome, Output};

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
            let scheme = find(&scheme)?;
            let text = toml::to_string(&scheme)?;
            output.result(SCHEMA, &scheme, || text)?;
        }
    }
    Ok(Outcome::Yes)
}

/// The built-in scheme of that name, or the one in that file.
pub fn find(scheme: &str) -> anyhow::Result<Scheme> {
    let is_file = scheme.ends_with(".toml") || scheme.contains(['/', '\\']);
    if !is_file {
        return Ok(Scheme::named(scheme)?);
    }
    let text = file::read_to_string(Path::new(scheme))
        .with_context(|| format!("cannot read the scheme {scheme}"))?;
    Ok(Scheme::parse(&text, scheme)?)
}
