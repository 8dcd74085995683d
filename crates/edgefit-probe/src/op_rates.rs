//! How fast an engine runs each class of op.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use edgefit_cost::latency::Work;
use edgefit_device::rates::{OpClass, Point, Rate};
use edgefit_device::{ElementType, EngineId};
use edgefit_engine::{Array, Effort, EngineName, NodeTime, trace};
use edgefit_graph::Graph;
use edgefit_graph::infer::{InputShapes, infer};

use crate::chain::{Chain, spread};
use crate::error::Result;
use crate::small_ops::Pair;
use crate::{conv_matmul_chains, small_ops};

/// Effort for each network and pass.
const EFFORT: Effort = Effort {
    runs: 4,
    time: Duration::from_millis(15),
};

/// Least time of an op, in nanoseconds: the clocks of engines resolve no less.
const FLOOR: u64 = 100;

/// What an engine is measured on.
pub struct Suite {
    element_type: ElementType,
    networks: Vec<Network>,
    products: Vec<usize>,
    /// Those of which the small ops between the products count.
    small_ops: Vec<usize>,
    /// With and without the op.
    pairs: Vec<[usize; 2]>,
}

impl Suite {
    /// The networks for weights and activations of `element_type`.
    ///
    /// # Errors
    /// One of them is not sound.
    pub fn new(element_type: ElementType) -> Result<Self> {
        let mut suite = Suite {
            element_type,
            networks: Vec::new(),
            products: Vec::new(),
            small_ops: Vec::new(),
            pairs: Vec::new(),
        };
        // Many ops are compared with the same chain.
        let mut indices = HashMap::new();
        let mut index = |chain: Chain, networks: &mut Vec<Network>| -> Result<usize> {
            let graph = chain.finish();
            let index = match indices.entry(graph.to_bytes()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    networks.push(Network::new(graph)?);
                    *new.insert(networks.len() - 1)
                }
            };
            Ok(index)
        };
        for chain in conv_matmul_chains::chains(element_type) {
            let product = index(chain, &mut suite.networks)?;
            suite.products.push(product);
        }
        if element_type == ElementType::F32 {
            for chain in conv_matmul_chains::chains_with_small_ops() {
                let chain = index(chain, &mut suite.networks)?;
                suite.small_ops.push(chain);
            }
            for Pair { with, without } in small_ops::pairs() {
                let pair = [
                    index(with, &mut suite.networks)?,
                    index(without, &mut suite.networks)?,
                ];
                suite.pairs.push(pair);
            }
        }
        Ok(suite)
    }

    /// Number of networks, each of which a pass runs.
    pub fn networks(&self) -> usize {
        self.networks.len()
    }

    /// What `engine` is measured with, with `threads` threads.
    pub fn begin(&self, engine: EngineName, threads: usize) -> Measuring<'_> {
        Measuring {
            suite: self,
            engine,
            threads,
            traced: Vec::new(),
        }
    }
}

/// An engine that is being measured.
pub struct Measuring<'s> {
    /// The suite it is measured on.
    pub suite: &'s Suite,
    /// The engine.
    pub engine: EngineName,
    threads: usize,
    traced: Vec<Traced<'s>>,
}

impl Measuring<'_> {
    /// Type of weights and activations.
    pub fn element_type(&self) -> ElementType {
        self.suite.element_type
    }

    /// Runs every network once more; the fastest passes count. `advance` is called after each network.
    ///
    /// # Errors
    /// The engine is not there, or fails.
    pub fn pass(&mut self, mut advance: impl FnMut()) -> Result<()> {
        for (index, network) in self.suite.networks.iter().enumerate() {
            let again = network.run(self.engine, self.threads)?;
            match self.traced.get_mut(index) {
                Some(traced) => traced.keep_fastest(&again),
                None => self.traced.push(again),
            }
            advance();
        }
        Ok(())
    }

    /// The rates, once at least one pass is done.
    pub fn rates(&self) -> Vec<Rate> {
        let Measuring { suite, traced, .. } = self;
        let mut points = Points::default();
        for &product in &suite.products {
            for work in traced[product]
                .network
                .works
                .iter()
                .filter(|work| !is_small(work))
            {
                points.add(work, traced[product].own(work));
            }
        }
        for &chain in &suite.small_ops {
            let traced = &traced[chain];
            for work in traced.network.works.iter().filter(|work| is_small(work)) {
                points.add(work, traced.own(work));
            }
        }
        for &[with, without] in &suite.pairs {
            points.add_difference(&traced[with], &traced[without]);
        }
        points.rates(self.engine, suite.element_type, self.threads)
    }
}

/// What was measured, by class.
#[derive(Default)]
struct Points(BTreeMap<OpClass, Vec<Point>>);

impl Points {
    fn add(&mut self, work: &Work, ns: u64) {
        self.0.entry(work.class.clone()).or_default().push(Point {
            size: work.size,
            ns: ns.max(FLOOR),
        });
    }

    /// The ops that the chain `without` lacks, by the difference of the two.
    fn add_difference(&mut self, with: &Traced, without: &Traced) {
        let small = |traced: &Traced| -> Vec<Work> {
            let small = traced.network.works.iter().filter(|work| work.macs == 0);
            small.cloned().collect()
        };
        let mut around: Vec<OpClass> = small(without).into_iter().map(|work| work.class).collect();
        let lacking: Vec<Work> = small(with)
            .into_iter()
            .filter(|work| {
                let found = around.iter().position(|class| *class == work.class);
                found.map(|index| around.swap_remove(index)).is_none()
            })
            .collect();
        let Some(subject) = lacking.last().map(|work| work.class.clone()) else {
            return;
        };
        let (measured, others): (Vec<Work>, Vec<Work>) =
            lacking.into_iter().partition(|work| work.class == subject);
        for work in &others {
            self.add(work, with.own(work));
        }
        let own = |works: &[Work]| -> u64 { works.iter().map(|work| with.own(work)).sum() };
        let added = with
            .outside_products()
            .saturating_sub(without.outside_products())
            .saturating_sub(own(&others))
            .max(own(&measured));
        let elements = |work: &Work| work.size.output_positions * work.size.outputs;
        let all: u64 = measured.iter().map(elements).sum();
        for work in &measured {
            let share = elements(work) as f64 / all.max(1) as f64;
            self.add(work, (added as f64 * share) as u64);
        }
    }

    fn rates(self, engine: EngineName, element_type: ElementType, threads: usize) -> Vec<Rate> {
        let rate = |(class, points)| Rate {
            engine: EngineId::from(engine.to_string()),
            element_type,
            threads: threads as u32,
            class,
            channel_block: channel_block(engine),
            points,
        };
        self.0.into_iter().map(rate).collect()
    }
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

/// A chain, ready to run.
struct Network {
    graph: Graph,
    works: Vec<Work>,
    inputs: Vec<Array>,
}

impl Network {
    fn new(graph: Graph) -> Result<Self> {
        let shapes = InputShapes::bind(&graph, 1, None)?;
        let works = Work::of(&graph, &infer(&graph, &shapes)?);
        let input = |(_, dims): &(String, Vec<usize>)| Array {
            dims: dims.clone(),
            values: spread(dims.iter().product(), 1.0, 0),
        };
        Ok(Network {
            works,
            inputs: shapes.0.iter().map(input).collect(),
            graph,
        })
    }

    fn run(&self, engine: EngineName, threads: usize) -> Result<Traced<'_>> {
        Ok(Traced {
            engine,
            network: self,
            nodes: trace(engine.into(), &self.graph, &self.inputs, threads, EFFORT)?,
        })
    }
}

/// A chain that was run.
struct Traced<'n> {
    engine: EngineName,
    network: &'n Network,
    nodes: Vec<NodeTime>,
}

impl Traced<'_> {
    fn keep_fastest(&mut self, other: &Traced) {
        for (node, other) in self.nodes.iter_mut().zip(&other.nodes) {
            node.ns = node.ns.min(other.ns);
        }
    }

    /// Time of the engine's nodes whose name contains that of the node of `work`. A product into which a
    /// small op was fused may have its name.
    fn own(&self, work: &Work) -> u64 {
        let name = &self.network.graph.nodes[work.node].name;
        let own = self.nodes.iter().filter(|node| {
            node.name.contains(name) && (work.macs > 0 || !is_product(self.engine, &node.op))
        });
        own.map(|node| node.ns).sum()
    }

    /// Time of all nodes that are no products.
    fn outside_products(&self) -> u64 {
        let outside = self
            .nodes
            .iter()
            .filter(|node| !is_product(self.engine, &node.op));
        outside.map(|node| node.ns).sum()
    }
}

/// Whether a node has arithmetic of its own, but no multiply-accumulates.
fn is_small(work: &Work) -> bool {
    work.macs == 0 && !matches!(work.class, OpClass::View | OpClass::Shape)
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
