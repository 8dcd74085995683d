//! Latency from the rates that a probe measured on a device.

use edgefit_device::rates::{OpClass, Rate, RunSetup};
use edgefit_graph::Graph;
use edgefit_graph::infer::Inference;

use super::interpolate::Rates;
use super::node_latency::{Bound, Latency, NodeLatency};
use super::work::Work;

/// The time of a run in `setup`, from rates that were measured on the device; `None` where there are
/// none for it.
///
/// ```
/// use edgefit_cost::latency::calibrated;
/// use edgefit_device::rates::{OpClass, OpSize, Point, Rate, RunSetup};
/// use edgefit_device::{ElementType, EngineId};
/// use edgefit_graph::infer::{InputShapes, infer};
/// use edgefit_graph::{Dim, Graph, Node, Tensor, ValueInfo};
///
/// // A product of 1×8 with 8×4.
/// let mut graph = Graph::new("product", 17);
/// graph.inputs.push(ValueInfo::f32("x", vec![Dim::Known(1), Dim::Known(8)]));
/// graph.outputs.push(ValueInfo::f32("y", vec![]));
/// graph.initializers.insert("w".into(), Tensor::from_values(vec![8, 4], &[0f32; 32]));
/// graph.nodes.push(Node::new("MatMul", "product", &["x", "w"], &["y"]));
/// let inference = infer(&graph, &InputShapes::bind(&graph, 1, None)?)?;
///
/// let engine = EngineId::Tract;
/// let setup = RunSetup { engine: &engine, element_type: ElementType::F32, threads: 1 };
/// let size = OpSize { inputs: 8, outputs: 4, ..OpSize::ONE };
/// let rates = [Rate {
///     engine: engine.clone(),
///     element_type: ElementType::F32,
///     threads: 1,
///     class: OpClass::Gemm,
///     channel_block: 1,
///     points: vec![Point { size, ns: 320 }],
/// }];
/// let latency = calibrated(&graph, &inference, &rates, setup).unwrap();
/// assert_eq!(latency.nodes[0].macs, 32);
/// assert!(latency.ns.abs_diff(320) <= 1);
/// let other = RunSetup { threads: 2, ..setup };
/// assert!(calibrated(&graph, &inference, &rates, other).is_none());
/// # Ok::<(), edgefit_graph::Error>(())
/// ```
pub fn calibrated(
    graph: &Graph,
    inference: &Inference,
    rates: &[Rate],
    setup: RunSetup,
) -> Option<Latency> {
    let rates = Rates::of(rates, setup);
    if rates.is_empty() {
        return None;
    }
    let nodes = Work::of(graph, inference)
        .into_iter()
        .filter_map(|work| {
            let ns = rates.ns(&work.class, &work.size)?;
            let bound = usual_bound(&work.class);
            Some(NodeLatency::new(graph, work, ns as u64, bound))
        })
        .collect();
    Some(Latency::of(nodes))
}

/// What bounds an op of a class, where no peaks say it: products of many channels are bound by
/// arithmetic, all else by the memory that it walks over.
fn usual_bound(class: &OpClass) -> Bound {
    match class {
        OpClass::Pointwise
        | OpClass::Dense
        | OpClass::Grouped
        | OpClass::Gemm
        | OpClass::MatMul => Bound::Compute,
        OpClass::View | OpClass::Shape => Bound::Overhead,
        OpClass::Depthwise | OpClass::Other(..) => Bound::Memory,
    }
}
