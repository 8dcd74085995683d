//! What a way to run in patches costs, without making the program.

use std::collections::BTreeMap;

use super::region::Stage;
use crate::ops::{Image, Op};
use crate::program::{Program, Source};

/// What a program costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Most bytes of values that are alive at once; an arena takes no less.
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
    /// That of `program` with `stage` in the parts of `grid`.
    pub fn of(program: &Program, stage: &Stage, grid: [usize; 2]) -> Self {
        let steps = &program.steps[..=stage.last];
        let whole: u64 = steps.iter().map(|step| macs(&step.op, None)).sum();
        let mut patched = 0;
        let fixed = program.values[program.input.value] + stage.output().bytes();
        let mut live_bytes = behind(program, stage);
        for part in stage.parts(program, grid) {
            let bytes = |value: &usize| match part.get(value) {
                Some(region) => region.image(stage.images[value]).bytes(),
                None => 0,
            };
            let mut last_read: BTreeMap<usize, usize> = BTreeMap::new();
            for (time, step) in steps.iter().enumerate() {
                for source in &step.inputs {
                    if let Source::Value(value) = source {
                        last_read.insert(*value, time);
                    }
                }
            }
            let mut alive: BTreeMap<usize, usize> = BTreeMap::new();
            alive.insert(program.input.value, bytes(&program.input.value));
            for (time, step) in steps.iter().enumerate() {
                if let Some(region) = part.get(&step.output) {
                    patched += macs(&step.op, Some(region.image(stage.images[&step.output])));
                }
                alive.insert(step.output, bytes(&step.output));
                let sum = fixed + alive.values().sum::<usize>();
                live_bytes = live_bytes.max(sum as u64);
                alive.retain(|value, _| last_read.get(value).is_some_and(|&last| last > time));
            }
        }
        Cost {
            macs: program_macs(program) - whole + patched,
            live_bytes,
        }
    }
}

/// Most bytes that are alive at once behind a stage.
fn behind(program: &Program, stage: &Stage) -> u64 {
    let steps = &program.steps[stage.last + 1..];
    let mut last_read: BTreeMap<usize, usize> = BTreeMap::new();
    for (time, step) in steps.iter().enumerate() {
        for source in &step.inputs {
            if let Source::Value(value) = source {
                last_read.insert(*value, time);
            }
        }
    }
    last_read.insert(program.output.value, steps.len());
    let mut alive = BTreeMap::from([(stage.result(), stage.output().bytes())]);
    let mut most = 0;
    for (time, step) in steps.iter().enumerate() {
        alive.insert(step.output, program.values[step.output]);
        most = most.max(alive.values().sum::<usize>());
        alive.retain(|value, _| last_read.get(value).is_some_and(|&last| last > time));
    }
    most as u64
}
