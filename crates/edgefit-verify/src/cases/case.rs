//! Inputs of one kind.

use edgefit_engine::Array;
use edgefit_graph::Graph;

use super::images::Images;
use crate::input_kind::InputKind;
use crate::samples::{at_once, count, some_samples};

/// Inputs of one kind.
pub struct Case {
    /// The kind.
    pub kind: InputKind,
    /// Where the inputs come from.
    pub source: Source,
    /// The class of each sample, where they are known.
    pub labels: Option<Vec<usize>>,
}

/// Where inputs come from.
pub enum Source {
    /// An array for each input of the model.
    Arrays(Vec<Array>),
    /// Images, read batch by batch.
    Images(Images),
}

impl Case {
    /// The same with the first `samples` only, if it is one of arrays that have more.
    #[must_use]
    pub fn first(mut self, samples: Option<usize>, graph: &Graph) -> Self {
        if let (Source::Arrays(arrays), Some(samples)) = (&mut self.source, samples) {
            *arrays = some_samples(arrays, 0..samples.min(count(arrays)), graph);
            let left = count(arrays);
            self.labels
                .iter_mut()
                .for_each(|labels| labels.truncate(left));
        }
        self
    }

    /// Shapes of its arrays for `samples` at most; none where it is one of images.
    pub fn shapes(&self, samples: usize, graph: &Graph) -> Vec<Vec<usize>> {
        match &self.source {
            Source::Arrays(arrays) => {
                let few = some_samples(arrays, 0..samples.min(count(arrays)), graph);
                few.into_iter().map(|array| array.dims).collect()
            }
            Source::Images(_) => Vec::new(),
        }
    }

    /// How many batches it goes through the engines in: one of noise, which has the shape that was asked for.
    pub(crate) fn batches(&self, graph: &Graph) -> usize {
        match &self.source {
            Source::Arrays(arrays) if self.kind.is_data() => {
                count(arrays).div_ceil(at_once(arrays, graph))
            }
            Source::Arrays(_) => 1,
            Source::Images(images) => images.batches(),
        }
    }

    /// The inputs of one batch, and which samples are in it. Images that cannot be read are told to
    /// `warn` and left out.
    pub(crate) fn batch(
        &self,
        index: usize,
        graph: &Graph,
        warn: &mut dyn FnMut(&str),
    ) -> (Vec<Array>, Vec<usize>) {
        match &self.source {
            Source::Arrays(arrays) => {
                let all = count(arrays);
                if self.batches(graph) <= 1 {
                    return (arrays.clone(), (0..all).collect());
                }
                let size = at_once(arrays, graph);
                let samples = index * size..all.min((index + 1) * size);
                let rows = arrays.iter().map(|array| array.rows(samples.clone()));
                (rows.collect(), samples.collect())
            }
            Source::Images(images) => {
                let (array, read) = images.batch(index, warn);
                (vec![array], read)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use edgefit_graph::{Dim, ValueInfo};

    use super::*;

    fn case(kind: InputKind, dims: &[usize]) -> Case {
        let size: usize = dims.iter().product();
        Case {
            kind,
            source: Source::Arrays(vec![Array {
                dims: dims.to_vec(),
                values: (0..size).map(|at| at as f32).collect(),
            }]),
            labels: None,
        }
    }

    #[test]
    fn arrays_of_a_file_are_cut_into_batches() {
        let batches = |case: &Case, first| {
            let mut graph = Graph::new("g", 17);
            let dims = vec![first, Dim::Known(2)];
            graph.inputs.push(ValueInfo::f32("x", dims));
            let sizes = (0..case.batches(&graph)).map(|at| {
                let (arrays, samples) = case.batch(at, &graph, &mut |_| ());
                assert_eq!(arrays[0].dims, [samples.len(), 2]);
                assert_eq!(arrays[0].values[0], 2.0 * samples[0] as f32);
                samples.len()
            });
            sizes.collect::<Vec<usize>>()
        };
        let given = case(InputKind::Given, &[35, 2]);
        assert_eq!(batches(&given, Dim::Symbol("n".into())), [16, 16, 3]);
        assert_eq!(batches(&given, Dim::Known(5)), [20, 15]);
        assert_eq!(batches(&given, Dim::Known(35)), [35]);
        let noise = case(InputKind::Random, &[35, 2]);
        assert_eq!(batches(&noise, Dim::Symbol("n".into())), [35]);
    }

    #[test]
    fn a_number_alone_is_one_sample() {
        let graph = Graph::new("g", 17);
        for kind in [InputKind::Given, InputKind::Random] {
            let case = case(kind, &[]).first(Some(8), &graph);
            assert_eq!(case.batches(&graph), 1);
            let (arrays, samples) = case.batch(0, &graph, &mut |_| ());
            assert_eq!((arrays[0].values.len(), samples), (1, vec![0]));
        }
    }
}
