//! `check --link`: the verdict of the linker, for the device's own memory map.

use anyhow::ensure;
use edgefit::micro::target::{LinkVerdict, Linked, Reserve, link};
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::terminal::{Outcome, Output};

use super::super::integer_program;
use crate::cli::Check;

pub fn run(args: &Check, output: &mut Output) -> anyhow::Result<Outcome> {
    let other = args.engine.as_deref().is_some_and(|engine| engine != "c");
    let given = [
        ("--measure", args.measure),
        ("--layers", args.layers),
        ("--plan", args.plan.is_some()),
        ("--latency", args.limits.latency.is_some()),
        ("--ram", args.limits.ram.is_some()),
        ("--flash", args.limits.flash.is_some()),
        ("--engine, which is c", other),
        ("--batch, which is 1", args.shape.batch != 1),
    ];
    for (option, given) in given {
        ensure!(
            !given,
            "--link asks the linker about flash and RAM of the device; leave out {option}"
        );
    }
    let Some(device) = &args.device else {
        anyhow::bail!("--link links for a device; give one with --device, such as stm32h743");
    };
    let profile = edgefit::device::find(device)?;
    let (_, program) = integer_program(&args.model, args.shape.input_shape.as_ref())?;
    let spinner = spinner("linking");
    let reserve = Reserve {
        stack_bytes: args.linking.stack,
        heap_bytes: args.linking.heap,
    };
    let linked = link(&program, &profile, (reserve, args.linking.input.into()))?;
    drop(spinner);
    output.result(Linked::SCHEMA, &linked, || report::linked(&linked))?;
    Ok((linked.verdict == LinkVerdict::Fits).into())
}
