//! A model in LiteRT, in a process of its own: exported, loaded, run on the bytes of the samples.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use edgefit::assets::Cache;
use edgefit::engine::child::{Launch, Refusal, serve};
use edgefit::litert::{ElementType, Kernels, Library, Model};
use edgefit::micro::Program;
use edgefit::micro::tflite::{self, FloatFile};
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
    let bytes = inputs.iter().flatten().map(|byte| byte.cast_unsigned());
    let bytes: Vec<u8> = bytes.collect();
    let width = program.values[program.output.value];
    let file = tflite::file(program)?.bytes;
    let made = run_file(&file, (&bytes, inputs.len()), (kernels, width))?;
    let row = |row: Vec<u8>| row.into_iter().map(u8::cast_signed).collect();
    Ok(made.into_iter().map(row).collect())
}

/// The same of a model of floats, on `inputs` in the order of the model.
pub fn run_floats(
    file: &FloatFile,
    inputs: &[Vec<f32>],
    kernels: Kernels,
) -> anyhow::Result<Vec<Vec<f32>>> {
    let inputs = inputs.iter().map(|values| file.input.to_memory(values));
    let inputs: Vec<Vec<f32>> = inputs.collect();
    let bytes = inputs
        .iter()
        .flatten()
        .flat_map(|value| value.to_le_bytes());
    let bytes: Vec<u8> = bytes.collect();
    let width = 4 * file.output.dims.iter().product::<usize>();
    let made = run_file(&file.bytes, (&bytes, inputs.len()), (kernels, width))?;
    let row = |row: Vec<u8>| {
        let (words, _) = row.as_chunks::<4>();
        let memory: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        file.output.to_model(&memory)
    };
    Ok(made.into_iter().map(row).collect())
}

/// The outputs, of `width` bytes each, of the model in `file` for `count` inputs, which are one behind the other.
fn run_file(
    file: &[u8],
    (inputs, count): (&[u8], usize),
    (kernels, width): (Kernels, usize),
) -> anyhow::Result<Vec<Vec<u8>>> {
    let library = Library::find(&Cache::of_user()?.litert_folder())?;
    let folder = temporary_folder()?;
    let [model, given, made] =
        ["model.tflite", "inputs", "outputs"].map(|name| folder.path().join(name));
    fs::write(&model, file)?;
    fs::write(&given, inputs)?;
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
    anyhow::ensure!(
        bytes.len() == width * count,
        "LiteRT gave {} B for {count} outputs of {width} B",
        bytes.len()
    );
    Ok(bytes.chunks(width.max(1)).map(<[u8]>::to_vec).collect())
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
            matches!(tensor.element, ElementType::Int8 | ElementType::F32),
            "a tensor of the model is {:?}, neither int8 nor float",
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
