//! Sizes of the gradients of a module, and the comparison of two gradients.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::path::Path;
use super::scalars::Scalars;
use crate::ef03_fresh_gradients;

/// Gradient of one parameter, in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterGradient {
    /// The parameter.
    pub id: ParamId,
    /// Path of the parameter in the module, such as `conv1.weight`.
    pub name: String,
    /// Number of its dimensions.
    pub rank: usize,
    /// Mean |g|.
    pub mean_abs: f64,
    /// √Σg².
    pub norm: f64,
}

impl ParameterGradient {
    /// Whether all its elements are finite.
    pub fn is_finite(&self) -> bool {
        self.mean_abs.is_finite()
    }
}

/// Gradients of the parameters of `module` that require one, in the order of the module. A parameter
/// that no gradient reached has one of 0.
pub fn gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Vec<ParameterGradient> {
    let mut visitor = Figures {
        gradients,
        path: Path::default(),
        scalars: Scalars::default(),
        found: Vec::new(),
        reached: Vec::new(),
    };
    module.visit(&mut visitor);
    let Figures {
        scalars,
        mut found,
        reached,
        ..
    } = visitor;
    let numbers = scalars.read();
    for ((index, elements), pair) in reached.into_iter().zip(numbers.chunks_exact(2)) {
        found[index].mean_abs = pair[0] / elements.max(1) as f64;
        found[index].norm = pair[1].sqrt();
    }
    found
}

/// √Σg² over all parameters.
pub fn global_norm(gradients: &[ParameterGradient]) -> f64 {
    let squares = gradients
        .iter()
        .map(|gradient| gradient.norm * gradient.norm);
    squares.sum::<f64>().sqrt()
}

/// Compares two gradients of `module` for [`ef03_fresh_gradients`], the right one first.
///
/// A parameter that only one of them reached counts as zero in the other.
pub fn compare<M: Module>(
    module: &M,
    reference: &GradientsParams,
    other: &GradientsParams,
) -> ef03_fresh_gradients::Gradients {
    let mut visitor = Comparison {
        gradients: [reference, other],
        scalars: Scalars::default(),
        sums: Vec::new(),
    };
    module.visit(&mut visitor);
    let numbers = visitor.scalars.read();
    let norm = |wanted: Sum| {
        let sums = visitor.sums.iter().zip(&numbers);
        let own = sums.filter(|(sums, _)| sums.contains(&wanted));
        own.map(|(_, number)| number).sum::<f64>().sqrt()
    };
    ef03_fresh_gradients::Gradients {
        reference_norm: norm(Sum::Reference),
        norm: norm(Sum::Other),
        difference_norm: norm(Sum::Difference),
    }
}

struct Figures<'a> {
    gradients: &'a GradientsParams,
    path: Path,
    /// Σ|g| and Σg² of each gradient that reached its parameter.
    scalars: Scalars,
    found: Vec<ParameterGradient>,
    /// Index and number of elements of those parameters.
    reached: Vec<(usize, usize)>,
}

impl ModuleVisitor for Figures<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id);
        if gradient.is_none() && !param.is_require_grad() {
            return;
        }
        if let Some(gradient) = gradient {
            let elements = gradient.dims().iter().product();
            self.reached.push((self.found.len(), elements));
            self.scalars.push_sizes(gradient);
        }
        self.found.push(ParameterGradient {
            id: param.id,
            name: self.path.name(),
            rank: D,
            mean_abs: 0.0,
            norm: 0.0,
        });
    }
}

/// What a sum of squares belongs to.
#[derive(Clone, Copy, PartialEq)]
enum Sum {
    Reference,
    Other,
    Difference,
}

struct Comparison<'a> {
    gradients: [&'a GradientsParams; 2],
    scalars: Scalars,
    /// What each of the scalars is part of.
    sums: Vec<&'static [Sum]>,
}

impl Comparison<'_> {
    fn push<const D: usize>(&mut self, sums: &'static [Sum], tensor: Tensor<D>) {
        self.sums.push(sums);
        self.scalars.push_square_sum(tensor);
    }
}

impl ModuleVisitor for Comparison<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.gradients.map(|gradients| gradients.get::<D>(param.id)) {
            [Some(reference), Some(other)] => {
                self.push(&[Sum::Reference], reference.clone());
                self.push(&[Sum::Other], other.clone());
                self.push(&[Sum::Difference], reference - other);
            }
            [Some(reference), None] => self.push(&[Sum::Reference, Sum::Difference], reference),
            [None, Some(other)] => self.push(&[Sum::Other, Sum::Difference], other),
            [None, None] => {}
        }
    }
}
