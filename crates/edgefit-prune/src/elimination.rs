//! [`Elimination`]: channels that a layer reads go one after the other, and its weight makes up for each.
//!
//! If channel r goes, the least squares that are left are |w_r|² / (C⁻¹)_rr, where C is the covariance of what
//! is still read, and w what the weight has become by then: the optimal brain surgeon (Hassibi & Stork 1992)
//! with a column in the place of an element, as in OBSPA (arXiv 2403.18955).

use edgefit_linalg::cholesky::Cholesky;
use edgefit_linalg::product::{Matrix, Threads, overwrite};

use crate::covariance::{Center, Covariance};
use crate::pairs::Pairs;
use crate::weight::Weight;

/// A layer that loses channels. Of very many channels only the variances are known, and none takes over for
/// another.
pub(crate) struct Elimination {
    /// Of each channel its element on the diagonal of the inverse covariance.
    inverses: Vec<f64>,
    /// Of each channel the square of its column of the weight.
    squares: Vec<f64>,
    /// How channels go together, where that is known.
    pairs: Option<Pairs>,
    /// Sum of squares of what the layer makes.
    energy: f64,
}

impl Elimination {
    /// Of a layer with `weight` whose inputs vary as `inputs` says.
    pub fn of(weight: &Weight, groups: usize, inputs: &Covariance, center: Center) -> Self {
        let size = weight.width() * groups;
        let added = inputs.ridge(0..size, center);
        let raised =
            |i: usize, j: usize| inputs.at(i, j, center) + if i == j { added } else { 0.0 };
        if !inputs.is_whole() {
            let squares = squares(weight, groups);
            let parts = squares.iter().enumerate();
            return Elimination {
                inverses: (0..size).map(|at| 1.0 / raised(at, at)).collect(),
                energy: parts
                    .map(|(at, square)| square * inputs.at(at, at, center))
                    .sum(),
                squares,
                pairs: None,
            };
        }
        let products = products(weight, groups);
        let inverse = Cholesky::of(size, raised).inverse();
        let diagonal = |matrix: &[f64]| matrix.iter().copied().step_by(size + 1).collect();
        let pairs = (0..size).flat_map(|i| (0..size).map(move |j| (i, j)));
        let energy = pairs.map(|(i, j)| products[i * size + j] * inputs.at(i, j, center));
        Elimination {
            inverses: diagonal(&inverse),
            squares: diagonal(&products),
            energy: energy.sum(),
            pairs: Some(Pairs::of(size, inverse, products)),
        }
    }

    /// The same for some of the channels, of which alone some will go: they are `channels` by their numbers.
    pub fn part(&self, channels: &[usize]) -> Self {
        let of = |values: &[f64]| channels.iter().map(|&at| values[at]).collect();
        Elimination {
            inverses: of(&self.inverses),
            squares: of(&self.squares),
            pairs: self.pairs.as_ref().map(|pairs| pairs.part(channels)),
            energy: self.energy,
        }
    }

    /// What is lost if `channel` goes, as a share of all that the layer makes.
    pub fn loss(&self, channel: usize) -> f64 {
        let lost = self.squares[channel] / self.inverses[channel].max(f64::MIN_POSITIVE);
        if self.energy > 0.0 {
            lost.max(0.0) / self.energy
        } else {
            0.0
        }
    }

    /// Removes `channel`; the others take over what they can.
    pub fn remove(&mut self, channel: usize) {
        let Some(pairs) = &mut self.pairs else {
            return;
        };
        let (gone, channels) = pairs.remove(channel);
        let rows = gone.factors.iter().zip(&gone.column);
        for (&channel, (factor, column)) in channels.iter().zip(rows) {
            self.inverses[channel] -= factor * factor * gone.pivot;
            self.squares[channel] -= factor * (2.0 * column - gone.own * factor);
        }
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
        if rows.is_empty() {
            continue;
        }
        let mut own = vec![0f32; width * width];
        let rows = Matrix::new(&rows, rows.len() / width, width);
        overwrite(rows.transposed(), rows, &mut own, Threads::All);
        let start = group * width;
        for (at, row) in own.chunks_exact(width).enumerate() {
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
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// A layer with this weight, row by row of the channels that it reads, of which it has seen `rows`.
    fn elimination(weight: &[f32], inputs: usize, rows: &[f32]) -> (Elimination, Covariance) {
        let outputs = weight.len() / inputs;
        let mut graph = Graph::new("g", 17);
        let weight = Tensor::from_values(vec![inputs, outputs], weight);
        graph.initializers.insert("w".into(), weight);
        graph.nodes = vec![Node::new("MatMul", "m", &["x", "w"], &["y"])];
        let layer = Layer {
            node: 0,
            input: 0,
            axis: 1,
            weight: 1,
            weight_axes: [0, 1],
            inputs,
            outputs,
            read: None,
            made: Channels::default().make(outputs, None),
            groups: 1,
            grouping: Grouping::One,
            macs: (inputs * outputs) as u64,
        };
        let mut covariance = Covariance::new([inputs; 2]);
        // Often enough for as many channels.
        for _ in 0..100 {
            covariance.add(rows, rows);
        }
        let weight = Weight::of(&graph, &layer).unwrap();
        let elimination = Elimination::of(&weight, 1, &covariance, Center::Mean);
        (elimination, covariance)
    }

    #[test]
    fn what_others_make_up_for_costs_nothing_and_the_next_costs_all() {
        // The third channel is the sum of the others.
        let rows = [
            1f32, 0.0, 1.0, -1.0, 0.0, -1.0, 0.0, 1.0, 1.0, 0.0, -1.0, -1.0,
        ];
        let (mut elimination, _) = elimination(&[1.0, 1.0, 0.5], 3, &rows);
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
    #[test]
    fn what_is_left_after_many_is_what_least_squares_make_of_it_at_once() {
        let (size, outputs, gone) = (75, 2, 40);
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut values = |count: usize| -> Vec<f32> {
            let each = (0..count).map(|_| random.random_range(-1.0..1.0));
            each.collect()
        };
        let (weight, rows) = (values(size * outputs), values(200 * size));
        let (mut elimination, covariance) = elimination(&weight, size, &rows);
        // In no order, as channels go.
        let order: Vec<usize> = (0..size).map(|at| at * 31 % size).collect();
        for &channel in &order[..gone] {
            elimination.remove(channel);
        }
        let left = &order[gone..];
        let ridge = covariance.ridge(0..size, Center::Mean);
        let at = |i: usize, j: usize| {
            covariance.at(i, j, Center::Mean) + if i == j { ridge } else { 0.0 }
        };
        let cholesky = Cholesky::of(left.len(), |i, j| at(left[i], left[j]));
        let inverse = cholesky.inverse();
        // Each output is a sum of all channels; the best that those that are left make of it.
        let mut made: Vec<f64> = (0..outputs)
            .flat_map(|output| {
                let weight = weight.iter().skip(output).step_by(outputs);
                let weight: Vec<f64> = weight.map(|&value| f64::from(value)).collect();
                let with = |&channel: &usize| -> f64 {
                    let each = weight.iter().enumerate();
                    each.map(|(other, value)| value * at(channel, other)).sum()
                };
                left.iter().map(with).collect::<Vec<_>>()
            })
            .collect();
        cholesky.solve(&mut made);
        for (place, &channel) in left.iter().enumerate() {
            let inverse = inverse[place * (left.len() + 1)];
            assert!((elimination.inverses[channel] / inverse - 1.0).abs() < 1e-6);
            let columns = made.chunks_exact(left.len());
            let square: f64 = columns.map(|row| row[place] * row[place]).sum();
            assert!((elimination.squares[channel] / square - 1.0).abs() < 1e-3);
        }
    }
}
