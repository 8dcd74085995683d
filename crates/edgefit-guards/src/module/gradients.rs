use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Path;
use crate::ef03_fresh_gradients;

/// Gradient of one parameter, in figures.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterGradient {
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
    /// Whether all its elements are numbers.
    pub fn is_finite(&self) -> bool {
        self.mean_abs.is_finite()
    }
}

/// Gradients of the parameters of `module` that one reached.
pub fn gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Vec<ParameterGradient> {
    let mut visitor = Figures {
        gradients,
        path: Path::default(),
        found: Vec::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

/// √Σg² over all parameters.
pub fn global_norm(gradients: &[ParameterGradient]) -> f64 {
    let squares = gradients.iter().map(|gradient| gradient.norm.powi(2));
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
        squares: [0.0; 3],
    };
    module.visit(&mut visitor);
    let [reference_norm, norm, difference_norm] = visitor.squares.map(f64::sqrt);
    ef03_fresh_gradients::Gradients {
        reference_norm,
        norm,
        difference_norm,
    }
}

struct Figures<'a> {
    gradients: &'a GradientsParams,
    path: Path,
    found: Vec<ParameterGradient>,
}

impl ModuleVisitor for Figures<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.found.push(ParameterGradient {
                name: self.path.name(),
                rank: D,
                norm: squares(gradient.clone()).sqrt(),
                mean_abs: gradient.abs().mean().into_scalar::<f64>(),
            });
        }
    }
}

struct Comparison<'a> {
    gradients: [&'a GradientsParams; 2],
    /// Of the two, and of their difference.
    squares: [f64; 3],
}

impl ModuleVisitor for Comparison<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let [a, b] = self.gradients.map(|gradients| gradients.get::<D>(param.id));
        let own = [a.clone(), b.clone(), a.zip(b).map(|(a, b)| a - b)];
        let own = own.map(|tensor| tensor.map_or(0.0, squares));
        // Where one is missing the difference is the other.
        let apart = match own {
            [a, b, 0.0] if a == 0.0 || b == 0.0 => a + b,
            [_, _, apart] => apart,
        };
        for (sum, own) in self.squares.iter_mut().zip([own[0], own[1], apart]) {
            *sum += own;
        }
    }
}

pub(super) fn squares<const D: usize>(tensor: Tensor<D>) -> f64 {
    (tensor.clone() * tensor).sum().into_scalar::<f64>()
}
