//! Steps of training of a whole net, one for each line of stdin, each answered by its loss.
//!
//! ```sh
//! yes | head -5 | cargo bench --profile release --bench training_step -- MODEL.onnx IMAGES.f32 8
//! ```
//!
//! IMAGES.f32 holds the values of a batch of prepared images, and 8 is the size of the batch; `least` behind it lets
//! the steps compute their activations twice where that saves memory. The labels are
//! 0, 1, 2, 0 and so on; normalisation stays in eval mode, and the optimizer is AdamW, as in `edgefit train`.
//! `benches/pytorch/compare.py steps` times this program and PyTorch in turns.

use std::collections::HashSet;
use std::io::{BufRead, Write};

use edgefit::burn::burn::optim::ModuleOptimizer;
use edgefit::burn::burn::tensor::{Device, Int, Tensor, activation::log_softmax};
use edgefit::burn::{AdamW, EvalModule, Gradients, StepPlan, Value};
use edgefit::engine::malloc::{keep_one_heap, return_memory_after_loading, while_training};
use edgefit::graph::infer::InputShapes;
use edgefit::graph::rewrite::{cut_softmax, lift_constants};
use edgefit::graph::{Graph, trainable_parameters};

type Failure = Box<dyn std::error::Error>;

const CLASSES: usize = 3;

fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // cargo says that it is a benchmark.
    arguments.retain(|argument| argument != "--bench");
    let (model, images, batch, least) = match arguments.as_slice() {
        [model, images, batch] => (model, images, batch, false),
        [model, images, batch, least] if least == "least" => (model, images, batch, true),
        _ => return Err("usage: training_step MODEL.onnx IMAGES.f32 BATCH [least]".into()),
    };
    let batch: usize = batch.parse()?;
    keep_one_heap();
    return_memory_after_loading();
    let mut graph = Graph::load(model)?;
    lift_constants(&mut graph);
    cut_softmax(&mut graph);
    let inputs = InputShapes::bind(&graph, batch, None)?;
    let (_, dims) = inputs.0.first().ok_or("the model has no input")?;
    let images: Vec<f32> = std::fs::read(images)?
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let trained = trained(&graph);
    let device = Device::flex();
    let module = EvalModule::from_graph(&graph, &device)?;
    let trains = |name: &str| trained.contains(name);
    let mut module = module.into_train(trains);
    if least {
        let plan = StepPlan::new(&graph, &inputs, trains, 2)?;
        module = module.recomputing(plan.least().0);
    }
    let mut optimizer = ModuleOptimizer::from(AdamW::new(1e-4));
    let labels: Vec<i64> = (0..batch).map(|row| (row % CLASSES) as i64).collect();
    let labels = Tensor::<1, Int>::from_data(labels.as_slice(), &device).reshape([batch, 1]);
    while_training(|| {
        for line in std::io::stdin().lock().lines() {
            line?;
            let image = Value::new(images.clone(), dims, &device)?;
            let logits: Tensor<2> = module.forward(vec![image])?.remove(0).try_into()?;
            let loss = log_softmax(logits, 1)
                .gather(1, labels.clone().autodiff())
                .mean()
                .neg();
            let gradients = Gradients::of(&loss, &mut module)?.into_params();
            module = optimizer.step(1e-4, module, gradients);
            println!("{}", loss.into_scalar::<f32>());
            std::io::stdout().flush()?;
        }
        Ok(())
    })
}

/// All parameters but those of normalisation.
fn trained(graph: &Graph) -> HashSet<String> {
    let normalisation = graph
        .nodes
        .iter()
        .filter(|node| node.op == "BatchNormalization")
        .flat_map(|node| node.present_inputs().skip(1))
        .collect::<HashSet<&str>>();
    let all = trainable_parameters(graph).into_iter();
    all.map(|(_, name)| name)
        .filter(|name| !normalisation.contains(name))
        .map(str::to_owned)
        .collect()
}
