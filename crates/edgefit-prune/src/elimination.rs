//! [`Elimination`]: channels that a layer reads go one after the other, and its weight makes up for each.
//!
//! If channel r goes, the least squares that are left are |w_r|² / (C⁻¹)_rr, where C is the covariance of what
//! is still read, and w what the weight has become by then: the optimal brain surgeon (Hassibi & Stork 1992)
//! with a column in the place of an element, as in OBSPA (arXiv 2403.18955).

use edgefit_base::cholesky::Cholesky;

use crate::covariance::{Center, Covariance, multiply};
use crate::weight::Weight;

/// A layer that loses channels. Of very many channels only the variances are known, and none takes over for
/// another.
pub(crate) struct Elimination {
    size: usize,
    /// Distance of neighbours on the diagonal: 1 where there is nothing else.
    step: usize,
    /// Row and column of each channel; those that are gone lie at the end.
    places: Vec<usize>,
    /// The channel of each row.
    channels: Vec<usize>,
    left: usize,
    /// Inverse of the covariance of what is left.
    inverse: Vec<f64>,
    /// Inner products of the columns of the weight.
    products: Vec<f64>,
    /// Sum of squares of what the layer makes.
    energy: f64,
}

impl Elimination {
    /// Of a layer with `weight` whose inputs vary as `inputs` says.
    pub fn of(weight: &Weight, groups: usize, inputs: &Covariance, center: Center) -> Self {
        let size = weight.width() * groups;
        let variance = |at: usize| inputs.at(at, at, center);
        let added = inputs.ridge(0..size, center);
        let raised =
            |i: usize, j: usize| inputs.at(i, j, center) + if i == j { added } else { 0.0 };
        let (step, products, inverse, energy) = if inputs.is_whole() {
            let products = products(weight, groups);
            let pairs = (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
            let energy = pairs.map(|(i, j)| products[i * size + j] * inputs.at(i, j, center));
            let energy = energy.sum::<f64>();
            let inverse = Cholesky::of(size, raised).inverse();
            (size + 1, products, inverse, energy)
        } else {
            let products = squares(weight, groups);
            let energy = (0..size).map(|at| products[at] * variance(at)).sum();
            let inverse = (0..size).map(|at| 1.0 / raised(at, at)).collect();
            (1, products, inverse, energy)
        };
        Elimination {
            size,
            step,
            places: (0..size).collect(),
            channels: (0..size).collect(),
            left: size,
            inverse,
            products,
            energy,
        }
    }

    /// The same for some of the channels, of which alone some will go: they are `channels` by their numbers.
    pub fn part(&self, channels: &[usize]) -> Self {
        let size = channels.len();
        let of = |matrix: &[f64]| -> Vec<f64> {
            if self.step == 1 {
                return channels.iter().map(|&at| matrix[at]).collect();
            }
            let rows = channels
                .iter()
                .map(|&at| &matrix[at * self.size..][..self.size]);
            rows.flat_map(|row| channels.iter().map(|&at| row[at]))
                .collect()
        };
        Elimination {
            size,
            step: if self.step == 1 { 1 } else { size + 1 },
            places: (0..size).collect(),
            channels: (0..size).collect(),
            left: size,
            inverse: of(&self.inverse),
            products: of(&self.products),
            energy: self.energy,
        }
    }

    /// What is lost if `channel` goes, as a share of all that the layer makes.
    pub fn loss(&self, channel: usize) -> f64 {
        let at = self.places[channel] * self.step;
        let lost = self.products[at] / self.inverse[at].max(f64::MIN_POSITIVE);
        if self.energy > 0.0 {
            lost.max(0.0) / self.energy
        } else {
            0.0
        }
    }

    /// Removes `channel`; the others take over what they can.
    pub fn remove(&mut self, channel: usize) {
        if self.step == 1 {
            return;
        }
        let size = self.size;
        let last = self.left - 1;
        self.swap(self.places[channel], last);
        let pivot = self.inverse[last * (size + 1)];
        let own = self.products[last * (size + 1)];
        let factors: Vec<f64> = self.inverse[last * size..][..last]
            .iter()
            .map(|value| value / pivot)
            .collect();
        let column = self.products[last * size..][..last].to_vec();
        let inverse = self.inverse[..last * size].chunks_exact_mut(size);
        let products = self.products[..last * size].chunks_exact_mut(size);
        for (at, (inverse, products)) in inverse.zip(products).enumerate() {
            let factor = factors[at];
            let (whole, shared) = (factor * pivot, column[at]);
            let rows = inverse.iter_mut().zip(products).zip(&factors).zip(&column);
            for (((inverse, product), other), column) in rows {
                *inverse -= whole * other;
                *product -= shared * other + factor * (column - own * other);
            }
        }
        self.left = last;
    }

    fn swap(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        let size = self.size;
        for matrix in [&mut self.inverse, &mut self.products] {
            for at in 0..size {
                matrix.swap(a * size + at, b * size + at);
            }
            for at in 0..size {
                matrix.swap(at * size + a, at * size + b);
            }
        }
        self.channels.swap(a, b);
        self.places[self.channels[a]] = a;
        self.places[self.channels[b]] = b;
    }
}

/// Squares of the columns of `weight`.
fn squares(weight: &Weight, groups: usize) -> Vec<f64> {
    let mut squares = vec![0.0; weight.width() * groups];
    for (group, squares) in squares.chunks_exact_mut(weight.width().max(1)).enumerate() {
        for made in weight.made_by(group) {
            for (read, square) in squares.iter_mut().enumerate() {
                for tap in 0..weight.taps {
                    *square += f64::from(weight.values[weight.at(made, read, tap)]).powi(2);
                }
            }
        }
    }
    squares
}

/// Inner products of the columns of `weight`: of all that each channel that is read adds to.
fn products(weight: &Weight, groups: usize) -> Vec<f64> {
    let width = weight.width();
    let size = width * groups;
    let mut products = vec![0.0; size * size];
    for group in 0..groups {
        let mut rows = Vec::with_capacity(weight.values.len() / groups);
        for made in weight.made_by(group) {
            for tap in 0..weight.taps {
                rows.extend((0..width).map(|read| weight.values[weight.at(made, read, tap)]));
            }
        }
        let mut own = vec![0f32; width * width];
        let count = rows.len() / width.max(1);
        multiply(&mut own, [&rows, &rows], [count, width, width]);
        let start = group * width;
        for (at, row) in own.chunks_exact(width.max(1)).enumerate() {
            let whole = &mut products[(start + at) * size + start..][..width];
            for (product, own) in whole.iter_mut().zip(row) {
                *product = f64::from(*own);
            }
        }
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Channels;
    use crate::layer::{Grouping, Layer};
    use edgefit_graph::{Graph, Node, Tensor};

    /// A layer that reads three channels, the third the sum of the others.
    fn elimination() -> Elimination {
        let mut graph = Graph::new("g", 17);
        let weight = Tensor::from_values(vec![3, 1], &[1f32, 1.0, 0.5]);
        graph.initializers.insert("w".into(), weight);
        graph.nodes = vec![Node::new("MatMul", "m", &["x", "w"], &["y"])];
        let layer = Layer {
            node: 0,
            input: 0,
            axis: 1,
            weight: 1,
            weight_axes: [0, 1],
            inputs: 3,
            outputs: 1,
            read: None,
            made: Channels::default().make(1, None),
            groups: 1,
            grouping: Grouping::One,
            macs: 3,
        };
        let mut inputs = Covariance::new([3, 3]);
        let rows = [
            1f32, 0.0, 1.0, -1.0, 0.0, -1.0, 0.0, 1.0, 1.0, 0.0, -1.0, -1.0,
        ];
        // Often enough for as many channels.
        for _ in 0..100 {
            inputs.add(&rows, &rows);
        }
        let weight = Weight::of(&graph, &layer).unwrap();
        Elimination::of(&weight, 1, &inputs, Center::Mean)
    }

    #[test]
    fn what_others_make_up_for_costs_nothing_and_the_next_costs_all() {
        let mut elimination = elimination();
        for channel in 0..3 {
            assert!(elimination.loss(channel) < 1e-2);
        }
        let mut part = elimination.part(&[0, 2]);
        assert_eq!(part.loss(1), elimination.loss(2));
        part.remove(1);
        elimination.remove(2);
        assert!((part.loss(0) - elimination.loss(0)).abs() < 1e-2);
        // y = 1.5 a + 1.5 b of two channels that have nothing in common.
        for channel in 0..2 {
            assert!((elimination.loss(channel) - 0.5).abs() < 1e-2);
        }
        elimination.remove(0);
        assert!((elimination.loss(1) - 0.5).abs() < 1e-2);
    }
}
