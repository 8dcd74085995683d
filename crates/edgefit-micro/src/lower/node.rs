//! The ops of a graph, from when they are met to when the scale of their result is known.

use edgefit_graph::ops::{Binary, Op as Meaning, PadFill, ReduceKind, Unary};
use edgefit_graph::{DataType, Node};

use super::known::{Known, Pending};
use super::view::{View, addressable};
use super::weighted::{self, Constant, Weights, Written};
use super::{Lowering, elementwise, function, spatial};
use crate::program::{Quantization, Source};

impl<'g> Lowering<'g> {
    /// What `node` makes of its inputs, as far as it can be known without the scale of its result.
    pub(super) fn pending(
        &mut self,
        node: &'g Node,
        op: &'g Meaning,
        (from, output): (&'g str, &'g str),
    ) -> Result<Known<'g>, String> {
        let known = self.known.get(from).cloned();
        let mut pending = Pending {
            node,
            op,
            output,
            functions: Vec::new(),
        };
        match (op, known) {
            (Meaning::Unary(Unary::Identity) | Meaning::Dropout { .. }, Some(known)) => Ok(known),
            (Meaning::Unary(function), Some(Known::Floats(_) | Known::Constant(_))) => {
                pending.functions.push(*function);
                Ok(Known::Pending(pending))
            }
            (Meaning::Unary(function), Some(Known::Pending(mut before))) => {
                if self.topology.sole_consumer(from).is_none() {
                    return Err("its floats are read by others too, and are not quantised".into());
                }
                before.functions.push(*function);
                before.output = output;
                Ok(Known::Pending(before))
            }
            (
                Meaning::Reshape(_)
                | Meaning::Flatten(_)
                | Meaning::Squeeze(_)
                | Meaning::Unsqueeze(_)
                | Meaning::Transpose(_),
                Some(Known::Floats(view)),
            ) => self.renamed(&pending, view).map(Known::Floats),
            (_, Some(Known::Input)) => Err(
                "it computes on the model's floats, which are not quantised; put it into the preprocessing".into(),
            ),
            _ => match self.floats_before(node) {
                Some(before) => Err(floats_of(before)),
                None => Ok(Known::Pending(pending)),
            },
        }
    }

    /// A node in front of `node` whose result is not quantised.
    fn floats_before(&self, node: &Node) -> Option<&'g Node> {
        let mut inputs = node.present_inputs();
        inputs.find_map(|name| match self.known.get(name) {
            Some(Known::Pending(before)) => Some(before.node),
            _ => None,
        })
    }

    /// A view of the same bytes in another shape.
    fn renamed(&mut self, pending: &Pending, view: View) -> Result<View, String> {
        let dims = self.dims(pending.output)?;
        if let Meaning::Transpose(transpose) = pending.op {
            let permutation = transpose.permutation(view.dims.len())?;
            let place = |axis: &usize| permutation.iter().position(|from| from == axis);
            let order: Option<Vec<usize>> = view.order.iter().map(place).collect();
            return Ok(View {
                order: order.ok_or("its permutation is none")?,
                dims,
                ..view
            });
        }
        let in_order: Vec<usize> = (0..view.dims.len()).collect();
        let view = self
            .builder
            .arranged(pending.node.label(), &view, &in_order)?;
        Ok(View {
            order: (0..dims.len()).collect(),
            dims,
            ..view
        })
    }

    fn dims(&self, value: &str) -> Result<Vec<usize>, String> {
        let known = self.inference.get(value).map(|ty| ty.dims.clone());
        known.ok_or_else(|| "its shape is not known".into())
    }

    /// Input `index` of a node as bytes with one scale.
    fn view(&self, node: &Node, index: usize) -> Result<View, String> {
        let name = node.input(index).ok_or("an input is missing")?;
        match self.known.get(name) {
            Some(Known::Floats(view)) => Ok(view.clone()),
            Some(Known::Constant(constant)) => constant_view(constant),
            Some(Known::Pending(before)) => Err(floats_of(before.node)),
            _ => Err(format!(
                "its input '{name}' is not quantised; quantise it anew with edgefit quantize --scheme tflite --all-int8"
            )),
        }
    }

    /// Input `index` of a node as a constant, of integers or not.
    fn constant(&self, node: &Node, index: usize) -> Result<Option<Constant<'g>>, String> {
        let Some(name) = node.input(index) else {
            return Ok(None);
        };
        if let Some(Known::Constant(constant)) = self.known.get(name) {
            return Ok(Some(constant.clone()));
        }
        match self.graph.initializers.get(name) {
            Some(tensor) => Ok(Some(Constant {
                tensor,
                scaling: None,
            })),
            None => Err(format!(
                "its input '{name}' is computed; there are kernels for weights that are constants"
            )),
        }
    }

    fn weights(&self, node: &Node) -> Result<Weights<'g>, String> {
        let weight = self.constant(node, 1)?;
        Ok(Weights {
            weight: weight.ok_or("its weight is missing")?,
            bias: self.constant(node, 2)?,
        })
    }

    /// The value that `pending` writes with the quantisation `to`.
    pub(super) fn written(&mut self, pending: &Pending, to: Quantization) -> Result<View, String> {
        let Pending { node, op, .. } = pending;
        let label = node.label();
        let mut written = Written {
            dims: self.dims(pending.output)?,
            quantization: to,
            limits: [i8::MIN, i8::MAX],
        };
        addressable(written.dims.iter().product())?;
        if let Meaning::Unary(_) = op {
            let view = self.view(node, 0)?;
            return function::functions(&mut self.builder, label, &view, (&pending.functions, to));
        }
        let takes_limits = matches!(
            op,
            Meaning::Conv(_) | Meaning::Gemm(_) | Meaning::MatMul(_) | Meaning::Binary(_)
        );
        for function in &pending.functions {
            let limits = limits(*function).filter(|_| takes_limits);
            let limits = limits.ok_or(
                "a QuantizeLinear has to stand between it and what follows: Conv, Gemm, MatMul, Add and Mul alone take \
                 in a Relu or Clip",
            )?;
            written.limits = tightened(written.limits, limits, to);
        }
        let builder_view = self.view(node, 0)?;
        let view = &builder_view;
        match op {
            Meaning::Conv(conv) => {
                let weights = self.weights(node)?;
                let extents = conv.extents(&view.dims, weights.weight.tensor.dims())?;
                let parts = (conv.groups, extents.as_slice(), &weights);
                weighted::conv(&mut self.builder, label, view, parts, &written)
            }
            Meaning::Gemm(gemm) => {
                let parts = (Some(gemm), &self.weights(node)?);
                weighted::fully_connected(&mut self.builder, label, view, parts, &written)
            }
            Meaning::MatMul(_) => {
                let parts = (None, &self.weights(node)?);
                weighted::fully_connected(&mut self.builder, label, view, parts, &written)
            }
            Meaning::Binary(function @ (Binary::Add | Binary::Mul)) => {
                let other = self.view(node, 1)?;
                let both = [view, &other];
                elementwise::elementwise(&mut self.builder, label, *function, both, &written)
            }
            Meaning::Pool(pool) => {
                let extents = pool.extents(&view.dims)?;
                let parts = (pool, extents.as_slice());
                spatial::pool(&mut self.builder, label, view, parts, &written)
            }
            Meaning::Reduce(reduce) if reduce.kind == ReduceKind::Mean => {
                let axes = reduce.axes(view.dims.len())?;
                spatial::mean(&mut self.builder, label, view, &axes, &written)
            }
            Meaning::Pad(pad) => {
                let amounts = pad.amounts(view.dims.len())?;
                let whole = |(before, after)| {
                    Some((usize::try_from(before).ok()?, usize::try_from(after).ok()?))
                };
                let amounts: Option<Vec<_>> = amounts.into_iter().map(whole).collect();
                let amounts =
                    amounts.ok_or("it takes elements off; there is a kernel for adding them")?;
                let PadFill::Constant(value) = pad.fill else {
                    return Err("it repeats elements; there is a kernel for a constant".into());
                };
                let fill = view.quantization.quantize(value);
                let made = spatial::pad(&mut self.builder, label, view, (&amounts, fill))?;
                self.builder.requantized(label, &made, to)
            }
            Meaning::Concat(concat) => {
                let views: Result<Vec<View>, String> = (0..node.inputs.len())
                    .map(|index| self.view(node, index))
                    .collect();
                let axis = concat.axis(view.dims.len())?;
                spatial::concat(&mut self.builder, label, &views?, axis, &written)
            }
            Meaning::Resize(resize) => {
                if resize.filter() != edgefit_graph::ops::Filter::Nearest {
                    return Err(format!(
                        "it is {}; there is a kernel for the nearest element: export it with mode nearest",
                        resize.filter()
                    ));
                }
                let weights = resize.axis_weights(&view.dims)?;
                spatial::resize(&mut self.builder, label, view, &weights, &written)
            }
            Meaning::Softmax(softmax) if !softmax.log && !softmax.to_the_end => {
                let axis = softmax.axis_index(view.dims.len())?;
                function::softmax(&mut self.builder, label, view, (axis, to))
            }
            _ => Err(
                "there is no integer kernel for it; cut it off, or write it in ops that have one"
                    .into(),
            ),
        }
    }
}

/// Why what reads the floats of `before` has no integer form.
fn floats_of(before: &Node) -> String {
    format!(
        "it reads floats of {} that are not quantised; cut that off or write it in ops that have an integer form, or, \
         if it was kept float for the accuracy, quantise it anew with --all-int8",
        before.place()
    )
}

/// Smallest and largest value of a function that only limits.
fn limits(function: Unary) -> Option<[f64; 2]> {
    match function {
        Unary::Relu => Some([0.0, f64::INFINITY]),
        Unary::Clip { min, max } => Some([min, max]),
        _ => None,
    }
}

/// `limits` within the integers of `values`, as `CalculateActivationRangeQuantized` rounds them.
fn tightened([low, high]: [i8; 2], values: [f64; 2], to: Quantization) -> [i8; 2] {
    let [least, most] = values.map(|value| {
        let steps = (value / f64::from(to.scale)).round();
        (steps + f64::from(to.zero_point)) as i8
    });
    let low = low.max(least);
    [low, high.min(most).max(low)]
}

/// A constant with one scale as bytes.
fn constant_view(constant: &Constant) -> Result<View, String> {
    let scaling = constant.scaling.as_ref();
    let single =
        scaling.and_then(
            |scaling| match (&scaling.scales[..], &scaling.zero_points[..]) {
                (&[scale], &[zero_point]) if scale > 0.0 && scale.is_finite() => {
                    Some(Quantization {
                        scale,
                        zero_point: i8::try_from(zero_point).ok()?,
                    })
                }
                _ => None,
            },
        );
    let quantization = single.filter(|_| constant.tensor.dtype() == DataType::I8);
    let bytes = constant.tensor.bytes().iter().map(|&byte| byte as i8);
    Ok(View {
        source: Source::Constant(bytes.collect()),
        quantization: quantization.ok_or("its constant is not int8 with one scale")?,
        dims: constant.tensor.dims().to_vec(),
        order: (0..constant.tensor.dims().len()).collect(),
    })
}
