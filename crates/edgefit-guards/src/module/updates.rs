//! How far a step moved the weights of a module.

use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use super::WEIGHT_RANK;
use super::path::Path;
use super::scalars::Scalars;

/// Norm of a weight below which it is zero, as that of a new head.
pub const ZERO: f64 = 1e-6;
/// log10 of the ratio for a weight that did not move; minus this for one that is not finite.
pub const NO_UPDATE: f64 = -12.0;

/// One step of one weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The weight.
    pub id: ParamId,
    /// Path of the weight in the module.
    pub name: String,
    /// log10 of ‖after − before‖ / ‖before‖, from [`NO_UPDATE`] to −[`NO_UPDATE`]. A weight that is
    /// smaller than if drawn from U(±1/√inputs), as layers usually start, counts as large as that:
    /// relative to a weight that starts at zero any update is large.
    pub log10_ratio: f64,
    /// Whether the weight was zero before.
    pub from_zero: bool,
    /// Learning rate of the weight over the highest: 1, until a caller that knows otherwise says so.
    pub multiplier: f64,
}

/// How far a step moved the trained weights from `before`, a clone of the module made before it, in
/// the order of the module.
///
/// Biases and frozen weights are left out.
pub fn updates<M: Module>(before: &M, after: &M) -> Vec<Update> {
    let mut snapshot = Snapshot::default();
    before.visit(&mut snapshot);
    let mut visitor = Comparison {
        before: snapshot.weights,
        path: Path::default(),
        scalars: Scalars::default(),
        found: Vec::new(),
    };
    after.visit(&mut visitor);
    let Comparison { scalars, found, .. } = visitor;
    let numbers = scalars.read();
    let norms = numbers.chunks_exact(2);
    let update = |(weight, squares): (Weight, &[f64])| {
        let (norm, moved) = (squares[0].sqrt(), squares[1].sqrt());
        let log10_ratio = (moved / norm.max(weight.usual_norm)).log10();
        Update {
            id: weight.id,
            name: weight.name,
            log10_ratio: if log10_ratio.is_nan() {
                -NO_UPDATE
            } else {
                log10_ratio.clamp(NO_UPDATE, -NO_UPDATE)
            },
            from_zero: norm < ZERO,
            multiplier: 1.0,
        }
    };
    found.into_iter().zip(norms).map(update).collect()
}

#[derive(Default)]
struct Snapshot {
    weights: HashMap<ParamId, Tensor<1>>,
}

impl ModuleVisitor for Snapshot {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D >= WEIGHT_RANK && param.is_require_grad() {
            self.weights.insert(param.id, elements(param));
        }
    }
}

struct Weight {
    id: ParamId,
    name: String,
    usual_norm: f64,
}

struct Comparison {
    before: HashMap<ParamId, Tensor<1>>,
    path: Path,
    /// Σw² and Σ(w' − w)² of each weight found.
    scalars: Scalars,
    found: Vec<Weight>,
}

impl ModuleVisitor for Comparison {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(before) = self.before.remove(&param.id) else {
            return;
        };
        self.scalars.push_square_sum(before.clone());
        self.scalars.push_square_sum(elements(param) - before);
        self.found.push(Weight {
            id: param.id,
            name: self.path.name(),
            usual_norm: usual_norm(&param.val().dims()),
        });
    }
}

/// Expected norm of a weight drawn from U(±1/√inputs), (out, in, …) or, of rank 2, either way round.
fn usual_norm(dims: &[usize]) -> f64 {
    let elements: usize = dims.iter().product();
    let inputs = match dims {
        [a, b] => *a.max(b),
        _ => elements / dims[0].max(1),
    };
    (elements as f64 / (3 * inputs.max(1)) as f64).sqrt()
}

fn elements<const D: usize>(param: &Param<Tensor<D>>) -> Tensor<1> {
    let tensor = param.val();
    let count = tensor.dims().iter().product::<usize>();
    tensor.inner().reshape([count])
}
