//! Times of ops of a size that was not measured, from those that were.

use std::collections::HashMap;

use edgefit_device::ElementType;
use edgefit_device::rates::{OpClass, OpLayout, OpSize, Point, Rate, RunSetup};

/// The rates of one engine.
pub(super) struct Rates<'r>(HashMap<&'r OpClass, &'r Rate>);

/// Distance, in powers of two of each of [`features`], over which a measured point counts. The first
/// three are channels and output positions, then the kernel and its stride.
const REACH: [f64; FEATURES] = [1.2, 1.2, 1.5, 1.0, 0.7];

const FEATURES: usize = 5;

/// How far beyond the measured rates a predicted one may lie, as a logarithm.
const SLACK: f64 = 1.0;

impl<'r> Rates<'r> {
    /// What was measured in `setup`; classes that were measured with floats only stand for both.
    pub fn of(rates: &'r [Rate], setup: RunSetup) -> Rates<'r> {
        let mut of = HashMap::new();
        for element_type in [ElementType::F32, setup.element_type] {
            let wanted = RunSetup {
                element_type,
                ..setup
            };
            let fitting = rates
                .iter()
                .filter(|rate| rate.setup() == wanted && !rate.points.is_empty());
            of.extend(fitting.map(|rate| (&rate.class, rate)));
        }
        Rates(of)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nanoseconds of an op of `class`; that of its nearest relation, if that was not measured.
    pub fn ns(&self, class: &OpClass, size: &OpSize) -> Option<f64> {
        let other = |layout, op: &str| self.0.get(&OpClass::Other(layout, op.to_owned()));
        let related = || match class {
            OpClass::Other(_, op) => OpLayout::ALL
                .iter()
                .find_map(|&layout| other(layout, op))
                .or_else(|| other(OpLayout::Token, "Mul")),
            OpClass::MatMul => self.0.get(&OpClass::Gemm),
            OpClass::Shape => self.0.get(&OpClass::View),
            _ => self.0.get(&OpClass::Dense),
        };
        let rate = self.0.get(class).or_else(related)?;
        Some(interpolate(rate, size))
    }
}

/// What the time of an op is nearly in proportion to: multiply-accumulates with the padding of the
/// channels, or elements.
fn unit(class: &OpClass, size: &OpSize, block: u64) -> f64 {
    let padded = |channels: u64| match channels {
        // Images have their own kernel, without padding.
        1..=3 => channels as f64,
        _ => channels.next_multiple_of(block) as f64,
    };
    let made = size.output_positions as f64 * padded(size.outputs);
    match class {
        OpClass::Depthwise => made * size.kernel_elements as f64,
        OpClass::Grouped => made * size.kernel_elements as f64 * size.inputs as f64,
        OpClass::Pointwise | OpClass::Dense => {
            made * size.kernel_elements as f64 * padded(size.inputs)
        }
        OpClass::Gemm | OpClass::MatMul => {
            size.output_positions as f64
                * size.outputs as f64
                * size.kernel_elements as f64
                * size.inputs as f64
        }
        _ => made,
    }
    .max(1.0)
}

fn features(size: &OpSize) -> [f64; FEATURES] {
    [
        size.inputs,
        size.outputs,
        size.output_positions,
        size.kernel_elements,
        size.stride,
    ]
    .map(|value| (value.max(1) as f64).log2())
}

/// Local linear regression (Cleveland & Devlin 1988, «Locally weighted regression») of the logarithm
/// of the time a unit of work takes, on the logarithms of the sizes.
fn interpolate(rate: &Rate, size: &OpSize) -> f64 {
    let block = u64::from(rate.channel_block.max(1));
    let here = features(size);
    // Groups that do not fill a block of channels have another kernel.
    let filled =
        |size: &OpSize| rate.class != OpClass::Grouped || size.inputs.is_multiple_of(block);
    let alike = |point: &&Point| filled(&point.size) == filled(size);
    let alike = if rate.points.iter().any(|point| alike(&point)) {
        Vec::from_iter(rate.points.iter().filter(alike))
    } else {
        Vec::from_iter(&rate.points)
    };
    let slowness =
        |point: &Point| (point.ns.max(1) as f64 / unit(&rate.class, &point.size, block)).ln();
    const SIDE: usize = FEATURES + 1;
    let mut matrix = [[0.0; SIDE + 1]; SIDE];
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut total = 0.0;
    for point in &alike {
        let there = features(&point.size);
        let mut row = [1.0; SIDE];
        for axis in 0..FEATURES {
            row[axis + 1] = (there[axis] - here[axis]) / REACH[axis];
        }
        let distance: f64 = row[1..].iter().map(|part| part * part).sum();
        let weight = (-0.5 * distance).exp() + 1e-6;
        let value = slowness(point);
        (low, high) = (low.min(value), high.max(value));
        total += weight;
        for i in 0..SIDE {
            for j in 0..SIDE {
                matrix[i][j] += weight * row[i] * row[j];
            }
            matrix[i][SIDE] += weight * row[i] * value;
        }
    }
    // A slope has to be earned by points nearby.
    let ridge = 0.05 + 0.9 * total / alike.len() as f64;
    for (axis, row) in matrix.iter_mut().enumerate().skip(1) {
        row[axis] += ridge;
    }
    let slowness = solve(matrix).clamp(low - SLACK, high + SLACK);
    slowness.exp() * unit(&rate.class, size, block)
}

/// First unknown of a system of equations that is positive definite, by Gaussian elimination from
/// the last unknown up.
fn solve<const N: usize, const M: usize>(mut matrix: [[f64; M]; N]) -> f64 {
    for pivot in (1..N).rev() {
        let (rows, below) = matrix.split_at_mut(pivot);
        let subtracted = &below[0];
        for row in rows {
            let factor = row[pivot] / subtracted[pivot];
            for (value, subtracted) in row.iter_mut().zip(subtracted) {
                *value -= factor * subtracted;
            }
        }
    }
    matrix[0][M - 1] / matrix[0][0]
}
