//! A program whose first steps run in patches.

use std::collections::BTreeMap;

use super::region::{Region, Stage, window};
use crate::ops::{Broadcast, CopyRows, Image, Op, Window};
use crate::program::{Program, Signature, Source, Step};

/// `program` with the steps of `stage` once for each part of their result.
pub(super) fn patched(program: &Program, stage: &Stage, grid: [usize; 2]) -> Program {
    let mut builder = Builder::of(program, stage);
    for part in stage.parts(program, grid) {
        builder.part(&part);
    }
    builder.finish()
}

struct Builder<'p> {
    program: &'p Program,
    stage: &'p Stage,
    values: Vec<usize>,
    steps: Vec<Step>,
    /// The new number of each value that stays.
    kept: BTreeMap<usize, usize>,
}

impl<'p> Builder<'p> {
    fn of(program: &'p Program, stage: &'p Stage) -> Self {
        let stays = |value: &usize| {
            let is_end = [program.input.value, stage.result()].contains(value);
            is_end || !stage.images.contains_key(value)
        };
        let kept: Vec<usize> = (0..program.values.len()).filter(stays).collect();
        Builder {
            program,
            stage,
            values: kept.iter().map(|&value| program.values[value]).collect(),
            steps: Vec::new(),
            kept: kept.into_iter().zip(0..).collect(),
        }
    }

    fn push(&mut self, node: &str, op: Op, inputs: Vec<usize>, output: usize) {
        self.steps.push(Step {
            node: node.to_owned(),
            op,
            inputs: inputs.into_iter().map(Source::Value).collect(),
            output,
            signature: Signature::default(),
        });
    }

    /// A new value for `image`.
    fn value(&mut self, image: Image) -> usize {
        self.values.push(image.bytes());
        self.values.len() - 1
    }

    /// The value of `inner`, where `value` holds `outer`.
    fn cropped(
        &mut self,
        node: &str,
        (value, of): (usize, Image),
        [outer, inner]: [Region; 2],
    ) -> usize {
        if outer == inner {
            return value;
        }
        let at = [0, 1].map(|axis| inner.start()[axis] - outer.start()[axis]);
        let [whole, part] = [outer, inner].map(|region| region.image(of));
        let made = self.value(part);
        let op = Op::CopyRows(CopyRows::out_of(whole, part, at));
        self.push(node, op, vec![value], made);
        made
    }

    /// The steps of one part: what it needs of the input, each step on its part, and the result put in its place.
    fn part(&mut self, part: &BTreeMap<usize, Region>) {
        let (program, stage) = (self.program, self.stage);
        let mut made: BTreeMap<usize, usize> = BTreeMap::new();
        let input = program.input.value;
        let size = stage.images[&input];
        let all = Region {
            rows: [0, size.height],
            columns: [0, size.width],
        };
        if let Some(&needed) = part.get(&input) {
            let value = self.cropped("input", (self.kept[&input], size), [all, needed]);
            made.insert(input, value);
        }
        for step in &program.steps[..=stage.last] {
            let Some(&written) = part.get(&step.output) else {
                continue;
            };
            let mut inputs = Vec::new();
            let mut read = None;
            for source in &step.inputs {
                let Source::Value(value) = source else {
                    continue;
                };
                let (Some(&there), Some(&held)) = (made.get(value), part.get(value)) else {
                    continue;
                };
                let image = stage.images[value];
                let needed = stage.read(&step.op, written, *value);
                inputs.push(self.cropped(&step.node, (there, image), [held, needed]));
                read = Some((needed, needed.image(image)));
            }
            let Some((needed, from)) = read else {
                continue;
            };
            let to = written.image(stage.images[&step.output]);
            let op = of_part(&step.op, [from, to], [needed, written]);
            let output = self.value(to);
            self.push(&step.node, op, inputs, output);
            made.insert(step.output, output);
        }
        let result = stage.result();
        if let (Some(&value), Some(&region)) = (made.get(&result), part.get(&result)) {
            let image = stage.images[&result];
            let op = Op::CopyRows(CopyRows::into(image, region.image(image), region.start()));
            let node = program.steps[stage.last].node.clone();
            self.push(&node, op, vec![value], self.kept[&result]);
        }
    }

    /// The program, with the steps behind the stage.
    fn finish(mut self) -> Program {
        let renumbered = |value: &usize| self.kept.get(value).copied().unwrap_or(*value);
        for step in &self.program.steps[self.stage.last + 1..] {
            let mut step = step.clone();
            step.output = renumbered(&step.output);
            for source in &mut step.inputs {
                if let Source::Value(value) = source {
                    *value = renumbered(value);
                }
            }
            self.steps.push(step);
        }
        let mut program = Program {
            values: self.values,
            steps: self.steps,
            ..self.program.clone()
        };
        program.input.value = renumbered(&self.program.input.value);
        program.output.value = renumbered(&self.program.output.value);
        program
    }
}

/// `op` on the part of its input that is `regions[0]`, writing the part that is `regions[1]`.
fn of_part(op: &Op, [input, output]: [Image; 2], regions: [Region; 2]) -> Op {
    let moved = |window: &Window| {
        let [read, written] = regions.map(|region| region.start());
        Window {
            // What is left of the padding: the part may begin within the image.
            before: [0, 1].map(|axis| {
                (read[axis] + window.before[axis])
                    .saturating_sub(written[axis] * window.stride[axis])
            }),
            ..*window
        }
    };
    let flat = || Broadcast {
        dims: [1, 1, 1, output.bytes()],
        strides: [[0, 0, 0, 1]; 2],
    };
    let mut made = op.clone();
    let of_window = window(op).map(moved);
    match (&mut made, of_window) {
        (Op::Conv(op), Some(window)) => {
            (op.input, op.output, op.window) = (input, output, window);
        }
        (Op::Depthwise(op), Some(window)) => {
            (op.input, op.output, op.window) = (input, output, window);
        }
        (Op::AveragePool(op), Some(window)) => {
            (op.input, op.output, op.window) = (input, output, window);
        }
        (Op::MaxPool(op), Some(window)) => {
            (op.input, op.output, op.window) = (input, output, window);
        }
        (Op::Add(op), _) => op.broadcast = flat(),
        (Op::Mul(op), _) => op.broadcast = flat(),
        _ => {}
    }
    made
}
