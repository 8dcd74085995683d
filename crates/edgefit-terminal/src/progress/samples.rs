//! [`CountedSamples`]: samples that show how many of them were read.

use std::cell::{Cell, RefCell};

use edgefit_engine::Array;
use edgefit_predict::{Result, Samples, count};

use super::{Shown, Spinner};

/// Samples whose reading is shown, pass by pass: what works on them keeps up with it.
pub struct CountedSamples<'a> {
    samples: &'a dyn Samples,
    total: usize,
    what: &'static str,
    shown: RefCell<&'a mut Shown>,
    passes: Cell<usize>,
}

impl Spinner {
    /// Shows in its place how many of the `total` samples were read for `what`.
    pub fn count<'a>(
        &'a mut self,
        what: &'static str,
        samples: &'a dyn Samples,
        total: usize,
    ) -> CountedSamples<'a> {
        // Before the first is read, something may take its time.
        self.0.begin(what, total as u64);
        CountedSamples {
            samples,
            total,
            what,
            shown: RefCell::new(&mut self.0),
            passes: Cell::new(0),
        }
    }
}

impl CountedSamples<'_> {
    /// Another pass, over the `total` of `samples`.
    fn pass<'s>(
        &'s self,
        samples: &'s dyn Samples,
        total: usize,
    ) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + 's> {
        self.passes.set(self.passes.get() + 1);
        let what = match self.passes.get() {
            1 => self.what.to_owned(),
            pass => format!("{}, pass {pass}", self.what),
        };
        self.shown.borrow_mut().begin(&what, total as u64);
        let batches = samples.batches();
        Box::new(batches.inspect(|batch| {
            let read = batch.as_deref().map_or(0, count);
            self.shown.borrow().advance(read as u64);
        }))
    }
}

impl Samples for CountedSamples<'_> {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        self.pass(self.samples, self.total)
    }

    fn some(&self, places: &[usize]) -> Result<Box<dyn Samples + '_>> {
        Ok(Box::new(CountedSome {
            all: self,
            samples: self.samples.some(places)?,
            total: places.len(),
        }))
    }
}

/// Some of the samples, whose passes are among those of all.
struct CountedSome<'s, 'a> {
    all: &'s CountedSamples<'a>,
    samples: Box<dyn Samples + 's>,
    total: usize,
}

impl Samples for CountedSome<'_, '_> {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        self.all.pass(self.samples.as_ref(), self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::spinner;

    #[test]
    fn passes_over_some_samples_are_counted_among_those_over_all() {
        let batch = vec![Array {
            dims: vec![3, 1],
            values: vec![0.0, 1.0, 2.0],
        }];
        let (samples, mut spinner) = ([batch], spinner("reading"));
        let counted = spinner.count("comparing", &samples, 3);
        assert_eq!(counted.batches().count(), 1);
        let some = counted.some(&[0, 2]).unwrap();
        for pass in [2, 3] {
            let read: Result<Vec<Vec<Array>>> = some.batches().collect();
            assert_eq!(read.unwrap()[0][0].values, [0.0, 2.0]);
            assert_eq!(counted.passes.get(), pass);
        }
    }
}
