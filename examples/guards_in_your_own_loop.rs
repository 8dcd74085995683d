//! The guards in a training loop of one's own: a small network on synthetic data, with or without
//! a mistake. A guard that fails makes the exit code 1.
//!
//! ```sh
//! cargo run --release -p edgefit-guards --example guards_in_your_own_loop -- low-learning-rate
//! ```

use std::process::ExitCode;

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Device, Distribution, Tensor};
use edgefit_guards::ef05_activations::{Channels, Kind};
use edgefit_guards::ef12_bias::InitialLoss;
use edgefit_guards::{Findings, Step, TrainingWatch, module};
use edgefit_guards::{ef03_fresh_gradients, ef04_logits, ef05_activations, ef12_bias};

const MISTAKES: [&str; 4] = ["none", "low-learning-rate", "kept-gradients", "softmax"];
const SAMPLES: usize = 96;
const CLASSES: usize = 3;
const STEPS: usize = 200;

#[derive(Module, Debug)]
struct Net {
    hidden: Linear,
    head: Linear,
}

fn main() -> ExitCode {
    let mistake = std::env::args().nth(1).unwrap_or("none".into());
    if !MISTAKES.contains(&mistake.as_str()) {
        eprintln!("error: no mistake is called '{mistake}'; use one of {MISTAKES:?}");
        return ExitCode::from(2);
    }
    let findings = train(&mistake);
    for finding in findings.report() {
        println!("{} {:8?} {}", finding.code, finding.status, finding.message);
    }
    ExitCode::from(u8::from(findings.stops().is_some()))
}

fn train(mistake: &str) -> Findings {
    let device = Device::flex().autodiff();
    device.seed(0);
    let (x, targets) = samples(&device);
    // A new head starts at the class prior, which is even here.
    let head = LinearConfig::new(32, CLASSES).with_initializer(Initializer::Zeros);
    let mut net = Net {
        hidden: LinearConfig::new(8, 32).init(&device),
        head: head.init(&device),
    };
    let learning_rate = if mistake == "low-learning-rate" {
        1e-9
    } else {
        1e-2
    };
    let hidden = |net: &Net| relu(net.hidden.forward(x.clone()));
    let outputs = |net: &Net| match (mistake, net.head.forward(hidden(net))) {
        ("softmax", logits) => softmax(logits, 1),
        (_, logits) => logits,
    };
    let loss = |net: &Net| cross_entropy(outputs(net), &targets);
    let mut kept = GradientsParams::new();
    let mut gradients = |net: &Net, loss: Tensor<1>| {
        let mut fresh = GradientsParams::from_grads(loss.backward(), net);
        if mistake == "kept-gradients" {
            let (kept, fresh) = (&mut kept, &mut fresh);
            net.visit(&mut Add { kept, fresh });
        }
        fresh
    };

    // Before the first step.
    let mut findings = Findings::default();
    findings.record(ef04_logits::check(&module::outputs(outputs(&net))));
    let activations = module::layer("hidden", Kind::Rectifier, Channels::Last, hidden(&net));
    findings.record(ef05_activations::check(&[activations]));
    let initial = InitialLoss {
        loss: loss(&net).into_scalar::<f64>(),
        priors: vec![vec![1.0 / CLASSES as f64; CLASSES]],
        label_smoothing: 0.0,
    };
    findings.record(ef12_bias::check_initial_loss(&initial));
    let [once, again] = [(); 2].map(|()| gradients(&net, loss(&net)));
    let compared = module::compare(&net, &once, &again);
    findings.record(ef03_fresh_gradients::check_repeat(compared));

    let mut optimizer = AdamConfig::new().init();
    let mut watch = TrainingWatch::default();
    for _ in 0..STEPS {
        let loss = loss(&net);
        let value = loss.clone().into_scalar::<f64>();
        let fresh = gradients(&net, loss);
        let step = Step {
            loss: value,
            learning_rate,
            gradients: &module::gradients(&net, &fresh),
        };
        if watch.step(&step).is_some() {
            break;
        }
        let before = watch.wants_updates().then(|| net.clone());
        net = optimizer.step(learning_rate, net, fresh);
        if let Some(before) = before {
            watch.updates(&module::updates(&before, &net));
        }
    }
    findings.extend(watch.findings(initial.expected()));
    findings
}

/// The mistake of gradients that are not zeroed: each is added to all before it.
struct Add<'a> {
    kept: &'a mut GradientsParams,
    fresh: &'a mut GradientsParams,
}

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(fresh) = self.fresh.remove::<D>(param.id) {
            let sum = match self.kept.remove::<D>(param.id) {
                Some(kept) => kept + fresh,
                None => fresh,
            };
            self.kept.register(param.id, sum.clone());
            self.fresh.register(param.id, sum);
        }
    }
}

/// Samples of 8 features around a centre for each class, and their one-hot targets.
fn samples(device: &Device) -> (Tensor<2>, Tensor<2>) {
    let one_hot = |index: usize| (0..CLASSES).map(move |class| index % CLASSES == class);
    let targets = (0..SAMPLES)
        .flat_map(one_hot)
        .map(|hit| f32::from(u8::from(hit)));
    let targets: Vec<f32> = targets.collect();
    let targets = Tensor::<1>::from_floats(targets.as_slice(), device);
    let targets = targets.reshape([SAMPLES, CLASSES]);
    let centres = Tensor::<2>::random([CLASSES, 8], Distribution::Normal(0.0, 1.0), device);
    let noise = Tensor::<2>::random([SAMPLES, 8], Distribution::Normal(0.0, 0.5), device);
    (targets.clone().matmul(centres) + noise, targets)
}

fn cross_entropy(outputs: Tensor<2>, targets: &Tensor<2>) -> Tensor<1> {
    (log_softmax(outputs, 1) * targets.clone()).sum() / -(SAMPLES as f64)
}
