//! Mistakes that `edgefit train` cannot make, committed in a loop of one's own on real features.

use edgefit::burn::burn::tensor::Device;
use edgefit::burn::{EvalModule, Gradients, TrainModule, Value};
use edgefit::data::{Dataset, decode, prepare};
use edgefit::engine::{Array, EngineName, load};
use edgefit::graph::rewrite::{Head, extract};
use edgefit::graph::{Graph, Preprocessing};
use edgefit::guards::{Finding, ef03_fresh_gradients, module};
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
        Gradients::of(&loss, &mut self.module).unwrap()
    }

    /// The gradient of the whole batch and that of its halves in sum, times `factor`.
    fn scaled(&mut self, factor: f64) -> [Gradients; 2] {
        let whole = self.gradient(0..SAMPLES);
        let halves = [0..SAMPLES / 2, SAMPLES / 2..SAMPLES].map(|half| self.gradient(half));
        let [front, back] = halves;
        let sum = front.plus(&self.module, back).unwrap();
        [whole, sum].map(|gradients| gradients.scaled(&self.module, factor))
    }
}

/// Each mistake and what the guard says of it; `None` for the same loop without one.
pub fn ef03() -> Vec<(Option<&'static str>, Finding)> {
    let mut own = Loop::new();
    let [once, again, other, third] = [(); 4].map(|()| own.gradient(0..SAMPLES));
    let [mean, averaged] = own.scaled(1.0 / SAMPLES as f64);
    // The means of two halves, added instead of averaged.
    let [_, added] = own.scaled(2.0 / SAMPLES as f64);
    let compared = |reference: &Gradients, other: &Gradients| {
        module::compare(&own.module, reference.params(), other.params())
    };
    let repeat = |other: &Gradients| ef03_fresh_gradients::check_repeat(compared(&once, other));
    let halved =
        |other: &Gradients| ef03_fresh_gradients::check_accumulation(2, compared(&mean, other));
    let kept = other.plus(&own.module, third).unwrap();
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
