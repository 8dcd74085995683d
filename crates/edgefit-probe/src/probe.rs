//! The whole measurement: memory, rates of ops, memory of processes, calibration.

use std::path::Path;

use edgefit_device::profile::{Accelerator, Basis, Figure};
use edgefit_device::{ElementType, gpu, host};
use edgefit_engine::EngineName;
use edgefit_graph::rewrite::fold_batch_norm;
use edgefit_graph::{DataType, Graph, Tensor};

use crate::bandwidth::triad;
use crate::calibrate::calibrate;
use crate::chain::spread;
use crate::error::{Error, Result};
use crate::machine;
use crate::op_rates::{Measuring, Suite};
use crate::probed::Probed;
use crate::process_memory::{self, InOwnProcess, MeasuredModel, process_memory, run_in};

/// How often every network is run, with the whole probe in between; the fastest run counts, because
/// disturbances of a machine pass.
const PASSES: usize = 2;

/// What to measure.
pub struct Request<'a> {
    /// Name of the profile.
    pub name: &'a str,
    /// The engines that are there.
    pub engines: &'a [EngineName],
    /// Threads of the engines.
    pub threads: usize,
    /// NVML's library, where it is not in the usual place.
    pub nvml: Option<&'a Path>,
    /// Networks that the predictions are tried on.
    pub networks: &'a [Graph],
    /// Runs a model in a process of its own.
    pub run: InOwnProcess<'a>,
}

/// Is told how far the probe is.
pub trait Progress {
    /// A part of `total` steps begins.
    fn begin(&mut self, what: &str, total: u64);
    /// A step is done.
    fn advance(&mut self);
    /// The part is done.
    fn end(&mut self);
}

/// Measures this machine.
///
/// # Errors
/// The system does not describe the machine, or an engine fails on one of the probe's networks.
pub fn probe(request: &Request, progress: &mut dyn Progress) -> Result<Probed> {
    let mut profile = host()?;
    request.name.clone_into(&mut profile.name);
    let measured = |value: u64, source: &str| Figure {
        value,
        kind: Basis::Measured,
        source: source.to_owned(),
    };
    profile.cpu.isa = Some(Figure {
        value: machine::isa(),
        kind: Basis::Measured,
        source: "the processor, asked for its features".into(),
    });
    profile.cpu.cache_bytes = Some(machine::caches())
        .filter(|caches| !caches.is_empty())
        .map(|caches| Figure {
            value: caches.into_iter().map(|(_, bytes)| bytes).collect(),
            kind: Basis::Measured,
            source: "the operating system".into(),
        });
    if let Some(quota) = machine::cpu_quota() {
        profile.cpu.cores.source = format!("control group: {quota:.2} cores' worth of time");
    }
    let gpus = gpu::read(request.nvml);
    if let Some(name) = gpus.gpus.first().and_then(|gpu| gpu.name.value()) {
        profile.accelerator = Some(Accelerator {
            model: name.clone(),
            kernel_ns: None,
        });
    }

    progress.begin("memory", 1);
    profile.memory.measured_bandwidth_bytes_per_second = Some(measured(
        triad(profile.cpu.cores.value as usize),
        "STREAM triad over 192 MiB, all cores",
    ));
    progress.end();

    let folder = tempfile::tempdir().map_err(Error::Folder)?;
    profile.engines.retain(|engine| {
        request
            .engines
            .iter()
            .any(|name| name.to_string() == engine.name.as_str())
    });
    let suites = [
        Suite::new(ElementType::F32)?,
        Suite::new(ElementType::Int8)?,
    ];
    let engines = request.engines.iter();
    let mut measurings: Vec<Measuring> = suites
        .iter()
        .flat_map(|suite| {
            engines
                .clone()
                .map(|&engine| suite.begin(engine, request.threads))
        })
        .collect();
    let models = process_memory::models();
    let mut networks: Vec<Graph> = request.networks.iter().map(with_values).collect();
    for network in &mut networks {
        fold_batch_norm(network)?;
    }
    let mut wholes: Vec<Whole> = engines
        .map(|&engine| Whole {
            engine,
            measured: Vec::new(),
            fastest: vec![u64::MAX; networks.len()],
        })
        .collect();
    for pass in 1..=PASSES {
        for measuring in &mut measurings {
            let (engine, element_type) = (measuring.engine, measuring.element_type());
            let what = format!("{engine} {element_type} {pass}/{PASSES}");
            progress.begin(&what, measuring.suite.networks() as u64);
            measuring.pass(|| progress.advance())?;
            progress.end();
        }
        for whole in &mut wholes {
            // The peak of memory is the same every time.
            let models: &[Graph] = if pass == 1 { &models } else { &[] };
            let what = format!("{} whole {pass}/{PASSES}", whole.engine);
            progress.begin(&what, (models.len() + networks.len()) as u64);
            let mut run = |graph: &Graph| {
                let ran = run_in(folder.path(), whole.engine, graph, request.run)?;
                progress.advance();
                Ok::<_, Error>(ran)
            };
            for graph in models {
                whole
                    .measured
                    .push(MeasuredModel::new(graph, &run(graph)?)?);
            }
            for (graph, fastest) in networks.iter().zip(&mut whole.fastest) {
                let ran = run(graph)?;
                *fastest = ran.p50_ns().min(*fastest);
                if pass == 1 {
                    whole.measured.push(MeasuredModel::new(graph, &ran)?);
                }
            }
            progress.end();
        }
    }
    for measuring in &measurings {
        profile.rates.extend(measuring.rates());
    }
    for whole in &wholes {
        let Whole {
            engine,
            measured: models,
            fastest,
        } = whole;
        profile.process_memory.push(process_memory(*engine, models));
        let rates = &mut profile.rates;
        let calibration = calibrate(*engine, request.threads, rates, &networks, fastest)?;
        profile.calibrations.extend(calibration);
    }
    Ok(Probed { profile, gpus })
}

/// Whole networks in an engine.
struct Whole {
    engine: EngineName,
    measured: Vec<MeasuredModel>,
    /// Least p50 of each network, in nanoseconds.
    fastest: Vec<u64>,
}

/// The same network with weights: engines skip what is multiplied by zero.
fn with_values(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    for (index, tensor) in graph.initializers.values_mut().enumerate() {
        if tensor.dtype() != DataType::F32 || tensor.dims().is_empty() {
            continue;
        }
        let values = match tensor.dims() {
            // Scales and variances have to be positive.
            [count] => vec![1.0; *count],
            dims => {
                let fan_in = dims[1..].iter().product::<usize>().max(1) as f32;
                spread(tensor.elements(), fan_in.sqrt().recip(), index)
            }
        };
        *tensor = Tensor::from_values(tensor.dims().to_vec(), &values);
    }
    graph
}
