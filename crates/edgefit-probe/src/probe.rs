use std::path::Path;

use edgefit_device::profile::{Accelerator, Basis, Figure};
use edgefit_device::{ElementType, Gpus, Profile, gpu, host};
use edgefit_engine::EngineName;
use edgefit_graph::rewrite::fold_batch_norm;
use edgefit_graph::{DataType, Graph, Tensor};

use crate::bandwidth::triad;
use crate::calibrate::{PASSES, calibrate};
use crate::chain::spread;
use crate::error::{Error, Result};
use crate::footprint::{self, InOwnProcess, Weighed, footprint, run_in};
use crate::machine;
use crate::rates::Suite;

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

/// What a probe found.
pub struct Probed {
    /// The machine as a profile.
    pub profile: Profile,
    /// Its GPUs.
    pub gpus: Gpus,
}

/// Who wants to know how far the probe is.
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
            .any(|name| name.to_string() == engine.name)
    });
    for element_type in [ElementType::F32, ElementType::Int8] {
        let suite = Suite::new(element_type)?;
        for &engine in request.engines {
            progress.begin(&format!("{engine} {element_type}"), suite.steps() as u64);
            let advance = || progress.advance();
            let rates = suite.measure(engine, request.threads, advance)?;
            profile.rates.extend(rates);
            progress.end();
        }
    }
    let models = footprint::models();
    let mut networks: Vec<Graph> = request.networks.iter().map(with_values).collect();
    for network in &mut networks {
        fold_batch_norm(network)?;
    }
    for &engine in request.engines {
        let steps = models.len() + PASSES * networks.len();
        progress.begin(&format!("{engine} whole"), steps as u64);
        let mut run = |graph: &Graph| {
            let ran = run_in(folder.path(), engine, graph, request.run)?;
            progress.advance();
            Ok::<_, Error>(ran)
        };
        let mut weighed = Vec::new();
        for graph in &models {
            weighed.push(Weighed::new(graph, &run(graph)?)?);
        }
        let mut fastest = vec![u64::MAX; networks.len()];
        for pass in 0..PASSES {
            for (graph, fastest) in networks.iter().zip(&mut fastest) {
                let ran = run(graph)?;
                *fastest = ran.p50_ns().min(*fastest);
                if pass == 0 {
                    weighed.push(Weighed::new(graph, &ran)?);
                }
            }
        }
        profile.footprints.push(footprint(engine, &weighed));
        let threads = request.threads;
        let rates = &mut profile.rates;
        let calibration = calibrate(engine, threads, rates, &networks, &fastest)?;
        profile.calibrations.extend(calibration);
        progress.end();
    }
    Ok(Probed { profile, gpus })
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
