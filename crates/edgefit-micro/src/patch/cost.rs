//! What a way to run in patches costs, without making the program.

use std::collections::BTreeMap;

use super::region::{Stage, moved};
use crate::ops::{Image, Op, Sliding};
use crate::plan::saving;
use crate::program::{InputBy, Program, Source, Step, last_reads};

/// What a program costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Most bytes of values that are alive at once, results over what they are made of: about what an arena takes.
    pub live_bytes: u64,
}

/// Multiply-accumulates of a program.
pub(super) fn program_macs(program: &Program) -> u64 {
    let of = |op: &Op| macs(op, None);
    program.steps.iter().map(|step| of(&step.op)).sum()
}

/// Multiply-accumulates of an op, or of the part of its result that is `part`.
fn macs(op: &Op, part: Option<Image>) -> u64 {
    let positions = |image: Image| {
        let image = part.unwrap_or(image);
        (image.height * image.width) as u64
    };
    match op {
        Op::Conv(op) => positions(op.output) * op.weights.len() as u64,
        Op::Depthwise(op) => positions(op.output) * op.weights.len() as u64,
        Op::FullyConnected(op) => (op.rows * op.weights.len()) as u64,
        _ => 0,
    }
}

impl Cost {
    /// That of `program` with `stage` in the parts of `grid`, its input as `input_by` says.
    pub fn of(program: &Program, stage: &Stage, (grid, input_by): ([usize; 2], InputBy)) -> Self {
        let steps = &program.steps[..=stage.last];
        let whole: u64 = steps.iter().map(|step| macs(&step.op, None)).sum();
        let last_reads = last_reads(steps);
        let input = match input_by {
            InputBy::Whole => program.values[program.input.value],
            InputBy::Parts => 0,
        };
        let fixed = (input + stage.output().bytes()) as u64;
        let mut patched = 0;
        let mut live_bytes = behind(program, stage);
        for part in stage.parts(program, grid) {
            let bytes = |value: usize| match part.get(&value) {
                Some(region) => region.image(stage.images[&value]).bytes() as u64,
                None => 0,
            };
            let mut live = Live::with(program.input.value, bytes(program.input.value));
            for (time, step) in steps.iter().enumerate() {
                let Some(&written) = part.get(&step.output) else {
                    continue;
                };
                let image = written.image(stage.images[&step.output]);
                patched += macs(&step.op, Some(image));
                let lead = match step.op.sliding() {
                    Some(sliding) => {
                        let from = step.inputs.iter().find_map(Source::value);
                        let needed =
                            from.map(|value| (value, stage.read(&step.op, written, value)));
                        needed.map(|(value, needed)| {
                            let sized = Sliding {
                                input: needed.image(stage.images[&value]),
                                output: image,
                                window: moved(&sliding.window, [needed, written]),
                            };
                            sized.lead()
                        })
                    }
                    // One by one, or not at all.
                    None => step.op.lead(),
                };
                live.step(step, image.bytes() as u64, lead, |value| {
                    last_reads.get(&value) == Some(&time)
                });
            }
            live_bytes = live_bytes.max(fixed + live.most);
        }
        Cost {
            macs: program_macs(program) - whole + patched,
            live_bytes,
        }
    }
}

/// The values that are alive, and the most that they took.
struct Live {
    alive: BTreeMap<usize, u64>,
    most: u64,
}

impl Live {
    /// `value` alone.
    fn with(value: usize, bytes: u64) -> Self {
        Live {
            alive: BTreeMap::from([(value, bytes)]),
            most: bytes,
        }
    }

    /// After `step`, which makes `bytes` over an input that it reads last, where `lead` allows it.
    fn step(
        &mut self,
        step: &Step,
        bytes: u64,
        lead: Option<usize>,
        is_last: impl Fn(usize) -> bool,
    ) {
        let ending: Vec<usize> = step
            .inputs
            .iter()
            .filter_map(Source::value)
            .filter(|&value| is_last(value))
            .collect();
        let saved = ending.iter().filter_map(|value| {
            let input = self.alive.get(value)?;
            Some(saving(*input, bytes, lead? as u64))
        });
        let saved = saved.max().unwrap_or(0);
        self.alive.insert(step.output, bytes);
        let all: u64 = self.alive.values().sum();
        self.most = self.most.max(all - saved);
        self.alive.retain(|value, _| !ending.contains(value));
    }
}

/// Most bytes that are alive at once behind a stage.
pub(super) fn behind(program: &Program, stage: &Stage) -> u64 {
    let steps = &program.steps[stage.last + 1..];
    let last_reads = last_reads(steps);
    let mut live = Live::with(stage.result(), stage.output().bytes() as u64);
    for (time, step) in steps.iter().enumerate() {
        let bytes = program.values[step.output] as u64;
        live.step(step, bytes, step.op.lead(), |value| {
            value != program.output.value && last_reads.get(&value) == Some(&time)
        });
    }
    live.most
}
