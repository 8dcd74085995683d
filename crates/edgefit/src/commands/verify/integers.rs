//! `verify --engine micro|c`: the integer program of an int8 model, and the C that is made of it.

use std::path::Path;

use anyhow::{Context, ensure};
use edgefit::assets::Cache;
use edgefit::device::Profile;
use edgefit::engine::{Array, Engine, Execution, InProcess, fastest};
use edgefit::graph::quantized::first_quantized;
use edgefit::graph::{Graph, ImageInput};
use edgefit::litert::Kernels;
use edgefit::micro::c::{Name, Parts};
use edgefit::micro::patch::{Placed, RESERVE_BYTES};
use edgefit::micro::target::{Core, Emulation, emulate};
use edgefit::micro::{ArenaPlan, Error, InputBy, Program};
use edgefit::predict::SampleSet;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;
use edgefit::verify::{IntegerReport, IntegerResults, LiteRtResults, Verdict};

use super::super::{discover, in_file, integer_program, loaded, threads};
use super::{SAMPLES, litert, litert_floats};
use crate::cli::{Giving, IntegerEngine, Verify};
use crate::output::{Outcome, Output};

pub fn run(args: &Verify, engine: IntegerEngine, output: &mut Output) -> anyhow::Result<Outcome> {
    refuse_the_rest(args, engine)?;
    if engine == IntegerEngine::LiteRt {
        let graph = loaded(&args.model, args.input_shape.as_ref())?;
        if first_quantized(&graph).is_none() {
            return litert_floats::run(args, graph, output);
        }
    }
    let path = samples_path(args, &engine.to_string())?;
    let profile = args
        .device
        .as_deref()
        .map(edgefit::device::find)
        .transpose()?;
    let core = match (engine, &profile) {
        (IntegerEngine::Micro | IntegerEngine::LiteRt, _) => None,
        (IntegerEngine::C, None) => anyhow::bail!(
            "--engine c runs on an emulated core; say which device it is for with --device, such as stm32h743"
        ),
        (IntegerEngine::C, Some(profile)) => Some(core_of(profile)?),
    };
    let input_by = InputBy::from(args.input.unwrap_or(Giving::Whole));
    let (mut graph, program) = integer_program(&args.model, args.input_shape.as_ref())?;
    if let Some(name) = args.preprocessing {
        let preprocessing = ImageInput::of(&graph).and_then(|input| input.preprocessing(name));
        preprocessing
            .map_err(in_file(&args.model))?
            .store(&mut graph);
    }
    let spinner = spinner("running the integer program");
    let set = SampleSet::open(path, &graph, None, &mut |words| {
        spinner.suspend(|| output.warn(words));
    })
    .map_err(in_file(&args.model))?;
    let chosen = spread(
        set.samples().len(),
        args.samples.map_or(SAMPLES, |samples| samples as usize),
    );
    let ran = both(&graph, &program, (&set, &chosen), threads(args.threads))?;
    let emulation = match (core, &profile) {
        (Some(core), Some(profile)) => {
            // As export writes it for the device.
            let placed = match Placed::over(&program, profile, (RESERVE_BYTES, input_by)) {
                Err(Error::DoesNotFit(_)) => {
                    Placed::unpatched(program.clone(), ArenaPlan::in_one(&program))
                }
                placed => placed.map_err(in_file(&args.model))?,
            };
            let emulated = emulated(&placed, core, &ran.inputs)?;
            Some((emulated, [profile.name.clone(), core.cpu().to_owned()]))
        }
        _ => None,
    };
    let litert = match engine {
        IntegerEngine::LiteRt => Some(LiteRtResults {
            version: edgefit::litert::VERSION.to_owned(),
            reference: litert::run(&program, &ran.inputs, Kernels::Reference)?,
            default: litert::run(&program, &ran.inputs, Kernels::Default)?,
        }),
        _ => None,
    };
    drop(spinner);
    let report = IntegerReport::of(IntegerResults {
        model: args.model.clone(),
        program: &program,
        reference: ran.reference,
        engine: (fastest(), ran.floats),
        emulation,
        litert,
        classes: chosen.iter().map(|&at| set.samples()[at].class).collect(),
    });
    output.result("edgefit.verify/1", &report, || report::integers(&report))?;
    Ok((report.verdict == Verdict::Agree).into())
}

/// Where the samples are.
pub fn samples_path<'a>(args: &'a Verify, engine: &str) -> anyhow::Result<&'a Path> {
    let path = args.data.as_deref().or(args.inputs.as_deref());
    path.with_context(|| {
        format!(
            "--engine {engine} compares on samples; give them with --data DIR or --inputs FILE.npz"
        )
    })
}

/// Refuses options of the comparison of engines.
fn refuse_the_rest(args: &Verify, engine: IntegerEngine) -> anyhow::Result<()> {
    let given = [
        ("--against", args.against.is_some()),
        ("--reduce", args.reduce.is_some()),
        ("--tolerance", !args.tolerance.is_empty()),
        ("--split", args.split.is_some()),
        ("--labels", args.labels.is_some()),
        (
            "--device",
            args.device.is_some() && engine != IntegerEngine::C,
        ),
        (
            "--input",
            args.input.is_some() && engine != IntegerEngine::C,
        ),
    ];
    for (option, given) in given {
        ensure!(
            !given,
            "--engine {engine} compares a model with what is made of it; leave out {option}"
        );
    }
    Ok(())
}

fn core_of(profile: &Profile) -> anyhow::Result<Core> {
    let core = Core::of(profile).filter(|core| core.board().is_some());
    core.with_context(|| {
        format!(
            "QEMU has no board here with the core of {}, {}; there are boards for {}: --engine micro compares without \
             one",
            profile.name,
            profile.cpu.model,
            Core::EMULATED
        )
    })
}

/// `count` of `all` samples, spread over them.
pub fn spread(all: usize, count: usize) -> Vec<usize> {
    let count = count.min(all);
    (0..count).map(|at| at * all / count).collect()
}

/// What was made of the chosen samples, a row for each.
#[derive(Default)]
struct Ran {
    /// The bytes that the program took.
    inputs: Vec<Vec<i8>>,
    /// What it made of them.
    reference: Vec<Vec<i8>>,
    /// What an engine made of the same samples.
    floats: Vec<Array>,
}

/// Runs the program and an engine on the chosen samples.
fn both(
    graph: &Graph,
    program: &Program,
    (set, chosen): (&SampleSet, &[usize]),
    threads: usize,
) -> anyhow::Result<Ran> {
    let _ = discover(&Cache::of_user()?);
    // Node by node, which gives what integers of any engine give.
    let mut engine = InProcess::new(fastest(), threads).with_execution(Execution::NodeByNode);
    engine.load(graph)?;
    let mut ran = Ran::default();
    for &at in chosen {
        let batch = set.batch(&[at])?;
        ran.floats.extend(engine.run(&batch)?.into_iter().next());
        let values = batch.first().map_or(&[][..], |array| &array.values);
        let input = program.input.quantize(values);
        ran.reference.push(program.run(&input));
        ran.inputs.push(input);
    }
    Ok(ran)
}

fn emulated(placed: &Placed, core: Core, inputs: &[Vec<i8>]) -> anyhow::Result<Emulation> {
    let parts = Parts {
        program: &placed.program,
        plan: &placed.plan,
        name: &Name::default(),
    };
    Ok(emulate(parts, core, inputs)?)
}
