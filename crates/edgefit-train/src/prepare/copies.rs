//! Images that are in a dataset more than once, byte for byte.

use std::collections::HashMap;

use edgefit_data::{Content, Dataset, Sample, Split};

use crate::observer::Observer;
use crate::prepare::contents::ContentHash;

/// Images that are in a dataset more than once, byte for byte.
pub(crate) struct Copies {
    /// For each sample the first that is the same, and of the same split where the user has split.
    pub originals: Vec<usize>,
    /// Samples that are the same as one of another class, each with that.
    contradictions: Vec<(usize, usize)>,
}

impl Copies {
    /// Finds those among the samples, whose contents are hashed. Arrays are left alone: that two
    /// measurements give the same numbers is no mistake.
    pub fn among(samples: &[Sample], contents: &[Option<ContentHash>]) -> Self {
        let mut first: HashMap<(ContentHash, Option<Split>), usize> = HashMap::new();
        let mut alike: HashMap<ContentHash, Vec<usize>> = HashMap::new();
        let mut originals: Vec<usize> = (0..samples.len()).collect();
        for (at, (sample, content)) in samples.iter().zip(contents).enumerate() {
            if let (Content::Image(_), Some(content)) = (&sample.content, content) {
                originals[at] = *first.entry((*content, sample.split)).or_insert(at);
                alike.entry(*content).or_default().push(at);
            }
        }
        let mut contradictions = Vec::new();
        for alike in alike.values() {
            for &at in alike {
                let other = alike
                    .iter()
                    .find(|&&other| samples[other].class != samples[at].class);
                contradictions.extend(other.map(|&other| (at, other)));
            }
        }
        Copies {
            originals,
            contradictions,
        }
    }

    /// Leaves out what stands in two classes, of which one at most is right.
    pub fn leave_out_contradictions<T>(
        &self,
        dataset: &Dataset,
        entries: &mut [Result<T, String>],
    ) {
        for &(at, other) in &self.contradictions {
            if entries[at].is_ok() {
                entries[at] = Err(format!(
                    "is the same picture as {}, byte for byte, and stands in another class; keep the \
                     one in the right class",
                    dataset.samples[other].relative
                ));
            }
        }
    }

    /// Says how many copies there are within classes.
    pub fn warn(&self, dataset: &Dataset, observer: &mut dyn Observer) {
        let copies = self.originals.iter().enumerate();
        let mut copies = copies.filter(|(at, original)| {
            at != *original && dataset.samples[*at].class == dataset.samples[**original].class
        });
        if let Some((at, &original)) = copies.next() {
            let name = |at: usize| &dataset.samples[at].relative;
            observer.warn(&format!(
                "{} of the images are copies of others, byte for byte, such as {} of {}; a picture and \
                 its copies are kept in one split",
                1 + copies.count(),
                name(at),
                name(original)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(class: usize, split: Option<Split>) -> Sample {
        Sample {
            content: Content::Image("a.png".into()),
            relative: String::new(),
            class,
            targets: Vec::new(),
            split,
            group: None,
        }
    }

    #[test]
    fn copies_have_an_original_and_those_of_other_classes_contradict() {
        let samples = [0, 0, 1, 1].map(|class| sample(class, None));
        let contents = [7, 7, 8, 7].map(|byte| Some([byte; 32]));
        let copies = Copies::among(&samples, &contents);
        assert_eq!(copies.originals, [0, 0, 2, 0]);
        let mut contradictions = copies.contradictions;
        contradictions.sort_unstable();
        assert_eq!(contradictions, [(0, 3), (1, 3), (3, 0)]);
    }

    #[test]
    fn what_the_user_has_split_stays_split_and_arrays_are_left_alone() {
        let splits = [Split::Train, Split::Test].map(Some);
        let samples = splits.map(|split| sample(0, split));
        let same = [Some([7; 32]); 2];
        assert_eq!(Copies::among(&samples, &same).originals, [0, 1]);
        let mut rows = [0, 1].map(|class| sample(class, None));
        for row in &mut rows {
            row.content = Content::Values(vec![1.0]);
        }
        let copies = Copies::among(&rows, &same);
        assert_eq!(copies.originals, [0, 1]);
        assert!(copies.contradictions.is_empty());
    }
}
