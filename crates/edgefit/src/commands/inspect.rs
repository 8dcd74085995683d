//! `inspect`: what a model is and costs, or what it has changed from another.

use std::path::Path;

use edgefit::cost::{self, Inspection, Listing};
use edgefit::graph::Graph;
use edgefit::graph::diff::Diff;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::{in_file, load};
use crate::cli::{Inspect, SortKey};

pub fn run(args: Inspect, output: &mut Output) -> anyhow::Result<Outcome> {
    if let Some(other) = &args.diff {
        return diff(&args.model, other, output);
    }
    let (graph, shapes) = load(&args.model, &args.shape)?;
    let listing = Listing {
        sort: args.sort.into(),
        depth: args.depth.map(|depth| depth as usize),
    };
    let inspection = Inspection::of(&graph, &shapes, listing).map_err(in_file(&args.model))?;
    if args.csv {
        output.text(&inspection.to_csv()?)?;
        return Ok(Outcome::Yes);
    }
    output.result("edgefit.inspect/1", &inspection, || {
        report::inspection(&inspection)
    })?;
    Ok(Outcome::Yes)
}

/// Shows what the model in `other` has changed from the one in `model`.
fn diff(model: &Path, other: &Path, output: &mut Output) -> anyhow::Result<Outcome> {
    let diff = Diff::of(&Graph::load(model)?, &Graph::load(other)?);
    output.result("edgefit.diff/1", &diff, || report::difference(&diff))?;
    Ok(diff.is_empty().into())
}

impl From<SortKey> for cost::SortKey {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Graph => cost::SortKey::Graph,
            SortKey::Name => cost::SortKey::Name,
            SortKey::Op => cost::SortKey::Op,
            SortKey::Parameters => cost::SortKey::Parameters,
            SortKey::Macs => cost::SortKey::Macs,
            SortKey::Output => cost::SortKey::Output,
        }
    }
}
