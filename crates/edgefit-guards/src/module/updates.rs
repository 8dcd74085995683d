use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use super::gradients::squares;
use super::{Path, WEIGHT_RANK};

/// Norm of a weight below which it is zero, as that of a new head.
pub const ZERO: f64 = 1e-6;
/// log10 given to an update that rounds to nothing.
pub const NOTHING: f64 = -12.0;

/// One step of one weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Path of the weight in the module.
    pub name: String,
    /// log10 of ‖after − before‖ / ‖before‖; [`NOTHING`] at least. A weight that is smaller than
    /// drawn from U(±1/√inputs), as layers usually start, counts as large as that: beside a weight
    /// that starts at zero any update is large.
    pub log10_ratio: f64,
    /// Whether the weight was zero before.
    pub from_zero: bool,
}

/// How far a step moved the trained weights from `before`, a clone of the module made before it.
///
/// Biases and frozen weights are left out.
pub fn updates<M: Module>(before: &M, after: &M) -> Vec<Update> {
    let mut snapshot = Snapshot::default();
    before.visit(&mut snapshot);
    let mut visitor = Comparison {
        before: snapshot.weights,
        path: Path::default(),
        found: Vec::new(),
    };
    after.visit(&mut visitor);
    visitor.found
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

struct Comparison {
    before: HashMap<ParamId, Tensor<1>>,
    path: Path,
    found: Vec<Update>,
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
        let norm = squares(before.clone()).sqrt();
        let size = norm.max(usual_norm(&param.val().dims()));
        let moved = squares(elements(param) - before).sqrt();
        self.found.push(Update {
            name: self.path.name(),
            log10_ratio: (moved / size).log10().max(NOTHING),
            from_zero: norm < ZERO,
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
