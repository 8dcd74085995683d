//! How much memory an engine's process takes, and for which parts of a model.

use std::path::Path;

use edgefit_cost::memory_plan::{ElementType as Stored, MemoryPlan};
use edgefit_cost::model_parts;
use edgefit_device::process_memory::{ModelParts, PartsMemory, ProcessMemory, RunMemory};
use edgefit_device::{ElementType, EngineId};
use edgefit_engine::{EngineName, Measurement, Resident};
use edgefit_graph::infer::{InputShapes, infer};
use edgefit_graph::{Graph, Node};

use crate::chain::{Chain, Conv};
use crate::error::{Error, Result};
use crate::small_ops::Subject;

/// Runs a model file on inputs of given shapes in an engine, in a process of its own.
pub type InOwnProcess<'a> = &'a dyn Fn(EngineName, &Path, &[Vec<usize>]) -> Result<Measurement>;

/// Models that consist mostly of one part each, and the smallest. Their inputs are small, as those of
/// networks are: a run keeps more than one copy of them.
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
        build(&[1, 49, 64], &|chain| {
            for _ in 0..150 {
                chain.linear(64);
                for op in ["Relu", "Tanh"] {
                    let dims = chain.dims().to_vec();
                    chain.push(Node::new(op, "", &[""], &[]), dims);
                }
            }
        }),
        build(&[1, 2048, 16], &|chain| {
            chain.linear(512);
            for _ in 0..4 {
                let constant = chain.weight(&[2048, 512]);
                let dims = chain.dims().to_vec();
                chain.push(Node::new("Add", "", &["", &constant], &[]), dims.clone());
                chain.push(Node::new("Tanh", "", &[""], &[]), dims);
            }
        }),
        build(&[1, 3, 224, 224], &pyramid),
        build(&[1, 3, 160, 160], &pyramid),
        build(&[1, 3136, 16], &|chain| {
            for _ in 0..4 {
                chain.linear(256);
                chain.linear(64);
            }
        }),
        build(&[1, 197, 192], &|chain| {
            for _ in 0..12 {
                chain.layer_norm(Subject::There);
                chain.linear(576);
                chain.linear(192);
                chain.layer_norm(Subject::There);
                chain.linear(768);
                chain.gelu(Subject::There);
                chain.linear(192);
            }
        }),
    ]
}

/// Activations that are large at first and small at last, with few weights: the first blocks of a
/// mobile network.
fn pyramid(chain: &mut Chain) {
    let depthwise = |chain: &mut Chain, stride| {
        let outputs = chain.dims()[1];
        chain.conv(Conv {
            outputs,
            kernel: 3,
            stride,
            groups: outputs,
        });
    };
    chain.conv(Conv {
        outputs: 32,
        kernel: 3,
        stride: 2,
        groups: 1,
    });
    depthwise(chain, 1);
    chain.conv(Conv::pointwise(16));
    for (expanded, outputs) in [(96, 24), (144, 40), (240, 80)] {
        chain.conv(Conv::pointwise(expanded));
        depthwise(chain, 2);
        chain.conv(Conv::pointwise(outputs));
    }
}

/// A model that was run in a process of its own.
pub struct MeasuredModel {
    parts: ModelParts<u64>,
    arena_bytes: u64,
    loaded: Resident,
    peak_bytes: u64,
}

impl MeasuredModel {
    /// The parts of `graph`, and what a process that ran it took.
    ///
    /// # Errors
    /// The graph is not sound, or the system did not tell what the process took.
    pub fn new(graph: &Graph, run: &Measurement) -> Result<Self> {
        let inference = infer(graph, &InputShapes::bind(graph, 1, None)?)?;
        let plan = MemoryPlan::of(graph, &inference, Stored::AsStored);
        Ok(MeasuredModel {
            parts: model_parts(graph, &inference),
            arena_bytes: plan.arena_bytes,
            loaded: run.loaded.ok_or(Error::NoPeak)?,
            peak_bytes: run.peak_rss_bytes.ok_or(Error::NoPeak)?,
        })
    }

    /// The smallest model, and each part.
    fn row(&self) -> [f64; 7] {
        let [a, b, c, d, e, f] = self.parts.parts().map(|part| part as f64);
        [1.0, a, b, c, d, e, f]
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

/// The memory of `engine` by the parts of a model, fitted to the `measured` models.
pub fn process_memory(engine: EngineName, measured: &[MeasuredModel]) -> ProcessMemory {
    let parts_memory = |bytes: fn(&MeasuredModel) -> u64| {
        let targets: Vec<f64> = measured.iter().map(|one| bytes(one) as f64).collect();
        let rows: Vec<[f64; 7]> = measured.iter().map(MeasuredModel::row).collect();
        let [base, copies @ ..] = fit(&rows, &targets);
        PartsMemory {
            base_bytes: base as u64,
            copies: ModelParts::from(copies),
        }
    };
    let mut process = ProcessMemory {
        engine: EngineId::from(engine.to_string()),
        loading: parts_memory(|one| one.loaded.peak_bytes),
        loaded: parts_memory(|one| one.loaded.now_bytes),
        running: RunMemory::default(),
    };
    process.running = running(&process, measured);
    process
}

/// What the runs add, so that the peaks of the `measured` models come out with the least sum of squared
/// relative errors. Where loading takes more, the peak is only an upper bound for the runs; so this is
/// found by trying.
fn running(process: &ProcessMemory, measured: &[MeasuredModel]) -> RunMemory {
    let bases = (0..=16).map(|half| half << 19);
    let candidates = bases.flat_map(|base_bytes| {
        (0..=120).map(move |step| RunMemory {
            base_bytes,
            arenas: f64::from(step) / 20.0,
        })
    });
    let error = |running: &RunMemory| -> f64 {
        let tried = ProcessMemory {
            running: *running,
            ..process.clone()
        };
        let errors = measured.iter().map(|one| {
            let peak = tried.peak_bytes(one.parts, one.arena_bytes) as f64;
            (peak / one.peak_bytes as f64 - 1.0).powi(2)
        });
        errors.sum()
    };
    let least = candidates.min_by(|a, b| error(a).total_cmp(&error(b)));
    least.unwrap_or_default()
}

/// Factors, none negative, of the columns of `rows` that make the `targets`, with the least sum of
/// squared relative errors: non-negative least squares by coordinate descent.
fn fit<const N: usize>(rows: &[[f64; N]], targets: &[f64]) -> [f64; N] {
    const ROUNDS: usize = 20_000;
    let mut factors = [0.0; N];
    for _ in 0..ROUNDS {
        for index in 0..N {
            let (mut above, mut below) = (0.0, 0.0);
            for (row, target) in rows.iter().zip(targets) {
                let others: f64 = (0..N)
                    .filter(|&other| other != index)
                    .map(|other| row[other] * factors[other])
                    .sum();
                above += row[index] * (target - others) / (target * target);
                below += row[index] * row[index] / (target * target);
            }
            if below > 0.0 {
                factors[index] = (above / below).max(0.0);
            }
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What loading, the memory after it and the runs take of a model of these `parts`.
    fn measured(parts: [u64; 6], arena_bytes: u64) -> MeasuredModel {
        let sum = |factors: [f64; 6]| -> u64 {
            let products = factors.iter().zip(parts);
            products
                .map(|(factor, part)| factor * part as f64)
                .sum::<f64>() as u64
        };
        let loaded = Resident {
            now_bytes: 30_000_000 + sum([1.0, 1.0, 1.0, 1.0, 1.5, 4000.0]),
            peak_bytes: 30_000_000 + sum([3.0, 2.0, 1.5, 1.0, 2.5, 4000.0]),
        };
        let running = loaded.now_bytes + 2_000_000 + 2 * arena_bytes;
        MeasuredModel {
            parts: ModelParts::from(parts),
            arena_bytes,
            loaded,
            peak_bytes: running.max(loaded.peak_bytes),
        }
    }

    #[test]
    fn a_fit_finds_the_factors_that_made_the_figures() {
        let models: Vec<MeasuredModel> = (0..16u64)
            .map(|row| {
                let mut parts = [0; 6];
                for (index, part) in parts.iter_mut().enumerate() {
                    let mixed = (row * 31 + index as u64 * 17 + 7) * 2_654_435_761;
                    *part = ((mixed % (1 << 32)) >> 8) % 17 * 1_000_000;
                }
                parts[5] /= 10_000;
                measured(parts, row * 4_000_000)
            })
            .collect();
        assert!(
            models
                .iter()
                .any(|one| one.peak_bytes == one.loaded.peak_bytes)
        );
        let found = process_memory(EngineName::Tract, &models);
        for model in &models {
            let peak = found.peak_bytes(model.parts, model.arena_bytes);
            let ratio = peak as f64 / model.peak_bytes as f64;
            assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
        }
        assert!((found.loading.copies.dense - 3.0).abs() < 0.1, "{found:?}");
        assert!((found.running.arenas - 2.0).abs() < 0.1, "{found:?}");
    }
}
