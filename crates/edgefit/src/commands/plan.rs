//! `plan`: the arena planner alone, on a table of buffers.

use anyhow::anyhow;
use edgefit::base::file;
use edgefit::cost::memory_plan::SearchLimits;
use edgefit::cost::memory_plan::table::{self, TablePlan};

use super::{draw, in_file};
use crate::cli::Plan;
use crate::output::{self, Outcome, Output};
use crate::paint::Tone;
use edgefit::base::units::format;

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
        format!("{}\n{rows}", Tone::Good.paint("fits"))
    } else {
        format!("{}\n{rows}", Tone::Bad.paint("does not fit"))
    }
}
