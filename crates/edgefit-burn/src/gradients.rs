//! The gradients of a training step: their sizes, sums and elements.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::parameter::on_parameter;
use crate::train::TrainModule;

/// Gradients of the trained weights of a [`TrainModule`], by parameter.
#[derive(Debug)]
pub struct Gradients(GradientsParams);

/// How large the gradient of one weight is.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientSize {
    /// Name of the weight in the graph.
    pub name: String,
    /// Shape of the weight.
    pub dims: Vec<usize>,
    /// Mean of the absolute elements.
    pub mean_abs: f64,
    /// Euclidean norm.
    pub norm: f64,
}

impl Gradients {
    /// Gradients of `loss`, a single number that was computed by `module`.
    pub fn of(loss: &Tensor<1>, module: &TrainModule) -> Self {
        Gradients(GradientsParams::from_grads(loss.backward(), module))
    }

    /// For the optimizers of burn.
    pub fn into_params(self) -> GradientsParams {
        self.0
    }

    /// The sizes, in the order of [`TrainModule::parameters`]; 0 for a weight that no gradient
    /// reached.
    ///
    /// # Errors
    /// The device fails to read the values back.
    pub fn sizes(&self, module: &TrainModule) -> Result<Vec<GradientSize>> {
        let parameters = module.parameters();
        let sizes = parameters.map(|(name, parameter)| {
            let values = match parameter.gradient(&self.0) {
                Some(gradient) => gradient.to_vec()?,
                None => vec![0.0],
            };
            let squares: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            let sum: f64 = values.iter().map(|&v| f64::from(v.abs())).sum();
            Ok(GradientSize {
                name: name.to_owned(),
                dims: on_parameter!(parameter, param => param.val().dims().to_vec()),
                mean_abs: sum / values.len().max(1) as f64,
                norm: squares.sqrt(),
            })
        });
        sizes.collect()
    }

    /// All elements, one weight after the other.
    ///
    /// # Errors
    /// The device fails to read the values back.
    pub fn elements(&self, module: &TrainModule) -> Result<Vec<f32>> {
        let mut elements = Vec::new();
        for (_, parameter) in module.parameters() {
            if let Some(gradient) = parameter.gradient(&self.0) {
                elements.extend(gradient.to_vec()?);
            }
        }
        Ok(elements)
    }

    /// The same gradients, times `factor`.
    pub fn scaled(self, module: &TrainModule, factor: f64) -> Self {
        let Gradients(mut gradients) = self;
        for (_, parameter) in module.parameters() {
            on_parameter!(parameter, param => {
                if let Some(gradient) = gradients.remove(param.id) {
                    gradients.register(param.id, rank_of(param, gradient) * factor);
                }
            });
        }
        Gradients(gradients)
    }

    /// The sum of both.
    ///
    /// # Errors
    /// They are of different modules.
    pub fn plus(self, module: &TrainModule, other: Self) -> Result<Self> {
        let (Gradients(mut sum), Gradients(mut other)) = (self, other);
        for (name, parameter) in module.parameters() {
            on_parameter!(parameter, param => {
                let added = match (sum.remove(param.id), other.remove(param.id)) {
                    (Some(a), Some(b)) => Some(rank_of(param, a) + rank_of(param, b)),
                    (None, None) => None,
                    _ => {
                        return Err(Error::Node {
                            node: format!("initializer '{name}'"),
                            problem: "only one of the two gradients reached it; add gradients of \
                                      the same module"
                                .into(),
                        });
                    }
                };
                if let Some(added) = added {
                    sum.register(param.id, added);
                }
            });
        }
        Ok(Gradients(sum))
    }
}

/// Tells the compiler that a gradient has the rank of its parameter.
fn rank_of<const D: usize>(_: &burn::module::Param<Tensor<D>>, gradient: Tensor<D>) -> Tensor<D> {
    gradient
}
