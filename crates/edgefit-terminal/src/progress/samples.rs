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

impl Samples for CountedSamples<'_> {
    fn batches(&self) -> Box<dyn Iterator<Item = Result<Vec<Array>>> + '_> {
        self.passes.set(self.passes.get() + 1);
        let what = match self.passes.get() {
            1 => self.what.to_owned(),
            pass => format!("{}, pass {pass}", self.what),
        };
        self.shown.borrow_mut().begin(&what, self.total as u64);
        let batches = self.samples.batches();
        Box::new(batches.inspect(|batch| {
            let read = batch.as_deref().map_or(0, count);
            self.shown.borrow().advance(read as u64);
        }))
    }
}
