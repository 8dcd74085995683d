//! How fast an engine runs each class of op.

use std::collections::BTreeMap;
use std::time::Duration;

use edgefit_cost::latency::Work;
use edgefit_device::rates::{Point, Rate};
use edgefit_engine::{Array, Effort, EngineName, NodeTime, trace};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::chain::{Chain, spread};
use crate::error::Result;
use crate::{products, small_ops};

/// Effort for each network.
const EFFORT: Effort = Effort {
    runs: 9,
    time: Duration::from_millis(40),
};

/// Least time of an op, in nanoseconds: engines tell no less apart.
const FLOOR: u64 = 100;

/// Number of networks that [`measure`] runs for an engine.
pub fn networks() -> usize {
    products::chains().len() + 2 * small_ops::pairs().len()
}

/// Measures `engine` with `threads` threads; `advance` is told after each network.
///
/// # Errors
/// The engine is not there, or fails.
pub fn measure(engine: EngineName, threads: usize, mut advance: impl FnMut()) -> Result<Vec<Rate>> {
    let mut classes: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    let mut add = |work: &Work, ns: u64| {
        classes.entry(work.class.clone()).or_default().push(Point {
            size: work.size,
            ns: ns.max(FLOOR),
        });
    };
    for chain in products::chains() {
        let traced = Traced::of(chain, engine, threads)?;
        for work in &traced.works {
            add(work, traced.own(work));
        }
        advance();
    }
    for pair in small_ops::pairs() {
        let with = Traced::of(pair.with, engine, threads)?;
        advance();
        let without = Traced::of(pair.without, engine, threads)?;
        advance();
        let small = |traced: &Traced| -> Vec<Work> {
            let small = traced.works.iter().filter(|work| work.macs == 0);
            small.cloned().collect()
        };
        // What the other chain lacks is measured by the difference, the rest by its name.
        let mut around: Vec<String> = small(&without).into_iter().map(|work| work.class).collect();
        let (measured, _): (Vec<Work>, Vec<Work>) = small(&with).into_iter().partition(|work| {
            let found = around.iter().position(|class| *class == work.class);
            found.map(|index| around.swap_remove(index)).is_none()
        });
        let Some(subject) = measured.last().map(|work| work.class.clone()) else {
            continue;
        };
        let (measured, beside): (Vec<Work>, Vec<Work>) =
            measured.into_iter().partition(|work| work.class == subject);
        for work in &beside {
            add(work, with.own(work));
        }
        let own = |works: &[Work]| -> u64 { works.iter().map(|work| with.own(work)).sum() };
        let added = with
            .beside_products()
            .saturating_sub(without.beside_products())
            .saturating_sub(own(&beside))
            .max(own(&measured));
        let elements = |work: &Work| work.size.positions * work.size.outputs;
        let all: u64 = measured.iter().map(elements).sum();
        for work in &measured {
            let share = elements(work) as f64 / all.max(1) as f64;
            add(work, (added as f64 * share) as u64);
        }
    }
    let rate = |(class, points)| Rate {
        engine: engine.to_string(),
        element_type: "f32".into(),
        threads: threads as u32,
        class,
        channel_block: channel_block(engine),
        points,
    };
    Ok(classes.into_iter().map(rate).collect())
}

/// ONNX Runtime computes whole vectors of channels on x86 (MLAS's NCHWc kernels).
fn channel_block(engine: EngineName) -> u32 {
    match engine {
        #[cfg(target_arch = "x86_64")]
        EngineName::OnnxRuntime if std::arch::is_x86_feature_detected!("avx512f") => 16,
        #[cfg(target_arch = "x86_64")]
        EngineName::OnnxRuntime => 8,
        _ => 1,
    }
}

/// A chain that was run.
struct Traced {
    engine: EngineName,
    graph: Graph,
    works: Vec<Work>,
    nodes: Vec<NodeTime>,
}

impl Traced {
    fn of(chain: Chain, engine: EngineName, threads: usize) -> Result<Self> {
        let graph = chain.finish();
        let shapes = InputShapes::bind(&graph, 1, None)?;
        let works = Work::of(&graph, &infer(&graph, &shapes)?);
        let inputs: Vec<Array> = shapes
            .0
            .iter()
            .map(|(_, dims)| Array {
                dims: dims.clone(),
                values: spread(dims.iter().product(), 1.0),
            })
            .collect();
        let nodes = trace(engine, &graph, &inputs, threads, EFFORT)?;
        Ok(Traced {
            engine,
            graph,
            works,
            nodes,
        })
    }

    /// Time of the engine's nodes that bear the name of the one behind `work`. A product that has
    /// swallowed a small op may bear its name.
    fn own(&self, work: &Work) -> u64 {
        let name = &self.graph.nodes[work.node].name;
        let own = self.nodes.iter().filter(|node| {
            node.name.contains(name) && (work.macs > 0 || !is_product(self.engine, &node.op))
        });
        own.map(|node| node.ns).sum()
    }

    /// Time of all nodes that are no products.
    fn beside_products(&self) -> u64 {
        let beside = self
            .nodes
            .iter()
            .filter(|node| !is_product(self.engine, &node.op));
        beside.map(|node| node.ns).sum()
    }
}

/// Whether an engine's operator is a convolution or a matrix product, or prepares one.
fn is_product(engine: EngineName, op: &str) -> bool {
    let prefixes: &[&str] = match engine {
        EngineName::OnnxRuntime => &[
            "Conv",
            "FusedConv",
            "MatMul",
            "Gemm",
            "FusedMatMul",
            "FusedGemm",
        ],
        _ => &[
            "OptMatMul",
            "OptSimpleMatMul",
            "Im2col",
            "DepthWiseConv",
            "DirectSpatialConv",
            "Conv",
            "EinSum",
            "LazyIm2col",
        ],
    };
    prefixes.iter().any(|prefix| op.starts_with(prefix))
}
