//! [`Op::infer`]: element types and shapes of the outputs of an op.

use super::elementwise::broadcast;
use super::gather::ScatterNd;
use super::matmul;
use super::normalization::BatchNormalization;
use super::op::Op;
use crate::tensor::DataType;
use crate::tensor_type::TensorType;

/// Element type and shape of a result, or why there is none.
type Inferred = Result<(DataType, Vec<usize>), String>;

impl Op {
    /// Types of `outputs` outputs for the given input types; an absent optional input is `None`.
    ///
    /// # Errors
    /// A sentence that says which shapes do not go together.
    pub fn infer(
        &self,
        inputs: &[Option<&TensorType>],
        outputs: usize,
    ) -> Result<Vec<TensorType>, String> {
        let input = |index: usize| -> Result<&TensorType, String> {
            inputs
                .get(index)
                .copied()
                .flatten()
                .ok_or_else(|| format!("input {index} is missing"))
        };
        let dims = |index: usize| input(index).map(|ty| ty.dims.as_slice());
        let all = || -> Result<Vec<&[usize]>, String> { (0..inputs.len()).map(dims).collect() };
        let same = |dims: Vec<usize>| -> Inferred { Ok((input(0)?.dtype, dims)) };
        let indices = |dims: Vec<usize>| -> Inferred { Ok((DataType::I64, dims)) };
        let one = match self {
            Op::Constant(tensor) => Ok((tensor.dtype(), tensor.dims().to_vec())),
            Op::ConstantOfShape(made) => Ok((made.value.dtype(), made.dims.clone())),
            Op::Range(range) => Ok((range.dtype, vec![range.count])),
            Op::Shape(shape) => indices(vec![shape.of(dims(0)?).len()]),
            Op::Size => indices(vec![]),
            Op::Cast(to) => Ok((*to, dims(0)?.to_vec())),
            Op::Conv(conv) => {
                let output = conv.infer(dims(0)?, dims(1)?)?;
                bias_fits(input(2).ok(), output[1])?;
                same(output)
            }
            Op::ConvTranspose(conv) => {
                let output = conv.infer(dims(0)?, dims(1)?)?;
                bias_fits(input(2).ok(), output[1])?;
                same(output)
            }
            Op::BatchNormalization(_) => {
                let statistics = [dims(1)?, dims(2)?, dims(3)?, dims(4)?];
                BatchNormalization::check(dims(0)?, statistics)?;
                let all = [input(0)?, input(3)?, input(4)?].map(Clone::clone);
                return Ok(all[..outputs.clamp(1, 3)].to_vec());
            }
            Op::LayerNormalization(norm) => {
                let weights: Vec<&[usize]> = (1..3).filter_map(|index| dims(index).ok()).collect();
                let reduced = norm.infer(dims(0)?, &weights)?;
                let x = input(0)?;
                let statistics = TensorType {
                    dtype: x.dtype,
                    dims: reduced,
                };
                return Ok(
                    [x.clone(), statistics.clone(), statistics][..outputs.clamp(1, 3)].to_vec(),
                );
            }
            Op::GroupNormalization(norm) => {
                norm.check(dims(0)?, [dims(1)?, dims(2)?])?;
                same(dims(0)?.to_vec())
            }
            Op::Gemm(gemm) => {
                let output = gemm.infer(dims(0)?, dims(1)?)?;
                if let Ok(c) = dims(2)
                    && broadcast(c, &output)? != output
                {
                    return Err(format!("C of shape {c:?} does not broadcast to {output:?}"));
                }
                same(output)
            }
            Op::MatMul(_) => same(matmul::infer(dims(0)?, dims(1)?)?),
            Op::Einsum(einsum) => same(einsum.infer(&all()?)?),
            Op::Binary(binary) => {
                let (a, b) = (input(0)?, input(1)?);
                binary.infer((&a.dims, a.dtype), (&b.dims, b.dtype))
            }
            Op::Variadic(_) => {
                let shapes = all()?;
                let first = shapes.first().ok_or("no operands")?.to_vec();
                same(
                    shapes
                        .into_iter()
                        .try_fold(first, |sum, dims| broadcast(&sum, dims))?,
                )
            }
            Op::Where => {
                let values = broadcast(dims(1)?, dims(2)?)?;
                Ok((input(1)?.dtype, broadcast(dims(0)?, &values)?))
            }
            Op::Pool(pool) => {
                let dims = pool.infer(dims(0)?)?;
                let values = TensorType {
                    dtype: input(0)?.dtype,
                    dims: dims.clone(),
                };
                let indices = TensorType {
                    dtype: DataType::I64,
                    dims,
                };
                return Ok([values, indices][..outputs.clamp(1, 2)].to_vec());
            }
            Op::Reduce(reduce) => same(reduce.infer(dims(0)?)?),
            Op::Concat(concat) => same(concat.infer(&all()?)?),
            Op::Split(split) => {
                let dtype = input(0)?.dtype;
                let pieces = split.infer(dims(0)?)?.into_iter();
                return Ok(pieces.map(|dims| TensorType { dtype, dims }).collect());
            }
            Op::Slice(slice) => same(slice.infer(dims(0)?)?),
            Op::Gather(gather) => same(gather.infer(dims(0)?, dims(1)?)?),
            Op::GatherNd(gather) => same(gather.infer(dims(0)?, dims(1)?)?),
            Op::ScatterNd(_) => {
                ScatterNd::check(dims(0)?, dims(1)?, dims(2)?)?;
                same(dims(0)?.to_vec())
            }
            Op::Flatten(flatten) => same(flatten.infer(dims(0)?)?),
            Op::Reshape(reshape) => same(reshape.infer(dims(0)?)?),
            Op::Squeeze(squeeze) => same(squeeze.infer(dims(0)?)?),
            Op::Unsqueeze(unsqueeze) => same(unsqueeze.infer(dims(0)?)?),
            Op::Transpose(transpose) => same(transpose.infer(dims(0)?)?),
            Op::BlockMove(block) => same(block.steps(dims(0)?)?.together.to_vec()),
            Op::Expand(expand) => same(expand.infer(dims(0)?)?),
            Op::Tile(tile) => same(tile.infer(dims(0)?)?),
            Op::Pad(pad) => same(pad.infer(dims(0)?)?),
            Op::Resize(resize) => same(resize.infer(dims(0)?)?),
            Op::ArgReduce(arg) => indices(arg.infer(dims(0)?)?),
            Op::TopK(top) => {
                let dims = top.infer(dims(0)?)?;
                let values = TensorType {
                    dtype: input(0)?.dtype,
                    dims: dims.clone(),
                };
                let dtype = DataType::I64;
                return Ok(vec![values, TensorType { dtype, dims }]);
            }
            Op::CumSum(sum) => {
                sum.axis(dims(0)?.len())?;
                same(dims(0)?.to_vec())
            }
            Op::Softmax(softmax) => {
                softmax.axis_index(dims(0)?.len())?;
                same(dims(0)?.to_vec())
            }
            Op::Quantize(quantize) => {
                quantize.scale_dims(dims(0)?, dims(1)?)?;
                zero_point_fits(dims(1)?, dims(2).ok())?;
                Ok((quantize.dtype, dims(0)?.to_vec()))
            }
            Op::Dequantize(quantize) => {
                quantize.scale_dims(dims(0)?, dims(1)?)?;
                zero_point_fits(dims(1)?, dims(2).ok())?;
                Ok((input(1)?.dtype, dims(0)?.to_vec()))
            }
            Op::Dropout { .. } => {
                let x = input(0)?;
                let mask = TensorType {
                    dtype: DataType::Bool,
                    dims: x.dims.clone(),
                };
                return Ok([x.clone(), mask][..outputs.clamp(1, 2)].to_vec());
            }
            Op::Unary(_) => same(dims(0)?.to_vec()),
        };
        let (dtype, dims) = one?;
        Ok(vec![TensorType { dtype, dims }])
    }
}

fn zero_point_fits(scale: &[usize], zero_point: Option<&[usize]>) -> Result<(), String> {
    let count = |dims: &[usize]| dims.iter().product::<usize>();
    match zero_point {
        Some(dims) if count(dims) != count(scale) => Err(format!(
            "a zero point of shape {dims:?} does not go with a scale of {scale:?}"
        )),
        _ => Ok(()),
    }
}

fn bias_fits(bias: Option<&TensorType>, channels: usize) -> Result<(), String> {
    match bias {
        Some(bias) if bias.dims != [channels] => Err(format!(
            "a bias of shape {:?} does not go with {channels} output channels",
            bias.dims
        )),
        _ => Ok(()),
    }
}
