//! A program whose first steps run in patches.

use std::collections::BTreeMap;

use super::region::{Region, Stage, image, moved, window};
use crate::error::{Error, Result};
use crate::ops::{Broadcast, CopyRows, Image, Op};
use crate::program::{InputBy, Program, Signature, Source, Step};

/// `program` with the steps of `stage` once for each part of their result, its input as `input_by` says.
pub(super) fn patched(
    program: &Program,
    stage: &Stage,
    (grid, input_by): ([usize; 2], InputBy),
) -> Program {
    let mut builder = Builder::of(program, stage);
    builder.input_by = input_by;
    for part in stage.parts(program, grid) {
        builder.part(&part);
    }
    builder.finish()
}

/// `program` with its input as `input_by` says.
///
/// # Errors
/// The input is no image, and should come in parts.
pub(super) fn whole(program: &Program, input_by: InputBy) -> Result<Program> {
    let mut made = program.clone();
    if input_by == InputBy::Whole {
        return Ok(made);
    }
    let image = image(&program.input.dims).ok_or_else(|| Error::Border {
        place: "input".into(),
        problem: "it is no image that parts could be asked of; leave it whole".into(),
    })?;
    made.input_by = input_by;
    let copy = made.values.len();
    made.values.push(image.bytes());
    for step in &mut made.steps {
        for source in &mut step.inputs {
            if *source == Source::Value(program.input.value) {
                *source = Source::Value(copy);
            }
        }
    }
    let asked = Step {
        node: "input".into(),
        op: Op::CopyRows(CopyRows::out_of(image, image, [0, 0])),
        inputs: vec![Source::Value(program.input.value)],
        output: copy,
        signature: Signature::default(),
    };
    made.steps.insert(0, asked);
    if made.output.value == program.input.value {
        made.output.value = copy;
    }
    Ok(made)
}

struct Builder<'p> {
    program: &'p Program,
    stage: &'p Stage,
    values: Vec<usize>,
    steps: Vec<Step>,
    /// The new number of each value that stays.
    kept: BTreeMap<usize, usize>,
    input_by: InputBy,
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
            input_by: InputBy::Whole,
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
        let is_asked =
            self.input_by == InputBy::Parts && value == self.kept[&self.program.input.value];
        if outer == inner && !is_asked {
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
            input_by: self.input_by,
            ..self.program.clone()
        };
        program.input.value = renumbered(&self.program.input.value);
        program.output.value = renumbered(&self.program.output.value);
        program
    }
}

/// `op` on the part of its input that is `regions[0]`, writing the part that is `regions[1]`.
fn of_part(op: &Op, [input, output]: [Image; 2], regions: [Region; 2]) -> Op {
    let flat = || Broadcast {
        dims: [1, 1, 1, output.bytes()],
        strides: [[0, 0, 0, 1]; 2],
    };
    let mut made = op.clone();
    let of_window = window(op).map(|window| moved(&window, regions));
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
