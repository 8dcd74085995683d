//! Convolutions, matrix products and normalisation.

use edgefit_graph::ops::{Binary, Conv, Gemm};

use super::super::Refused;
use super::super::schema::{Activation, Builtin, Field, Options};
use super::super::tensor::Tensor;
use super::super::words::int_words;
use super::{At, Lowering};
use crate::lower::{channels_last, image, window};
use crate::program::places;

impl<'g> Lowering<'g> {
    pub(super) fn conv(&mut self, at: At<'g>, conv: &Conv) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        if view.dims.len() != 4 {
            return Err(format!(
                "it convolves {} dimensions; there is a form for images: export it with two",
                view.dims.len().saturating_sub(2)
            ));
        }
        let (dims, weights) = self.constant(at, 1)?.ok_or("its weight is no constant")?;
        let extents = conv.extents(&view.dims, &dims)?;
        let window = window(&extents)?;
        let view = self.arranged(at.node.label(), &view, &channels_last(4))?;
        let input = image(&view.dims)?;
        let (_, last) = self.activation(at.output);
        let output = image(&self.dims(last)?)?;
        let tensor = self.windowed(at, view.tensor, (input, output, &window), 0.0)?;
        let is_depthwise = conv.groups == input.channels && dims[1] == 1 && conv.groups > 1;
        // (out, in, height, width) as (out, height, width, in), or as (1, height, width, out).
        let order = if is_depthwise {
            [1, 2, 3, 0]
        } else {
            [0, 2, 3, 1]
        };
        let memory: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
        let weights: Vec<f32> = places(&memory, &order)
            .iter()
            .map(|&place| weights[place])
            .collect();
        let weight = Tensor::floats(at.own("weight"), &memory, &weights);
        let bias = self.bias(at, 2, output.channels)?;
        let inputs = [tensor.tensor, self.model.tensor(weight), bias];
        let stride = int_words(&[window.stride[1], window.stride[0]])?;
        let dilation = int_words(&[window.dilation[1], window.dilation[0]])?;
        let copies = int_words(&[output.channels / input.channels.max(1)])?[0];
        let options = |activation: Activation| {
            let mut fields = vec![tensor.padding, Field::Int(stride[0]), Field::Int(stride[1])];
            if is_depthwise {
                fields.push(Field::Int(copies));
            }
            fields.extend([
                Field::Byte(activation as i8),
                Field::Int(dilation[0]),
                Field::Int(dilation[1]),
            ]);
            let table = if is_depthwise {
                Options::DEPTHWISE
            } else {
                Options::CONV
            };
            Options::new(table, &fields)
        };
        let code = match (is_depthwise, conv.groups) {
            (true, _) => (Builtin::DepthwiseConv2d, 2),
            (false, 1) => (Builtin::Conv2d, 2),
            (false, _) => (Builtin::Conv2d, 6),
        };
        self.finish(at, (code, &inputs), channels_last(4), options)
    }

    /// A Gemm, or a MatMul where there is none.
    pub(super) fn fully_connected(&mut self, at: At<'g>, gemm: Option<&Gemm>) -> Refused<()> {
        let view = self.view(at, 0)?;
        let (dims, weights) = self
            .constant(at, 1)?
            .ok_or("it multiplies two values; there is a form for a constant matrix")?;
        let [rows, columns] = dims[..] else {
            return Err("its matrix has other than two dimensions".into());
        };
        if gemm.is_some_and(|gemm| gemm.trans_a) {
            return Err("its first operand is transposed; export it as MatMul".into());
        }
        let transposed = gemm.is_some_and(|gemm| gemm.trans_b);
        let [inputs, outputs] = if transposed {
            [columns, rows]
        } else {
            [rows, columns]
        };
        let alpha = gemm.map_or(1.0, |gemm| gemm.alpha);
        let place = |output: usize, input: usize| {
            if transposed {
                output * inputs + input
            } else {
                input * outputs + output
            }
        };
        let column = |input: usize| {
            view.columns
                .as_ref()
                .map_or(input, |columns| columns[input])
        };
        let made: Vec<f32> = (0..outputs)
            .flat_map(|output| (0..inputs).map(move |input| (output, input)))
            .map(|(output, input)| alpha * weights[place(output, column(input))])
            .collect();
        let identity: Vec<usize> = (0..view.dims.len()).collect();
        let view = self.arranged(at.node.label(), &view, &identity)?;
        let weight = Tensor::floats(at.own("weight"), &[outputs, inputs], &made);
        let beta = gemm.map_or(1.0, |gemm| gemm.beta);
        let bias = match gemm {
            Some(_) => self.scaled_bias(at, outputs, beta)?,
            None => self.bias(at, 2, outputs)?,
        };
        let inputs = [view.tensor, self.model.tensor(weight), bias];
        let options = |activation: Activation| {
            let fields = [
                Field::Byte(activation as i8),
                Field::Byte(0),
                Field::Bool(true),
            ];
            Options::new(Options::FULLY_CONNECTED, &fields)
        };
        self.finish(
            at,
            ((Builtin::FullyConnected, 5), &inputs),
            identity,
            options,
        )
    }

    /// The bias at `input`, or zeros.
    fn bias(&mut self, at: At<'g>, input: usize, channels: usize) -> Refused<usize> {
        let values = match self.constant(at, input)? {
            Some((_, values)) => values,
            None if at.node.input(input).is_some() => return Err("its bias is no constant".into()),
            None => vec![0.0; channels],
        };
        let bias = Tensor::floats(at.own("bias"), &[values.len()], &values);
        Ok(self.model.tensor(bias))
    }

    /// The third operand of a Gemm, of one row.
    fn scaled_bias(&mut self, at: At<'g>, channels: usize, beta: f32) -> Refused<usize> {
        let values = match self.constant(at, 2)? {
            Some((_, values)) if values.len() == 1 => vec![beta * values[0]; channels],
            Some((_, values)) if values.len() == channels => {
                values.iter().map(|value| beta * value).collect()
            }
            Some(_) => return Err("what it adds has other than a row".into()),
            None if at.node.input(2).is_some() => return Err("what it adds is no constant".into()),
            None => vec![0.0; channels],
        };
        let bias = Tensor::floats(at.own("bias"), &[channels], &values);
        Ok(self.model.tensor(bias))
    }

    /// Normalisation that no convolution takes in: a factor and a summand for each channel.
    pub(super) fn normalized(&mut self, at: At<'g>, epsilon: f32) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        let of = |input: usize| -> Refused<Vec<f32>> {
            let constant = self.constant(at, input)?;
            Ok(constant.ok_or("its statistics are no constants")?.1)
        };
        let [scale, bias, mean, variance] = [of(1)?, of(2)?, of(3)?, of(4)?];
        let both = scale.iter().zip(&variance);
        let factors: Vec<f32> = both
            .map(|(scale, variance)| scale / (variance + epsilon).sqrt())
            .collect();
        let summands = bias.iter().zip(&mean).zip(&factors);
        let summands: Vec<f32> = summands
            .map(|((bias, mean), factor)| bias - mean * factor)
            .collect();
        let mut dims = vec![1; view.dims.len()];
        if let Some(channels) = dims.get_mut(1) {
            *channels = factors.len();
        }
        let scaled = self.with_constant(at, (&view, Binary::Mul), (&dims, &factors, "factor"))?;
        let summand = self.beside(at, &view, (&dims, &summands, "summand"))?;
        let options =
            |activation: Activation| Options::new(Options::ADD, &[Field::Byte(activation as i8)]);
        let inputs = [scaled.tensor, summand];
        self.finish(at, ((Builtin::Add, 1), &inputs), view.order, options)
    }

    /// The operator that makes the value of a node, with the function behind it.
    pub(super) fn finish(
        &mut self,
        at: At<'g>,
        (code, inputs): ((Builtin, i32), &[usize]),
        order: Vec<usize>,
        options: impl Fn(Activation) -> Options,
    ) -> Refused<()> {
        let (activation, last) = self.activation(at.output);
        let view = self.value(at.node.label(), self.dims(last)?, order);
        self.model
            .push(code, inputs, view.tensor, Some(options(activation)));
        self.known.insert(at.output, view.clone());
        self.known.insert(last, view);
        Ok(())
    }
}
