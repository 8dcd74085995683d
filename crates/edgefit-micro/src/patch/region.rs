//! Which part of each image a part of the last one needs.

use std::collections::BTreeMap;

use crate::ops::{Broadcast, Image, Op, Sliding, Window};
use crate::program::{Program, Source, Step};

/// Rows and columns of an image: from the first until before the second of each pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub rows: [usize; 2],
    pub columns: [usize; 2],
}

impl Region {
    /// Its size, with the channels of `image`.
    pub fn image(&self, image: Image) -> Image {
        Image {
            height: self.rows[1] - self.rows[0],
            width: self.columns[1] - self.columns[0],
            channels: image.channels,
        }
    }

    /// Its first row and column.
    pub fn start(&self) -> [usize; 2] {
        [self.rows[0], self.columns[0]]
    }

    /// The smallest region that holds both.
    fn with(self, other: Region) -> Region {
        let joined = |[a, b]: [usize; 2], [c, d]: [usize; 2]| [a.min(c), b.max(d)];
        Region {
            rows: joined(self.rows, other.rows),
            columns: joined(self.columns, other.columns),
        }
    }

    /// What `window` reads of an image of `size`, within the image.
    fn read_by(self, window: &Window, size: Image) -> Region {
        let along = |[first, end]: [usize; 2], axis: usize, size: usize| {
            let reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
            let before = window.before[axis];
            let start = (first * window.stride[axis]).saturating_sub(before);
            let stop = ((end - 1) * window.stride[axis] + reach).saturating_sub(before);
            let stop = stop.min(size).max(1);
            [start.min(stop - 1), stop]
        };
        Region {
            rows: along(self.rows, 0, size.height),
            columns: along(self.columns, 1, size.width),
        }
    }
}

/// The first steps of a program, of whose values only the last result is read behind them.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// The last of the steps.
    pub last: usize,
    /// The images that they read and write, by value.
    pub images: BTreeMap<usize, Image>,
    /// The value that the last one writes.
    result: usize,
}

impl Stage {
    /// The steps up to `last`; `None` where others read in between, or a step looks at more than a part.
    pub fn of(program: &Program, last: usize) -> Option<Self> {
        let (steps, behind) = program.steps.split_at_checked(last + 1)?;
        let mut images = BTreeMap::new();
        for step in steps {
            if !goes_by_parts(step) {
                return None;
            }
            for (source, ty) in step.inputs.iter().zip(&step.signature.inputs) {
                let Source::Value(value) = source else {
                    return None;
                };
                images.insert(*value, image(&ty.dims)?);
            }
            images.insert(step.output, image(&step.signature.output.dims)?);
        }
        let result = steps.last()?.output;
        let reads_other = |source: &Source| match source {
            Source::Value(value) => *value != result && images.contains_key(value),
            Source::Constant(_) => false,
        };
        let is_cut = behind.iter().flat_map(|step| &step.inputs).any(reads_other);
        let is_output = images.contains_key(&program.output.value);
        let sizes_hold = images
            .iter()
            .all(|(&value, image)| program.values[value] == image.bytes());
        let whole = images.contains_key(&program.input.value);
        (!is_cut && !is_output && sizes_hold && whole).then_some(Stage {
            last,
            images,
            result,
        })
    }

    /// The value that the last step writes.
    pub fn result(&self) -> usize {
        self.result
    }

    /// The image that the last step writes.
    pub fn output(&self) -> Image {
        self.images[&self.result]
    }

    /// The parts of the result in a grid, each with what it needs of every value.
    pub fn parts(&self, program: &Program, grid: [usize; 2]) -> Vec<BTreeMap<usize, Region>> {
        let image = self.output();
        let part =
            |size: usize, parts: usize, at: usize| [size * at / parts, size * (at + 1) / parts];
        let mut parts = Vec::new();
        for row in 0..grid[0] {
            for column in 0..grid[1] {
                let region = Region {
                    rows: part(image.height, grid[0], row),
                    columns: part(image.width, grid[1], column),
                };
                parts.push(self.needed(program, region));
            }
        }
        parts
    }

    /// What `region` of the result needs of every value.
    fn needed(&self, program: &Program, region: Region) -> BTreeMap<usize, Region> {
        let mut needed = BTreeMap::from([(self.result, region)]);
        for step in program.steps[..=self.last].iter().rev() {
            let Some(&written) = needed.get(&step.output) else {
                continue;
            };
            for source in &step.inputs {
                if let Source::Value(value) = source {
                    let read = self.read(&step.op, written, *value);
                    let all = needed.get(value).map_or(read, |region| region.with(read));
                    needed.insert(*value, all);
                }
            }
        }
        needed
    }

    /// What `op` reads of `value` to write `region`.
    pub fn read(&self, op: &Op, region: Region, value: usize) -> Region {
        match window(op) {
            Some(window) => region.read_by(&window, self.images[&value]),
            None => region,
        }
    }
}

/// The window of an op that has one.
pub(super) fn window(op: &Op) -> Option<Window> {
    op.sliding().map(|sliding| sliding.window)
}

/// `window` on the part of an image that is `read`, making the part that is `written`.
pub(super) fn moved(window: &Window, [read, written]: [Region; 2]) -> Window {
    let [from, to] = [read, written].map(|region| region.start());
    Window {
        // What is left of the padding: the part may begin within the image.
        before: [0, 1].map(|axis| {
            (from[axis] + window.before[axis]).saturating_sub(to[axis] * window.stride[axis])
        }),
        ..*window
    }
}

/// Whether a part of the result is made of a part of each input.
fn goes_by_parts(step: &Step) -> bool {
    let elementwise = |broadcast: &Broadcast| {
        let inputs = &step.signature.inputs;
        let same = inputs
            .iter()
            .all(|ty| ty.dims == step.signature.output.dims);
        same && broadcast.strides == [[0, 0, 0, 1]; 2]
    };
    match &step.op {
        Op::Add(op) => elementwise(&op.broadcast),
        Op::Mul(op) => elementwise(&op.broadcast),
        Op::Table(_) => true,
        op => op.sliding().is_some_and(|sliding| begins_within(&sliding)),
    }
}

/// Whether every window begins before the end of the image: one that lies in the padding behind it has no place in a part
/// of the image.
fn begins_within(sliding: &Sliding) -> bool {
    let Sliding {
        input,
        output,
        window,
    } = sliding;
    let sizes = [(input.height, output.height), (input.width, output.width)];
    let begins = |(axis, (size, positions)): (usize, (usize, usize))| {
        let last = positions.saturating_sub(1) * window.stride[axis];
        last < size + window.before[axis]
    };
    sizes.into_iter().enumerate().all(begins)
}

/// The image of `dims` in memory: one sample, height, width, channels.
pub(super) fn image(dims: &[usize]) -> Option<Image> {
    match *dims {
        [1, height, width, channels] => Some(Image {
            height,
            width,
            channels,
        }),
        _ => None,
    }
}
