//! Views of tensors: which dimension of the model lies where.

use super::super::Refused;
use super::super::schema::{Builtin, Options};
use super::super::tensor::{Scales, Tensor};
use super::super::words::int_words;
use super::{At, FloatPort, Lowering};

/// A tensor, and what its dimensions are.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub tensor: usize,
    /// Sizes in the model.
    pub dims: Vec<usize>,
    /// For each dimension in memory, which one of the model it is.
    pub order: Vec<usize>,
    /// Of an image with channels last that the model has made a row of: the place in the model of each element in
    /// memory.
    pub columns: Option<Vec<usize>>,
}

impl View {
    /// Sizes in memory.
    pub fn memory(&self) -> Vec<usize> {
        self.order.iter().map(|&axis| self.dims[axis]).collect()
    }

    pub fn port(&self) -> FloatPort {
        FloatPort {
            dims: self.memory(),
            order: self.order.clone(),
        }
    }

    /// The same bytes where dimension `at` of the model is what was dimension `permutation[at]`.
    pub fn transposed(&self, permutation: &[usize]) -> View {
        let place = |axis: usize| permutation.iter().position(|&from| from == axis);
        View {
            tensor: self.tensor,
            dims: permutation.iter().map(|&from| self.dims[from]).collect(),
            order: self
                .order
                .iter()
                .map(|&axis| place(axis).unwrap_or(axis))
                .collect(),
            columns: None,
        }
    }

    /// The dimensions that move something, as they lie in memory.
    fn moving(&self) -> Vec<usize> {
        let order = self.order.iter().copied();
        order.filter(|&axis| self.dims[axis] != 1).collect()
    }
}

impl<'g> Lowering<'g> {
    /// Input `input` of a node.
    pub(super) fn view(&self, at: At<'g>, input: usize) -> Refused<View> {
        let name = at.node.input(input).ok_or("an input is missing")?;
        let view = self.known.get(name).cloned();
        view.ok_or_else(|| format!("input {input} is no value that depends on the model's input"))
    }

    /// The same, of which the order of elements is that of the model.
    pub(super) fn plain_view(&self, at: At<'g>, input: usize) -> Refused<View> {
        let view = self.view(at, input)?;
        if view.columns.is_some() {
            return Err(
                "it reads an image that was made a row; only a Gemm or MatMul takes its columns in \
                 another order: flatten behind a GlobalAveragePool"
                    .into(),
            );
        }
        Ok(view)
    }

    /// `view` with its dimensions in `order`.
    pub(super) fn arranged(&mut self, name: &str, view: &View, order: &[usize]) -> Refused<View> {
        if view.order == order {
            return Ok(view.clone());
        }
        let wanted = View {
            order: order.to_vec(),
            ..view.clone()
        };
        if view.moving() == wanted.moving() {
            return self.shaped(name, view, (view.dims.clone(), order.to_vec()));
        }
        let place = |axis: &usize| view.order.iter().position(|from| from == axis);
        let permutation: Option<Vec<usize>> = order.iter().map(place).collect();
        let permutation = permutation.ok_or("its dimensions are not those that are wanted")?;
        let words = int_words(&permutation)?;
        let dims = [permutation.len()];
        let words = Tensor::words(format!("{name}_permutation"), &dims, &words, Scales::None);
        let words = self.model.tensor(words);
        let made = self.value(
            &format!("{name}_transposed"),
            view.dims.clone(),
            order.to_vec(),
        );
        let options = Options::new(Options::TRANSPOSE, &[]);
        let inputs = [view.tensor, words];
        self.model
            .push((Builtin::Transpose, 1), &inputs, made.tensor, Some(options));
        Ok(made)
    }

    /// The same elements with other dimensions.
    pub(super) fn shaped(
        &mut self,
        name: &str,
        view: &View,
        (dims, order): (Vec<usize>, Vec<usize>),
    ) -> Refused<View> {
        let made = View {
            dims,
            order,
            ..view.clone()
        };
        let memory = made.memory();
        if memory == view.memory() {
            return Ok(made);
        }
        let words = int_words(&memory)?;
        let shape = Tensor::words(
            format!("{name}_shape"),
            &[words.len()],
            &words,
            Scales::None,
        );
        let shape = self.model.tensor(shape);
        let shaped = self.value(&format!("{name}_shaped"), made.dims, made.order);
        self.model.push(
            (Builtin::Reshape, 1),
            &[view.tensor, shape],
            shaped.tensor,
            Some(Options::new(Options::RESHAPE, &[])),
        );
        Ok(View {
            columns: view.columns.clone(),
            ..shaped
        })
    }

    /// A Reshape, and what else only changes the shape.
    pub(super) fn reshaped(&mut self, at: At<'g>) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        let dims = self.dims(at.output)?;
        let name = at.node.label();
        let identity: Vec<usize> = (0..dims.len()).collect();
        let larger = |dims: &[usize]| -> Vec<usize> {
            (0..dims.len()).filter(|&axis| dims[axis] != 1).collect()
        };
        let (from, to) = (larger(&view.dims), larger(&dims));
        let moving = view.moving();
        let sizes = |axes: &[usize], of: &[usize]| -> Vec<usize> {
            axes.iter().map(|&axis| of[axis]).collect()
        };
        let made = if moving.is_sorted() {
            self.shaped(name, &view, (dims, identity))?
        } else if sizes(&from, &view.dims) == sizes(&to, &dims) {
            // Only dimensions of 1 come and go.
            let renamed = moving.iter().filter_map(|axis| {
                let place = from.iter().position(|other| other == axis)?;
                to.get(place).copied()
            });
            let ones = identity.iter().copied().filter(|axis| dims[*axis] == 1);
            let order = ones.chain(renamed).collect();
            self.shaped(name, &view, (dims, order))?
        } else if to.len() == 1 && self.is_read_by_rows(at.output) {
            let memory = view.memory();
            let columns = crate::program::places(&memory, &view.order);
            let mut row = self.shaped(name, &view, (dims, identity))?;
            row.columns = Some(columns);
            row
        } else {
            let plain: Vec<usize> = (0..view.dims.len()).collect();
            let view = self.arranged(name, &view, &plain)?;
            self.shaped(name, &view, (dims, identity))?
        };
        self.known.insert(at.output, made);
        Ok(())
    }

    /// Whether all that reads a value are matrices, which can have their columns in another order.
    fn is_read_by_rows(&self, name: &str) -> bool {
        let readers = self.topology.consumers(name);
        let is_matrix = |&reader: &usize| {
            let node = &self.graph.nodes[reader];
            let weight = node.input(1);
            matches!(node.op.as_str(), "Gemm" | "MatMul")
                && node.input(0) == Some(name)
                && weight.is_some_and(|name| self.graph.initializers.contains_key(name))
        };
        !self.topology.is_output(name) && !readers.is_empty() && readers.iter().all(is_matrix)
    }
}
