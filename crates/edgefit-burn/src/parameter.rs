//! A trained weight of any rank.

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::value::Floats;

/// A trained weight of any rank; burn's own know their rank at compile time.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub enum Parameter {
    R1(Param<Tensor<1>>),
    R2(Param<Tensor<2>>),
    R3(Param<Tensor<3>>),
    R4(Param<Tensor<4>>),
    R5(Param<Tensor<5>>),
    R6(Param<Tensor<6>>),
    R7(Param<Tensor<7>>),
    R8(Param<Tensor<8>>),
}

/// Runs `$body` with `$param` bound to the burn parameter of whatever rank `$parameter` has.
macro_rules! on_parameter {
    ($parameter:expr, $param:ident => $body:expr) => {
        match $parameter {
            $crate::parameter::Parameter::R1($param) => $body,
            $crate::parameter::Parameter::R2($param) => $body,
            $crate::parameter::Parameter::R3($param) => $body,
            $crate::parameter::Parameter::R4($param) => $body,
            $crate::parameter::Parameter::R5($param) => $body,
            $crate::parameter::Parameter::R6($param) => $body,
            $crate::parameter::Parameter::R7($param) => $body,
            $crate::parameter::Parameter::R8($param) => $body,
        }
    };
}
pub(crate) use on_parameter;

impl Parameter {
    /// `id` is unique among the parameters of its module, and the same for the same graph, so that
    /// the state of an optimizer finds it again.
    pub(crate) fn new(id: u64, value: Floats) -> Self {
        fn param<const D: usize>(id: u64, tensor: Tensor<D>) -> Param<Tensor<D>> {
            let mut param = Param::from_tensor(tensor.autodiff());
            param.id = ParamId::from(id);
            param
        }
        match value {
            Floats::R1(tensor) => Parameter::R1(param(id, tensor)),
            Floats::R2(tensor) => Parameter::R2(param(id, tensor)),
            Floats::R3(tensor) => Parameter::R3(param(id, tensor)),
            Floats::R4(tensor) => Parameter::R4(param(id, tensor)),
            Floats::R5(tensor) => Parameter::R5(param(id, tensor)),
            Floats::R6(tensor) => Parameter::R6(param(id, tensor)),
            Floats::R7(tensor) => Parameter::R7(param(id, tensor)),
            Floats::R8(tensor) => Parameter::R8(param(id, tensor)),
        }
    }

    /// Its identity among the parameters of its module.
    pub fn id(&self) -> ParamId {
        on_parameter!(self, param => param.id)
    }

    /// Its gradient, if one reached it.
    pub fn gradient(&self, gradients: &GradientsParams) -> Option<Floats> {
        Some(match self {
            Parameter::R1(param) => gradients.get::<1>(param.id)?.into(),
            Parameter::R2(param) => gradients.get::<2>(param.id)?.into(),
            Parameter::R3(param) => gradients.get::<3>(param.id)?.into(),
            Parameter::R4(param) => gradients.get::<4>(param.id)?.into(),
            Parameter::R5(param) => gradients.get::<5>(param.id)?.into(),
            Parameter::R6(param) => gradients.get::<6>(param.id)?.into(),
            Parameter::R7(param) => gradients.get::<7>(param.id)?.into(),
            Parameter::R8(param) => gradients.get::<8>(param.id)?.into(),
        })
    }

    pub(crate) fn value(&self) -> Floats {
        on_parameter!(self, param => param.val().into())
    }
}
