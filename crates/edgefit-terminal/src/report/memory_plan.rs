//! What the arena planner made of a table of buffers.

use edgefit_base::units::format;
use edgefit_cost::memory_plan::table::TablePlan;

use crate::paint::Tone;
use crate::table::table;

/// What was reached, without the offsets.
pub fn memory_plan(plan: &TablePlan) -> String {
    let exact = |bytes: u64| format!("{} ({} B)", format::bytes(bytes), format::count(bytes));
    let mut rows = table(&["", ""]);
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
