//! Mistakes that `edgefit train` cannot make, committed in a loop of one's own on real features.

use edgefit::burn::burn::tensor::Device;
use edgefit::burn::{EvalModule, Gradients, TrainModule, Value};
use edgefit::data::{Dataset, decode, prepare};
use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::rewrite::{Head, extract};
use edgefit::graph::{Graph, Preprocessing};
use edgefit::guards::{Finding, ef03_fresh_gradients};
use edgefit::train::prepare::targets::Targets;

use crate::common::{backbone, photographs};

/// Samples of a batch.
const SAMPLES: usize = 16;

/// The head of the backbone in training, and a batch of photographs in front of it.
struct Loop {
    module: TrainModule,
    features: Array,
    labels: Vec<usize>,
    classes: usize,
}

impl Loop {
    fn new() -> Self {
        let graph = Graph::load(backbone()).unwrap();
        let head = Head::of(&graph, None).unwrap();
        let preprocessing = Preprocessing::of(&graph).unwrap().unwrap();
        let dataset = Dataset::open(photographs()).unwrap();
        let step = dataset.samples.len() / SAMPLES;
        let some: Vec<_> = dataset.samples.iter().step_by(step).take(SAMPLES).collect();
        let images = some.iter().flat_map(|sample| {
            let image = decode(&std::fs::read(sample.place()).unwrap()).unwrap();
            prepare(&image, &preprocessing).unwrap()
        });
        let (height, width) = (preprocessing.height as usize, preprocessing.width as usize);
        let images = Array {
            dims: vec![SAMPLES, 3, height, width],
            values: images.collect(),
        };
        let front = extract(&graph, &graph.inputs, &head.features()).unwrap();
        let mut engine = load(EngineName::OnnxRuntime, &front, 2).unwrap();
        let module = EvalModule::from_graph(&head.extract(&graph).unwrap(), &Device::flex());
        Loop {
            features: engine.run(&[images]).unwrap().remove(0),
            labels: some.iter().map(|sample| sample.class).collect(),
            // The head still tells the classes of ImageNet, of which the first few are taken.
            classes: 1000,
            module: module.unwrap().into_train(|_| true),
        }
    }

    /// Of the summed loss of some samples.
    fn gradient(&mut self, samples: std::ops::Range<usize>) -> Gradients {
        let device = Device::flex();
        let width: usize = self.features.dims[1..].iter().product();
        let rows = &self.features.values[samples.start * width..samples.end * width];
        let dims = [&[samples.len()], &self.features.dims[1..]].concat();
        let input = Value::new(rows.to_vec(), &dims, &device).unwrap();
        let Some(Value::Floats(made)) =
            self.module.forward(vec![input]).unwrap().into_iter().next()
        else {
            panic!("the head makes floats");
        };
        let made = made.reshape(&[samples.len(), self.classes]).unwrap();
        let targets = Targets::of_classes(&self.labels[samples], &vec![1.0; self.classes]);
        let loss = targets.loss(made.try_into().unwrap(), &device).unwrap();
        Gradients::of(&loss, &self.module)
    }

    fn elements(&self, gradients: &Gradients) -> Vec<f32> {
        gradients.elements(&self.module).unwrap()
    }
}

/// Each mistake and what the guard says of it; `None` for the same loop without one.
pub fn ef03() -> Vec<(Option<&'static str>, Finding)> {
    let mut own = Loop::new();
    let once = own.gradient(0..SAMPLES);
    let once = own.elements(&once);
    let again = own.gradient(0..SAMPLES);
    let again = own.elements(&again);
    let sum = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a + b).collect() };
    let kept = sum(&once, &again);
    let halves = [0..SAMPLES / 2, SAMPLES / 2..SAMPLES].map(|half| {
        let gradient = own.gradient(half);
        own.elements(&gradient)
    });
    let mean: Vec<f32> = once.iter().map(|g| g / SAMPLES as f32).collect();
    // The means of two halves, added instead of averaged.
    let added = sum(&halves[0], &halves[1])
        .iter()
        .map(|g| g * 2.0 / SAMPLES as f32)
        .collect::<Vec<_>>();
    let repeat = |other: &[f32]| ef03_fresh_gradients::check_repeat(compared(&once, other));
    let halved =
        |other: &[f32]| ef03_fresh_gradients::check_accumulation(2, compared(&mean, other));
    let averaged: Vec<f32> = added.iter().map(|g| g / 2.0).collect();
    vec![
        (None, repeat(&again)),
        (None, halved(&averaged)),
        (
            Some("gradients of the step before kept, in a loop of one's own"),
            repeat(&kept),
        ),
        (
            Some("two half batches added instead of averaged, in a loop of one's own"),
            halved(&added),
        ),
    ]
}

fn compared(reference: &[f32], other: &[f32]) -> ef03_fresh_gradients::Gradients {
    let norm = |values: &mut dyn Iterator<Item = f32>| {
        let squares = values.map(|value| f64::from(value).powi(2));
        squares.sum::<f64>().sqrt()
    };
    ef03_fresh_gradients::Gradients {
        reference_norm: norm(&mut reference.iter().copied()),
        norm: norm(&mut other.iter().copied()),
        difference_norm: norm(&mut reference.iter().zip(other).map(|(a, b)| a - b)),
    }
}
