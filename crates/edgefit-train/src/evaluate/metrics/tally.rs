//! Counts of a confusion matrix.

use crate::evaluate::metrics::class_figures::ClassFigures;

/// What the confusion matrix adds up to, class by class.
pub(super) struct Tally {
    hits: Vec<usize>,
    truths: Vec<usize>,
    predicted: Vec<usize>,
}

impl Tally {
    /// Counts pairs of a true and a predicted class.
    pub fn of(pairs: impl Iterator<Item = (usize, usize)>, classes: usize) -> Self {
        let mut tally = Tally {
            hits: vec![0; classes],
            truths: vec![0; classes],
            predicted: vec![0; classes],
        };
        for (truth, prediction) in pairs {
            tally.truths[truth] += 1;
            tally.predicted[prediction] += 1;
            tally.hits[truth] += usize::from(truth == prediction);
        }
        tally
    }

    pub fn correct(&self) -> usize {
        self.hits.iter().sum()
    }

    pub fn accuracy(&self) -> f64 {
        share(self.correct(), self.truths.iter().sum())
    }

    pub fn balanced_accuracy(&self) -> f64 {
        self.mean(|figures| figures.recall)
    }

    pub fn macro_f1(&self) -> f64 {
        self.mean(|figures| figures.f1)
    }

    pub fn class(&self, class: usize) -> ClassFigures {
        let (hits, truths, predicted) =
            (self.hits[class], self.truths[class], self.predicted[class]);
        ClassFigures {
            samples: truths,
            precision: share(hits, predicted),
            recall: share(hits, truths),
            f1: share(2 * hits, truths + predicted),
        }
    }

    /// A class without samples says nothing about recall, and is left out.
    fn mean(&self, figure: impl Fn(ClassFigures) -> f64) -> f64 {
        let present = (0..self.truths.len()).filter(|&class| self.truths[class] > 0);
        let figures: Vec<f64> = present.map(|class| figure(self.class(class))).collect();
        figures.iter().sum::<f64>() / figures.len().max(1) as f64
    }
}

pub(super) fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
