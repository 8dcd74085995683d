//! Inputs of one kind.

use edgefit_engine::Array;
use edgefit_graph::Graph;

use super::images::Images;
use crate::input_kind::InputKind;
use crate::samples::{are_samples, at_once, count, some_samples};

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
    /// The same with the first `samples` only, if it is one of arrays that have more. `warn` is told where more are left:
    /// the model takes no fewer, or rows are no samples.
    #[must_use]
    pub fn first(
        mut self,
        samples: Option<usize>,
        graph: &Graph,
        warn: &mut dyn FnMut(&str),
    ) -> Self {
        if let (Source::Arrays(arrays), Some(samples)) = (&mut self.source, samples) {
            *arrays = some_samples(arrays, 0..samples.min(count(arrays)), graph);
            let left = count(arrays);
            if left > samples {
                let why = if are_samples(arrays, graph) {
                    format!("the model takes no fewer than {left} rows of these arrays")
                } else {
                    "rows of these arrays cannot be told to be samples".to_owned()
                };
                warn(&format!(
                    "--samples {samples} is not kept: {why}; leave it out, or save fewer"
                ));
            }
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
            Source::Arrays(arrays) => count(arrays).div_ceil(self.at_once(arrays, graph)).max(1),
            Source::Images(images) => images.batches(),
        }
    }

    fn at_once(&self, arrays: &[Array], graph: &Graph) -> usize {
        if self.kind.is_data() {
            at_once(arrays, graph, self.labels.is_some())
        } else {
            count(arrays).max(1)
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
                let (all, size) = (count(arrays), self.at_once(arrays, graph));
                if size >= all {
                    return (arrays.clone(), (0..all).collect());
                }
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
    use edgefit_graph::{Attribute, Dim, Node, ValueInfo};

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

    /// Of inputs and an output y that `node` makes of them.
    fn network(node: Node) -> Graph {
        let mut graph = Graph::new("g", 17);
        for name in &node.inputs {
            let dims = vec![Dim::Symbol("n".into()), Dim::Unknown];
            graph.inputs.push(ValueInfo::f32(name, dims));
        }
        graph.outputs.push(ValueInfo::f32("y", vec![]));
        graph.nodes.push(node);
        graph
    }

    #[test]
    fn rows_that_are_no_samples_stay_together() {
        let of = |shapes: &[&[usize]], labels| Case {
            kind: InputKind::Given,
            source: Source::Arrays(edgefit_engine::random_arrays(
                shapes.iter().map(|dims| dims.to_vec()),
                0,
            )),
            labels,
        };
        let rows = network(Node::new("Tanh", "tanh", &["x"], &["y"]));
        let turned = network(Node::new("Transpose", "turn", &["x"], &["y"]));
        let nodes = network(Node::new("MatMul", "mix", &["x", "z"], &["y"]));
        assert_eq!(of(&[&[35, 2]], None).batches(&rows), 3);
        assert_eq!(of(&[&[35, 2]], None).batches(&turned), 1);
        assert_eq!(of(&[&[35, 2]], Some(vec![0; 35])).batches(&turned), 1);
        let mut mean = network(Node::new("ReduceMean", "mean", &["x"], &["y"]));
        mean.nodes[0]
            .attributes
            .insert("axes".into(), Attribute::Ints(vec![0]));
        assert_eq!(of(&[&[35, 2]], None).batches(&mean), 1);
        assert_eq!(of(&[&[35, 2]], Some(vec![0; 35])).batches(&mean), 3);
        assert_eq!(of(&[&[35]], Some(vec![0; 35])).batches(&rows), 1);
        // A number for each sample beside samples of several.
        let scaled = network(Node::new("Mul", "scale", &["x", "z"], &["y"]));
        let lengths = of(&[&[35, 2, 35], &[35]], None);
        assert_eq!(lengths.shapes(8, &scaled), [vec![35, 2, 35], vec![35]]);
        let lengths = of(&[&[35, 2, 1], &[35]], None);
        assert_eq!(lengths.shapes(8, &scaled), [vec![8, 2, 1], vec![8]]);
        let adjacent = of(&[&[35, 35], &[35, 2]], Some(vec![0; 35]));
        assert_eq!(adjacent.batches(&nodes), 1);
        assert_eq!(adjacent.shapes(8, &nodes), [vec![35, 35], vec![35, 2]]);
        assert_eq!(of(&[&[35]], None).shapes(8, &rows), [[35]]);
    }

    #[test]
    fn it_is_said_where_fewer_samples_are_asked_for_than_the_model_takes() {
        let square = Node::new("MatMul", "only", &["x", "x"], &["y"]);
        let tanh = Node::new("Tanh", "only", &["x"], &["y"]);
        for (dims, node, left, words) in [
            (&[35, 2][..], tanh.clone(), 8, ""),
            (&[35, 35], square, 35, "takes no fewer than 35 rows"),
            (&[35], tanh, 35, "rows of these arrays cannot be told"),
        ] {
            let mut graph = Graph::new("g", 17);
            let declared = &[Dim::Symbol("n".into()), Dim::Unknown][..dims.len()];
            graph.inputs.push(ValueInfo::f32("x", declared.to_vec()));
            graph.nodes.push(node);
            let mut said = Vec::new();
            let mut warn = |words: &str| said.push(words.to_owned());
            let case = case(InputKind::Given, dims).first(Some(8), &graph, &mut warn);
            assert_eq!(case.shapes(35, &graph)[0][0], left);
            assert_eq!(said.len(), usize::from(left > 8));
            assert!(said.concat().contains(words), "{said:?}");
        }
    }

    #[test]
    fn a_number_alone_is_one_sample() {
        let graph = Graph::new("g", 17);
        for kind in [InputKind::Given, InputKind::Random] {
            let case = case(kind, &[]).first(Some(8), &graph, &mut |_| ());
            assert_eq!(case.batches(&graph), 1);
            let (arrays, samples) = case.batch(0, &graph, &mut |_| ());
            assert_eq!((arrays[0].values.len(), samples), (1, vec![0]));
        }
    }
}
