//! An int8 model in LiteRT, in a process of its own: exported, loaded, run on the bytes of the samples.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::engine::child::{Launch, Refusal, serve};
use edgefit::litert::{ElementType, Kernels, Library, Model};
use edgefit::micro::{Program, tflite};
use serde::{Deserialize, Serialize};

use crate::cli::LiteRtWorker;
use crate::output::Outcome;

/// What the parent asks for: to run all inputs in one file, and to write the outputs into another. The answer
/// holds nothing.
#[derive(Serialize, Deserialize)]
struct Order {
    inputs: PathBuf,
    outputs: PathBuf,
}

/// What LiteRT makes of `inputs` with its reference kernels, or with those that it takes by itself.
pub fn run(
    program: &Program,
    inputs: &[Vec<i8>],
    kernels: Kernels,
) -> anyhow::Result<Vec<Vec<i8>>> {
    let library = Library::find(&Cache::of_user()?.litert_folder())?;
    let folder = temporary_folder()?;
    let [model, given, made] =
        ["model.tflite", "inputs", "outputs"].map(|name| folder.path().join(name));
    fs::write(&model, tflite::file(program)?.bytes)?;
    let bytes = inputs.iter().flatten().map(|byte| byte.cast_unsigned());
    fs::write(&given, bytes.collect::<Vec<u8>>())?;
    let mut arguments: Vec<OsString> = vec!["litert-worker".into(), "--library".into()];
    arguments.push(library.into());
    if kernels == Kernels::Reference {
        arguments.push("--reference".into());
    }
    arguments.push(model.into());
    let launch = Launch {
        binary: std::env::current_exe().context("cannot find edgefit's own binary")?,
        arguments,
        variables: Vec::new(),
    };
    let mut child = launch.start().context("LiteRT")?;
    child.greeting::<()>().context("LiteRT")?;
    let order = Order {
        inputs: given,
        outputs: made.clone(),
    };
    child.ask::<()>(&order).context("LiteRT")?;
    let bytes = fs::read(&made)?;
    let width = program.values[program.output.value].max(1);
    anyhow::ensure!(
        bytes.len() == width * inputs.len(),
        "LiteRT gave {} B for {} outputs of {width} B",
        bytes.len(),
        inputs.len()
    );
    let row = |row: &[u8]| row.iter().map(|byte| byte.cast_signed()).collect();
    Ok(bytes.chunks(width).map(row).collect())
}

/// A folder that is gone when dropped.
fn temporary_folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("edgefit-litert-").tempdir()
}

/// The child's part.
pub fn work(args: LiteRtWorker) -> anyhow::Result<Outcome> {
    let library = Library::load(&args.library);
    let kernels = if args.reference {
        Kernels::Reference
    } else {
        Kernels::Default
    };
    let start = || {
        let library = library
            .as_ref()
            .map_err(|missing| Refusal::Failed(missing.to_string()))?;
        let model = Model::open(library, &args.model, kernels, 1);
        let model = model.map_err(|error| Refusal::Failed(error.to_string()))?;
        Ok((model, ()))
    };
    let answer = |model: &mut Model, order: Order| {
        run_all(model, &order).map_err(|error| Refusal::Failed(format!("{error:#}")))?;
        Ok(serde_json::Value::Null)
    };
    serve(std::io::stdin().lock(), std::io::stdout(), start, answer)?;
    Ok(Outcome::Yes)
}

fn run_all(model: &mut Model, order: &Order) -> anyhow::Result<()> {
    for tensor in [model.input(), model.output()] {
        anyhow::ensure!(
            tensor.element == ElementType::Int8,
            "a tensor of the model is {:?}, not int8",
            tensor.element
        );
    }
    let given = fs::read(&order.inputs)?;
    let mut made = Vec::new();
    for input in given.chunks(model.input().bytes.max(1)) {
        model.write(input)?;
        model.run()?;
        made.extend(model.read()?);
    }
    Ok(fs::write(&order.outputs, made)?)
}
