//! `plan`: the arena planner alone, on a table of buffers.

use anyhow::anyhow;
use edgefit::base::file;
use edgefit::cost::memory_plan::SearchLimits;
use edgefit::cost::memory_plan::table;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::in_file;
use crate::cli::Plan;

pub fn run(args: Plan, output: &mut Output) -> anyhow::Result<Outcome> {
    let table = file::open(&args.table).map_err(|error| {
        let path = args.table.display();
        anyhow!(
            "cannot read {path}: {error}; give a CSV file with the columns id, lower, upper and size"
        )
    })?;
    args.svg.as_deref().map_or(Ok(()), file::ensure_place)?;
    let plan =
        table::plan(table, args.capacity, SearchLimits::default()).map_err(in_file(&args.table))?;
    if let Some(svg) = &args.svg {
        file::write_text(svg, &plan.to_svg())?;
    }
    output.result("edgefit.plan/1", &plan, || report::memory_plan(&plan))?;
    Ok(plan.fits.into())
}
