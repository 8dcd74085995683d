//! [`OnSamples`]: an integer program, or a LiteRT model, against an engine that runs the ONNX file, on samples that a
//! user gave.

use std::path::Path;

use edgefit_device::Profile;
use edgefit_engine::{Array, Engine, Execution, InProcess, fastest};
use edgefit_graph::Graph;
use edgefit_litert::{Kernels, Subprocess, VERSION};
use edgefit_micro::c::{Library, Name, Parts};
use edgefit_micro::patch::{Layout, Patching, Placed};
use edgefit_micro::target::{Core, Emulation, emulate};
use edgefit_micro::tflite::FloatFile;
use edgefit_micro::{ArenaPlan, InputBy, Program};
use edgefit_predict::SampleSet;

use crate::error::Result;
use crate::integers::{IntegerReport, IntegerResults, LiteRtResults};
use crate::litert;
use crate::litert_floats::{FloatResults, LiteRtReport};
use crate::samples::spread;

/// A model, and the samples that it is compared on.
#[derive(Clone, Copy)]
pub struct OnSamples<'a> {
    /// File of the model.
    pub path: &'a Path,
    /// The model.
    pub graph: &'a Graph,
    /// Samples that it takes.
    pub set: &'a SampleSet,
    /// How many of them, spread over all.
    pub samples: usize,
    /// Threads of the engine.
    pub threads: usize,
}

/// What takes part beside the plain reference and the engine.
#[derive(Clone, Copy)]
pub enum IntegerTarget<'a> {
    /// Nothing.
    Reference,
    /// The project in C.
    C(Emulated<'a>),
    /// LiteRT.
    LiteRt(&'a Subprocess),
}

/// Where the project in C runs.
#[derive(Clone, Copy)]
pub struct Emulated<'a> {
    /// The device that it is written for.
    pub profile: &'a Profile,
    /// Its core.
    pub core: Core,
    /// How the input comes to the program.
    pub input_by: InputBy,
    /// What runs its convolutions and products instead of its own kernels.
    pub library: Option<&'a Library>,
}

/// What was made of the chosen samples, a row for each.
#[derive(Default)]
struct Ran {
    /// What the engine took.
    inputs: Vec<Vec<f32>>,
    /// What it gave.
    outputs: Vec<Array>,
}

impl OnSamples<'_> {
    /// Compares `program`, which is made of the model.
    ///
    /// # Errors
    /// Something does not run.
    pub fn integers(&self, program: &Program, target: IntegerTarget) -> Result<IntegerReport> {
        let chosen = self.chosen();
        // Node by node gives what the integers of any engine give.
        let ran = self.ran(&chosen, Execution::NodeByNode)?;
        let inputs = ran
            .inputs
            .iter()
            .map(|values| program.input.quantize(values));
        let inputs: Vec<Vec<i8>> = inputs.collect();
        let emulation = match target {
            IntegerTarget::C(on) => {
                let of = [on.profile.name.clone(), on.core.cpu().to_owned()];
                Some((emulated(program, on, &inputs)?, of))
            }
            _ => None,
        };
        let litert = match target {
            IntegerTarget::LiteRt(process) => Some(LiteRtResults {
                version: VERSION.to_owned(),
                reference: litert::run(process, program, &inputs, Kernels::Reference)?,
                default: litert::run(process, program, &inputs, Kernels::Default)?,
            }),
            _ => None,
        };
        Ok(IntegerReport::of(IntegerResults {
            model: self.path.to_path_buf(),
            program,
            reference: inputs.iter().map(|input| program.run(input)).collect(),
            engine: (fastest(), ran.outputs),
            emulation,
            litert,
            classes: self.classes(&chosen),
        }))
    }

    /// Compares `file`, which is made of the model, in LiteRT.
    ///
    /// # Errors
    /// Something does not run.
    pub fn floats(&self, file: &FloatFile, process: &Subprocess) -> Result<LiteRtReport> {
        let chosen = self.chosen();
        let ran = self.ran(&chosen, Execution::Fused)?;
        let of = |kernels: Kernels| -> Result<Vec<Array>> {
            let rows = litert::run_floats(process, file, &ran.inputs, kernels)?;
            let arrays = rows.into_iter().zip(&ran.outputs);
            let arrays = arrays.map(|(values, engine)| Array {
                dims: engine.dims.clone(),
                values,
            });
            Ok(arrays.collect())
        };
        let litert = [of(Kernels::Reference)?, of(Kernels::Default)?];
        Ok(LiteRtReport::of(FloatResults {
            model: self.path.to_path_buf(),
            engine: (fastest(), ran.outputs),
            version: VERSION.to_owned(),
            litert,
            classes: self.classes(&chosen),
        }))
    }

    /// Which samples.
    fn chosen(&self) -> Vec<usize> {
        spread(self.set.samples().len(), self.samples).collect()
    }

    /// The class of each, where it is known.
    fn classes(&self, chosen: &[usize]) -> Vec<Option<usize>> {
        let samples = self.set.samples();
        chosen.iter().map(|&at| samples[at].class).collect()
    }

    /// Runs the engine on the first input of each.
    fn ran(&self, chosen: &[usize], execution: Execution) -> Result<Ran> {
        let mut engine = InProcess::new(fastest(), self.threads).with_execution(execution);
        engine.load(self.graph)?;
        let mut ran = Ran::default();
        for &at in chosen {
            let batch = self.set.batch(&[at])?;
            ran.outputs.extend(engine.run(&batch)?.into_iter().next());
            ran.inputs
                .extend(batch.into_iter().next().map(|array| array.values));
        }
        Ok(ran)
    }
}

/// What the C gives that is made of `program`, as `edgefit export` writes it for the device.
fn emulated(program: &Program, on: Emulated, inputs: &[Vec<i8>]) -> Result<Emulation> {
    let layout = Layout {
        device: Some(on.profile),
        patching: Patching::Auto,
        input_by: on.input_by,
    };
    let layout = on
        .library
        .map_or(Ok(layout), |library| library.layout(layout))?;
    let placed = match Placed::new(program.clone(), layout) {
        Err(edgefit_micro::Error::DoesNotFit(_)) => {
            Placed::unpatched(program.clone(), ArenaPlan::in_one(program))
        }
        placed => placed?,
    };
    let parts = Parts {
        program: &placed.program,
        plan: &placed.plan,
        name: &Name::default(),
        library: on.library,
    };
    Ok(emulate(parts, on.core, inputs)?)
}
