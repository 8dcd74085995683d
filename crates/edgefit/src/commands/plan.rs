//! `plan`: the arena planner alone, on a table of buffers.

use std::fs::File;

use anyhow::Context;
use edgefit::cost::memory_plan::SearchLimits;
use edgefit::cost::memory_plan::table::{self, TablePlan};

use super::{draw, in_file};
use crate::cli::Plan;
use crate::output::{self, Outcome, Output};
use edgefit::base::units::format;

pub fn run(args: Plan, output: &mut Output) -> anyhow::Result<Outcome> {
    let file = File::open(&args.table).with_context(|| {
        let path = args.table.display();
        format!("cannot read {path}; give a CSV file with the columns id, lower, upper and size")
    })?;
    let plan =
        table::plan(file, args.capacity, SearchLimits::default()).map_err(in_file(&args.table))?;
    if let Some(svg) = &args.svg {
        draw(svg, &plan.to_svg())?;
    }
    output.result("edgefit.plan/1", &plan, || human_readable(&plan))?;
    Ok(plan.fits.into())
}

/// What was reached, without the offsets.
fn human_readable(plan: &TablePlan) -> String {
    let exact = |bytes: u64| format!("{} ({} B)", format::bytes(bytes), format::count(bytes));
    let mut rows = output::table(&["", ""]);
    rows.add_row(["buffers", &format::count(plan.offsets.len() as u64)]);
    rows.add_row(["peak", &exact(plan.peak_bytes)]);
    rows.add_row(["lower bound", &exact(plan.lower_bound_bytes)]);
    if let Some(capacity) = plan.capacity {
        rows.add_row(["capacity", &exact(capacity)]);
    }
    let proved = if plan.proved {
        "yes: more search would change nothing"
    } else {
        "no: a longer search may find a better plan"
    };
    rows.add_row(["proved", proved]);
    rows.add_row(["time", &format::milliseconds(plan.elapsed_ns)]);
    if plan.capacity.is_none() {
        rows.to_string()
    } else if plan.fits {
        format!("fits\n{rows}")
    } else {
        format!("does not fit\n{rows}")
    }
}
