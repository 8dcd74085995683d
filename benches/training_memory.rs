//! How well the memory of training is predicted.
//!
//! ```sh
//! cargo bench --profile release --bench training_memory -- MODEL.onnx ...
//! cargo bench --profile release --bench training_memory -- --batches 2,8 MODEL.onnx ...
//! ```
//!
//! Runs three steps of each stage of each model in a process of its own, this program once more,
//! and holds the largest resident set that the system saw (`VmHWM`, Linux) against the prediction:
//! `probe` is the frozen backbone by the fastest engine and the fit of the head to its features,
//! `top` trains what the last fifth of the nodes read, `full` every weight, by AdamW as
//! `edgefit train` does, and `least` every weight with as little memory as recomputation gets it down to.
//! Inputs have the shape that the model declares.

use std::collections::HashSet;
use std::process::{Command, ExitCode};

use edgefit::assets::Cache;
use edgefit::burn::burn::optim::ModuleOptimizer;
use edgefit::burn::burn::tensor::{Device, Tensor, activation::log_softmax};
use edgefit::burn::{AdamW, Backend, EvalModule, Gradients, Recomputation, StepPlan, Value};
use edgefit::engine::malloc::{keep_one_heap, return_memory_after_loading, while_training};
use edgefit::engine::{Array, Copies, fastest, onnxruntime};
use edgefit::graph::infer::InputShapes;
use edgefit::graph::rewrite::{Head, cut_softmax, fold_batch_norm, lift_constants};
use edgefit::graph::{Graph, trainable_parameters};
use edgefit::train::config::recipe::{Sampling, StageRecipe};
use edgefit::train::prepare::source::Cached;
use edgefit::train::prepare::targets::Targets;
use edgefit::train::stages::training::fitted::fit;
use edgefit::train::stages::training::problem::Problem;
use edgefit::train::stages::training_memory::{
    FrozenPass, Optimizer, Recomputing, Steps, TrainingMemory,
};
use edgefit::train::{Observer, Recipe, StageName};

type Failure = Box<dyn std::error::Error>;

const STEPS: usize = 3;

/// Samples that a head is fitted to.
const SAMPLES: usize = 256;

/// What is held to be a good prediction.
const MARGIN: f64 = 0.15;

const STAGES: [&str; 4] = ["probe", "top", "full", "least"];

fn main() -> Result<ExitCode, Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // cargo says that it is a benchmark.
    arguments.retain(|argument| argument != "--bench");
    if let [flag, model, stage, batch] = arguments.as_slice()
        && flag == "--measure"
    {
        let (predicted, measured) = measure(model, stage, batch.parse()?)?;
        println!("{predicted} {measured}");
        return Ok(ExitCode::SUCCESS);
    }
    let mut batches = vec![4, 16];
    if let [flag, list, ..] = arguments.as_slice()
        && flag == "--batches"
    {
        let sizes: Result<_, _> = list.split(',').map(str::parse).collect();
        batches = sizes?;
        arguments.drain(..2);
    }
    if arguments.is_empty() {
        return Err("usage: training_memory [--batches 4,16] MODEL.onnx ...".into());
    }
    println!("{:32} stage batch  predicted   measured  ratio", "model");
    let (mut good, mut all) = (0, 0);
    for model in &arguments {
        for stage in STAGES {
            let batches = match stage {
                "probe" => &[32, 128][..],
                _ => batches.as_slice(),
            };
            for batch in batches {
                let [predicted, measured] = child(model, stage, *batch)?;
                let ratio = predicted / measured;
                all += 1;
                good += usize::from((ratio - 1.0).abs() <= MARGIN);
                println!(
                    "{:32} {stage:5} {batch:5} {:6.0} MiB {:6.0} MiB  {ratio:5.2}",
                    model.rsplit('/').next().unwrap_or(model),
                    predicted / f64::from(1 << 20),
                    measured / f64::from(1 << 20),
                );
            }
        }
    }
    println!("{good} of {all} within {:.0} %", 100.0 * MARGIN);
    Ok(ExitCode::SUCCESS)
}

fn child(model: &str, stage: &str, batch: usize) -> Result<[f64; 2], Failure> {
    let mut again = Command::new(std::env::current_exe()?);
    again.args(["--measure", model, stage, &batch.to_string()]);
    let output = again.output()?;
    let figures = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = figures
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    figures.try_into().map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("{model}, {stage}, batch {batch}: {said}").into()
    })
}

/// Bytes predicted and measured.
fn measure(model: &str, stage: &str, batch: usize) -> Result<(u64, u64), Failure> {
    if let Ok(cache) = Cache::of_user()
        && stage == "probe"
    {
        // Without the library, the probe runs on tract.
        let _ = onnxruntime::discover(None, &cache.onnxruntime_folder());
    }
    keep_one_heap();
    return_memory_after_loading();
    let mut graph = Graph::load(model)?;
    lift_constants(&mut graph);
    cut_softmax(&mut graph);
    let predicted = match stage {
        "probe" => probe(&graph, batch)?,
        stage => steps(&graph, stage, batch)?,
    };
    let measured =
        edgefit::engine::peak_rss_bytes().ok_or("the system does not say how much was used")?;
    Ok((predicted, measured))
}

fn probe(graph: &Graph, batch: usize) -> Result<u64, Failure> {
    let found = Head::of(graph, None)?;
    let (mut backbone, head) = (found.backbone(graph)?, found.extract(graph)?);
    fold_batch_norm(&mut backbone)?;
    let engine = fastest();
    let threads = std::thread::available_parallelism()?.get();
    let pass = FrozenPass {
        prefix: &backbone,
        engine,
        threads,
        rows: SAMPLES,
    };
    let steps = Steps {
        graph: &head,
        trained: &|_| true,
        optimizer: Optimizer::Adam,
        batch,
    };
    let predicted = steps
        .need_behind(&pass, Recomputing::Within(u64::MAX))?
        .bytes;

    let copies = Copies::new(engine, &backbone, threads);
    let size = copies.batch();
    let (_, dims) = InputShapes::bind(&backbone, size, None)?.0.remove(0);
    let batches = vec![(); SAMPLES / size];
    let made = copies.map(&batches, |()| {
        let outputs = copies.run(&[Array {
            values: noise(dims.iter().product()),
            dims: dims.clone(),
        }])?;
        let row = |row: usize| {
            let parts = outputs
                .iter()
                .map(|output| output.rows(row..row + 1).values);
            parts.collect::<Vec<_>>().concat()
        };
        Ok((0..size).map(row).collect())
    });
    drop(copies);
    let made: Result<Vec<Vec<Vec<f32>>>, edgefit::engine::Error> = made.into_iter().collect();
    let rows = made?.concat();
    let classes = classes(&head, 1)?;
    let labels: Vec<usize> = (0..rows.len()).map(|row| row % classes).collect();
    let targets = Targets::of_classes(&labels, &vec![1.0; classes]);
    let width = rows.first().map_or(0, Vec::len);
    let samples = Cached::new(width, vec![rows.concat()]);
    let recipe = StageRecipe {
        epochs: STEPS,
        batch,
        ..Recipe::default().probe
    };
    let trained = trainable_parameters(&head).into_iter();
    let trained = trained.map(|(_, name)| (name.to_owned(), 1.0)).collect();
    fit(
        &Problem {
            graph: &head,
            trained: &trained,
            train: &samples,
            train_targets: &targets,
            val: &samples,
            val_targets: &targets,
            recipe: &recipe,
            sampling: Sampling::Shuffled,
            seed: 0,
            stage: StageName::Probe,
            backend: Backend::default(),
            recomputation: Recomputation::default(),
            teacher: None,
            answers: None,
        },
        &mut Nobody,
    )?;
    Ok(predicted)
}

fn steps(graph: &Graph, stage: &str, batch: usize) -> Result<u64, Failure> {
    let nodes = graph.nodes.len();
    let read = trainable_parameters(graph).into_iter();
    let trained: HashSet<String> = read
        .filter(|(node, _)| stage != "top" || 5 * node >= 4 * nodes)
        .map(|(_, name)| name.to_owned())
        .collect();
    let inputs = InputShapes::bind(graph, batch, None)?;
    let accepts = |name: &str| trained.contains(name);
    let plan = StepPlan::new(graph, &inputs, accepts, Optimizer::Adam.tensors())?;
    let recomputation = match stage {
        "least" => plan.least().0,
        _ => Recomputation::default(),
    };
    let predicted = TrainingMemory::of_steps(graph, plan.memory(&recomputation), Optimizer::Adam);

    let device = Device::flex();
    let module = EvalModule::from_graph(graph, &device)?.into_train(accepts);
    let mut module = module.recomputing(recomputation);
    let mut optimizer = ModuleOptimizer::from(AdamW::new(1e-4));
    while_training(|| -> Result<(), Failure> {
        for _ in 0..STEPS {
            let shapes = inputs.0.iter();
            let values = shapes
                .map(|(_, dims)| Value::new(noise(dims.iter().product()), dims, &device))
                .collect::<Result<_, _>>()?;
            let outputs = module.forward(values)?;
            let Some(Value::Floats(logits)) = outputs.into_iter().next() else {
                return Err("the first output is not of a float type".into());
            };
            let width = logits.dims().iter().product::<usize>() / batch;
            let logits: Tensor<2> = logits.reshape(&[batch, width])?.try_into()?;
            let loss = log_softmax(logits, 1).narrow(1, 0, 1).mean().neg();
            let gradients = Gradients::of(&loss, &mut module)?.into_params();
            module = optimizer.step(1e-4, module, gradients);
        }
        Ok(())
    })?;
    Ok(predicted.total_bytes)
}

fn classes(head: &Graph, batch: usize) -> Result<usize, Failure> {
    let module = EvalModule::from_graph(head, &Device::flex())?;
    let inputs = InputShapes::bind(head, batch, None)?.0.into_iter();
    let values = inputs
        .map(|(_, dims)| Value::new(noise(dims.iter().product()), &dims, module.device()))
        .collect::<Result<_, _>>()?;
    let outputs = module.forward(values)?;
    let logits = outputs.first().ok_or("the head has no output")?;
    Ok(logits.dims().iter().product::<usize>() / batch)
}

/// Values from −1 to 1.
fn noise(count: usize) -> Vec<f32> {
    (0..count)
        .map(|at| (at * 37 % 101) as f32 / 50.0 - 1.0)
        .collect()
}

struct Nobody;

impl Observer for Nobody {
    fn begin(&mut self, _: &str, _: u64) {}
    fn progress(&mut self, _: u64, _: &str) {}
    fn end(&mut self) {}
    fn warn(&mut self, _: &str) {}
}
