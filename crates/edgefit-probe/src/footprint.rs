//! How much memory an engine's process takes, and of what.

use std::path::Path;

use edgefit_cost::holdings;
use edgefit_cost::memory::{ElementType as Stored, MemoryPlan};
use edgefit_device::ElementType;
use edgefit_device::footprint::{Footprint, Holdings};
use edgefit_engine::{EngineName, Measurement};
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::{Graph, Node};

use crate::chain::{Chain, Conv};
use crate::error::{Error, Result};

/// Runs a model file on inputs of given shapes in an engine, in a process of its own.
pub type InOwnProcess<'a> = &'a dyn Fn(EngineName, &Path, &[Vec<usize>]) -> Result<Measurement>;

/// Models that hold much of one part each, and the smallest.
pub fn models() -> Vec<Graph> {
    let dense = |outputs| Conv {
        outputs,
        kernel: 3,
        stride: 1,
        groups: 1,
    };
    let chain = |dims: &[usize]| Chain::new(dims, ElementType::F32);
    let build = |dims: &[usize], append: &dyn Fn(&mut Chain)| {
        let mut chain = chain(dims);
        append(&mut chain);
        chain.finish()
    };
    let repeat = |count: usize, append: &dyn Fn(&mut Chain), chain: &mut Chain| {
        for _ in 0..count {
            append(chain);
        }
    };
    vec![
        build(&[1, 8, 8, 8], &|chain| chain.conv(dense(8))),
        build(&[1, 512, 7, 7], &|chain| {
            repeat(2, &|chain| chain.conv(dense(512)), chain)
        }),
        build(&[1, 512, 7, 7], &|chain| {
            repeat(5, &|chain| chain.conv(dense(512)), chain)
        }),
        build(&[1, 256, 14, 14], &|chain| {
            repeat(12, &|chain| chain.conv(dense(256)), chain)
        }),
        build(&[1, 1024, 7, 7], &|chain| {
            repeat(10, &|chain| chain.conv(Conv::pointwise(1024)), chain);
        }),
        build(&[1, 256, 14, 14], &|chain| {
            repeat(24, &|chain| chain.conv(Conv::pointwise(256)), chain);
        }),
        build(&[1, 1, 1536], &|chain| {
            repeat(4, &|chain| chain.linear(1536), chain)
        }),
        build(&[1, 1, 1280], &|chain| chain.linear(1000)),
        build(&[1, 196, 768], &|chain| {
            repeat(12, &|chain| chain.linear(768), chain)
        }),
        build(&[1, 196, 192], &|chain| {
            repeat(40, &|chain| chain.linear(192), chain)
        }),
        build(&[1, 32, 112, 112], &|chain| {
            repeat(4, &|chain| chain.conv(Conv::pointwise(64)), chain);
        }),
        build(&[1, 64, 112, 112], &|chain| {
            repeat(6, &|chain| chain.conv(dense(64)), chain)
        }),
        build(&[1, 49, 64], &|chain| {
            for _ in 0..150 {
                chain.linear(64);
                for op in ["Relu", "Tanh"] {
                    let dims = chain.dims().to_vec();
                    chain.push(Node::new(op, "", &[""], &[]), dims);
                }
            }
        }),
        build(&[1, 2048, 512], &|chain| {
            for _ in 0..4 {
                let constant = chain.weight(&[2048, 512]);
                let dims = chain.dims().to_vec();
                chain.push(Node::new("Add", "", &["", &constant], &[]), dims.clone());
                chain.push(Node::new("Tanh", "", &[""], &[]), dims);
            }
        }),
    ]
}

/// A model that was run in a process of its own.
pub struct Weighed {
    held: Holdings<u64>,
    peak_bytes: u64,
}

impl Weighed {
    /// What `graph` holds, and what a process that ran it took at its peak.
    ///
    /// # Errors
    /// The graph is not sound, or the system did not tell the peak.
    pub fn new(graph: &Graph, run: &Measurement) -> Result<Self> {
        let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
        let plan = MemoryPlan::of(graph, &inference, Stored::AsStored);
        Ok(Weighed {
            held: holdings(graph, &inference, &plan),
            peak_bytes: run.peak_rss_bytes.ok_or(Error::NoPeak)?,
        })
    }
}

/// Writes `graph` to `folder` and runs it there.
pub(crate) fn run_in(
    folder: &Path,
    engine: EngineName,
    graph: &Graph,
    run: InOwnProcess,
) -> Result<Measurement> {
    let path = folder.join("probe.onnx");
    graph.save(&path)?;
    let shapes = InputShapes::bind(graph, 1, None)?;
    let dims: Vec<Vec<usize>> = shapes.0.into_iter().map(|(_, dims)| dims).collect();
    run(engine, &path, &dims)
}

/// The footprint of `engine` that comes nearest to the `weighed` models.
pub fn footprint(engine: EngineName, weighed: &[Weighed]) -> Footprint {
    let (base, copies) = fit(weighed);
    Footprint {
        engine: engine.to_string(),
        base_bytes: base as u64,
        copies,
    }
}

/// Bytes of an empty process and copies of each part, none negative, with the least sum of squared
/// relative errors: non-negative least squares by coordinate descent.
fn fit(weighed: &[Weighed]) -> (f64, Holdings<f64>) {
    const UNKNOWNS: usize = 8;
    const ROUNDS: usize = 20_000;
    let rows: Vec<[f64; UNKNOWNS]> = weighed
        .iter()
        .map(|Weighed { held, peak_bytes }| {
            let [a, b, c, d, e, f, g] = held.parts().map(|part| part as f64);
            [1.0, a, b, c, d, e, f, g].map(|part| part / *peak_bytes as f64)
        })
        .collect();
    let mut unknowns = [0.0; UNKNOWNS];
    for _ in 0..ROUNDS {
        for index in 0..UNKNOWNS {
            let (mut above, mut below) = (0.0, 0.0);
            for row in &rows {
                let others: f64 = (0..UNKNOWNS)
                    .filter(|&other| other != index)
                    .map(|other| row[other] * unknowns[other])
                    .sum();
                above += row[index] * (1.0 - others);
                below += row[index] * row[index];
            }
            if below > 0.0 {
                unknowns[index] = (above / below).max(0.0);
            }
        }
    }
    let [base, a, b, c, d, e, f, g] = unknowns;
    (base, Holdings::from([a, b, c, d, e, f, g]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fit_finds_the_factors_that_made_the_figures() {
        let copies = [3.0, 2.0, 1.5, 1.0, 2.5, 2.0, 4000.0];
        let weighed: Vec<Weighed> = (0..14u64)
            .map(|row| {
                let mut parts = [0; 7];
                for (index, part) in parts.iter_mut().enumerate() {
                    let mixed = (row * 31 + index as u64 * 17 + 7) * 2_654_435_761;
                    *part = ((mixed % (1 << 32)) >> 8) % 17 * 1_000_000;
                }
                parts[6] /= 10_000;
                let sum: f64 = copies
                    .iter()
                    .zip(parts)
                    .map(|(copies, part)| copies * part as f64)
                    .sum();
                Weighed {
                    held: Holdings::from(parts),
                    peak_bytes: 30_000_000 + sum as u64,
                }
            })
            .collect();
        let (base, fitted) = fit(&weighed);
        assert!((base / 3e7 - 1.0).abs() < 0.02, "{base}");
        for (fitted, copies) in fitted.parts().into_iter().zip(copies) {
            assert!((fitted / copies - 1.0).abs() < 0.05, "{fitted} {copies}");
        }
    }
}
