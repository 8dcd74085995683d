//! The gradients of a training step.

use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::parameter::on_parameter;
use crate::train_module::TrainModule;

/// Gradients of the trained weights of a [`TrainModule`], by parameter.
#[derive(Debug)]
pub struct Gradients(GradientsParams);

impl Gradients {
    /// Gradients of `loss`, a single number that was computed from what `module` made last.
    ///
    /// # Errors
    /// What is computed again fails.
    pub fn of(loss: &Tensor<1>, module: &mut TrainModule) -> Result<Self> {
        let gradients = loss.backward();
        Ok(Gradients(match module.take_tape() {
            Some(tape) => tape.backward(gradients, module)?,
            None => GradientsParams::from_grads(gradients, module),
        }))
    }

    /// As burn has them.
    pub fn params(&self) -> &GradientsParams {
        &self.0
    }

    /// For the optimizers of burn.
    pub fn into_params(self) -> GradientsParams {
        self.0
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

/// The sum of both, each of which reached some of the parameters.
pub(crate) fn merged(
    mut sum: GradientsParams,
    mut other: GradientsParams,
    module: &TrainModule,
) -> GradientsParams {
    for (_, parameter) in module.parameters() {
        on_parameter!(parameter, param => {
            if let Some(own) = other.remove(param.id) {
                let own = rank_of(param, own);
                let own = match sum.remove(param.id) {
                    Some(others) => rank_of(param, others) + own,
                    None => own,
                };
                sum.register(param.id, own);
            }
        });
    }
    sum
}

/// Tells the compiler that a gradient has the rank of its parameter.
fn rank_of<const D: usize>(_: &burn::module::Param<Tensor<D>>, gradient: Tensor<D>) -> Tensor<D> {
    gradient
}
