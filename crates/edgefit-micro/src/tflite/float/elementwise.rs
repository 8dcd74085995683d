//! Functions of one and of two elements.

use edgefit_graph::ops::{Binary, Softmax, Unary};

use super::super::Refused;
use super::super::schema::{Activation, Builtin, Field, Options};
use super::super::tensor::Tensor;
use super::view::View;
use super::{At, Lowering};
use crate::program::places;

impl<'g> Lowering<'g> {
    pub(super) fn function(&mut self, at: At<'g>, function: Unary) -> Refused<()> {
        let view = self.view(at, 0)?;
        let plain = |code| Ok(Some((code, None)));
        let known: Refused<Option<(Builtin, Option<Options>)>> = match function {
            Unary::Relu => plain(Builtin::Relu),
            Unary::Clip { min: 0.0, max: 6.0 } => plain(Builtin::Relu6),
            Unary::Clip {
                min: 0.0,
                max: f64::INFINITY,
            } => plain(Builtin::Relu),
            Unary::Clip { .. } | Unary::HardSigmoid { .. } => Ok(None),
            Unary::Sigmoid => plain(Builtin::Logistic),
            Unary::Tanh => plain(Builtin::Tanh),
            Unary::HardSwish => Ok(Some((
                Builtin::HardSwish,
                Some(Options::new(Options::HARD_SWISH, &[])),
            ))),
            Unary::LeakyRelu { alpha } => Ok(Some((
                Builtin::LeakyRelu,
                Some(Options::new(Options::LEAKY_RELU, &[Field::Float(alpha)])),
            ))),
            Unary::Elu { alpha: 1.0 } => plain(Builtin::Elu),
            Unary::Exp => plain(Builtin::Exp),
            Unary::Neg => plain(Builtin::Neg),
            Unary::Abs => plain(Builtin::Abs),
            Unary::Sqrt => plain(Builtin::Sqrt),
            _ => Err("this function has no form in LiteRT here; write it in others".into()),
        };
        let made = match (known?, function) {
            (Some((code, options)), _) => {
                let made = self.like(at.node.label(), &view);
                self.model
                    .push((code, 1), &[view.tensor], made.tensor, options);
                made
            }
            (None, Unary::Clip { min, max }) => self.limited(at, &view, [min, max])?,
            (None, Unary::HardSigmoid { alpha, beta }) => {
                // relu6(6 (α x + β)) / 6
                let by = |factor: f32, what| (&[][..], vec![factor], what);
                let (dims, values, what) = by(6.0 * alpha, "slope");
                let sloped = self.with_constant(at, (&view, Binary::Mul), (dims, &values, what))?;
                let summand = self.beside(at, &sloped, (&[], &[6.0 * beta], "offset"))?;
                let risen = self.like(&at.own("risen"), &view);
                let options = [Field::Byte(Activation::Relu6 as i8)];
                self.model.push(
                    (Builtin::Add, 1),
                    &[sloped.tensor, summand],
                    risen.tensor,
                    Some(Options::new(Options::ADD, &options)),
                );
                self.with_constant(at, (&risen, Binary::Mul), (&[], &[1.0 / 6.0], "sixth"))?
            }
            _ => return Err("this function has no form in LiteRT here".into()),
        };
        self.known.insert(at.output, made);
        Ok(())
    }

    /// A new value of the shape of `view`.
    pub(super) fn like(&mut self, name: &str, view: &View) -> View {
        View {
            columns: view.columns.clone(),
            ..self.value(name, view.dims.clone(), view.order.clone())
        }
    }

    fn limited(&mut self, at: At<'g>, view: &View, [min, max]: [f64; 2]) -> Refused<View> {
        let mut made = view.clone();
        let bounds = [
            (Builtin::Maximum, min, "floor"),
            (Builtin::Minimum, max, "ceiling"),
        ];
        for (code, bound, what) in bounds {
            if bound.is_finite() {
                let bound = self.beside(at, &made, (&[], &[bound as f32], what))?;
                let limited = self.like(&at.own(&format!("{what}_kept")), view);
                self.model.push(
                    (code, 1),
                    &[made.tensor, bound],
                    limited.tensor,
                    Some(Options::new(Options::MAXIMUM_MINIMUM, &[])),
                );
                made = limited;
            }
        }
        Ok(made)
    }

    /// A constant in the form in which it meets `view`: `dims` of the model, from the last on.
    pub(super) fn beside(
        &mut self,
        at: At<'g>,
        view: &View,
        (dims, values, what): (&[usize], &[f32], &str),
    ) -> Refused<usize> {
        if values.len() == 1 {
            let scalar = Tensor::floats(at.own(what), &[1], values);
            return Ok(self.model.tensor(scalar));
        }
        let missing = view.dims.len().checked_sub(dims.len());
        let missing = missing.ok_or("a constant of it has more dimensions than its value")?;
        let dims = [vec![1; missing], dims.to_vec()].concat();
        if dims.iter().product::<usize>() != values.len() {
            return Err("a constant of it has another size than its shape".into());
        }
        let memory: Vec<usize> = view.order.iter().map(|&axis| dims[axis]).collect();
        let moved = places(&memory, &view.order);
        let moved: Vec<f32> = moved.iter().map(|&place| values[place]).collect();
        Ok(self
            .model
            .tensor(Tensor::floats(at.own(what), &memory, &moved)))
    }

    /// `view` with a constant, of no larger shape.
    pub(super) fn with_constant(
        &mut self,
        at: At<'g>,
        (view, function): (&View, Binary),
        constant: (&[usize], &[f32], &str),
    ) -> Refused<View> {
        let (code, table) = operator(function)?;
        let name = at.own(&format!("by_{}", constant.2));
        let operand = self.beside(at, view, constant)?;
        let made = self.like(&name, view);
        let options = Options::new(table, &[Field::Byte(Activation::None as i8)]);
        let inputs = [view.tensor, operand];
        self.model
            .push((code, 1), &inputs, made.tensor, Some(options));
        Ok(made)
    }

    /// A function of two values, one of which may be a constant.
    pub(super) fn both(&mut self, at: At<'g>, function: Binary) -> Refused<()> {
        let (code, table) = operator(function)?;
        let (_, last) = self.activation(at.output);
        let rank = self.dims(last)?.len();
        let mut operands = [None, None];
        for (input, operand) in operands.iter_mut().enumerate() {
            if self.constant(at, input)?.is_none() {
                *operand = Some(self.plain_view(at, input)?);
            }
        }
        let whole = operands
            .iter()
            .flatten()
            .find(|view| view.dims.len() == rank);
        let whole = whole
            .cloned()
            .ok_or("no operand of it has the shape of the result; reshape them")?;
        let mut tensors = Vec::new();
        for (input, operand) in operands.iter().enumerate() {
            tensors.push(match operand {
                Some(view) => {
                    let missing = rank - view.dims.len();
                    let dims = [vec![1; missing], view.dims.clone()].concat();
                    let own = view.order.iter().map(|axis| axis + missing);
                    let order = (0..missing).chain(own).collect();
                    let view = self.shaped(at.node.label(), view, (dims, order))?;
                    self.arranged(at.node.label(), &view, &whole.order)?.tensor
                }
                None => {
                    let (dims, values) = self
                        .constant(at, input)?
                        .ok_or("an operand of it is not known")?;
                    let what = format!("operand_{input}");
                    self.beside(at, &whole, (&dims, &values, &what))?
                }
            });
        }
        let options =
            |activation: Activation| Options::new(table, &[Field::Byte(activation as i8)]);
        self.finish(at, ((code, 1), &tensors), whole.order, options)
    }

    pub(super) fn softmax(&mut self, at: At<'g>, softmax: &Softmax) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        let axis = softmax.axis_index(view.dims.len())?;
        let mut order = view.order.clone();
        order.retain(|&other| other != axis);
        order.push(axis);
        let view = self.arranged(at.node.label(), &view, &order)?;
        let made = self.like(at.node.label(), &view);
        let options = Options::new(Options::SOFTMAX, &[Field::Float(1.0)]);
        self.model.push(
            (Builtin::Softmax, 1),
            &[view.tensor],
            made.tensor,
            Some(options),
        );
        self.known.insert(at.output, made);
        Ok(())
    }
}

/// The operator of a function, and the table of its options.
fn operator(function: Binary) -> Refused<(Builtin, u8)> {
    match function {
        Binary::Add => Ok((Builtin::Add, Options::ADD)),
        Binary::Sub => Ok((Builtin::Sub, Options::SUB)),
        Binary::Mul => Ok((Builtin::Mul, Options::MUL)),
        Binary::Div => Ok((Builtin::Div, Options::DIV)),
        _ => Err("this function has no form in LiteRT here; write it in others".into()),
    }
}
