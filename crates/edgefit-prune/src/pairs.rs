//! [`Pairs`]: how the channels that are left vary together, and how alike their columns of the weight are.

use edgefit_linalg::product::{Matrix, Threads, add_product};

/// Channels that go before their rows and columns are taken out of the matrices: one product of matrices for all
/// of them reads the matrices once.
const TOGETHER: usize = 32;

/// Two symmetric matrices over the channels that are left. What each channel that goes does to them is done
/// later, for many at a time.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    /// The channel of each row.
    channels: Vec<usize>,
    /// The row of each channel.
    places: Vec<usize>,
    /// Inverse of the covariance of the channels.
    inverse: Vec<f64>,
    /// Inner products of the columns of the weight.
    products: Vec<f64>,
    /// Those that went since, with what they had to do with each row.
    gone: Vec<Gone>,
}

/// What a channel that goes takes out of the matrices.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    place: usize,
    /// Its element on the diagonal of the inverse.
    pub pivot: f64,
    /// Its row of the inverse, divided by the pivot.
    pub factors: Vec<f64>,
    /// Its row of the products.
    pub column: Vec<f64>,
    /// Its element on their diagonal.
    pub own: f64,
}

impl Pairs {
    /// Of the matrices over all channels, row by row.
    pub fn of(size: usize, inverse: Vec<f64>, products: Vec<f64>) -> Self {
        Pairs {
            channels: (0..size).collect(),
            places: (0..size).collect(),
            inverse,
            products,
            gone: Vec::new(),
        }
    }

    /// The same over some of the channels, which are `channels` by their numbers.
    pub fn part(&self, channels: &[usize]) -> Self {
        let places: Vec<usize> = channels.iter().map(|&at| self.places[at]).collect();
        let of = |matrix| self.at_places(matrix, &places);
        Pairs::of(channels.len(), of(&self.inverse), of(&self.products))
    }

    /// Takes `channel` out, and says what that does to each row, and which channel a row is.
    pub fn remove(&mut self, channel: usize) -> (&Gone, &[usize]) {
        if self.gone.len() == TOGETHER {
            self.catch_up();
        }
        let place = self.places[channel];
        let size = self.channels.len();
        let row = place * size..(place + 1) * size;
        let mut inverse = self.inverse[row.clone()].to_vec();
        let mut products = self.products[row].to_vec();
        for gone in &self.gone {
            let (factor, column) = (gone.factors[place], gone.column[place]);
            let rows = inverse.iter_mut().zip(&mut products);
            for ((inverse, product), (other, shared)) in
                rows.zip(gone.factors.iter().zip(&gone.column))
            {
                *inverse -= gone.pivot * factor * other;
                *product -= column * other + factor * (shared - gone.own * other);
            }
        }
        let (pivot, own) = (inverse[place], products[place]);
        for gone in self.gone.iter().map(|gone| gone.place).chain([place]) {
            inverse[gone] = 0.0;
            products[gone] = 0.0;
        }
        for value in &mut inverse {
            *value /= pivot;
        }
        self.gone.push(Gone {
            place,
            pivot,
            factors: inverse,
            column: products,
            own,
        });
        (&self.gone[self.gone.len() - 1], &self.channels)
    }

    /// Does to the matrices what those that went do, and leaves out their rows and columns.
    fn catch_up(&mut self) {
        let (count, size) = (self.gone.len(), self.channels.len());
        let factors = self.of_each(|_, factor, _| factor);
        let factors = Matrix::new(&factors, count, size);
        let less = self.of_each(|gone, factor, _| -gone.pivot * factor);
        // c · fᵀ + f · cᵀ - own · f · fᵀ in two halves that mirror each other.
        let half = self.of_each(|gone, factor, column| 0.5 * gone.own * factor - column);
        let less = Matrix::new(&less, count, size);
        let half = Matrix::new(&half, count, size);
        add_product(less.transposed(), factors, &mut self.inverse, Threads::All);
        add_product(half.transposed(), factors, &mut self.products, Threads::All);
        add_product(factors.transposed(), half, &mut self.products, Threads::All);

        let mut left: Vec<usize> = (0..size).collect();
        left.retain(|at| self.gone.iter().all(|gone| gone.place != *at));
        self.inverse = self.at_places(&self.inverse, &left);
        self.products = self.at_places(&self.products, &left);
        self.channels = left.iter().map(|&at| self.channels[at]).collect();
        for (place, &channel) in self.channels.iter().enumerate() {
            self.places[channel] = place;
        }
        self.gone.clear();
    }

    /// Of each channel that went a row, of its factors and its column.
    fn of_each(&self, make: impl Fn(&Gone, f64, f64) -> f64) -> Vec<f64> {
        let mut made = Vec::with_capacity(self.gone.len() * self.channels.len());
        for gone in &self.gone {
            let rows = gone.factors.iter().zip(&gone.column);
            made.extend(rows.map(|(&factor, &column)| make(gone, factor, column)));
        }
        made
    }

    /// The rows and columns at `places`.
    fn at_places(&self, matrix: &[f64], places: &[usize]) -> Vec<f64> {
        let size = self.channels.len();
        let rows = places.iter().map(|&row| &matrix[row * size..][..size]);
        rows.flat_map(|row| places.iter().map(|&at| row[at]))
            .collect()
    }
}
