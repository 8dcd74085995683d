//! ONNX Runtime: finding its library, and running models in it.
//!
//! The library is loaded at run time, so that edgefit builds and works without it. Everything in
//! the `ort` crate, its errors included, may only be touched once a library is loaded:
//! [`discover`] is the one door.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use edgefit_graph::Graph;
use half::f16;
use ort::ep::{CUDA, ExecutionProvider};
use ort::logging::LogLevel;
use ort::session::builder::SessionBuilder;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, PrimitiveTensorElementType, Tensor, TensorElementType};
use serde::Deserialize;

use crate::array::Array;
use crate::error::{Error, Result, one_line};
use crate::measure::Runner;
use crate::trace::{Effort, NodeTime, Recorder};
use crate::{Engine, EngineName, Provider};

const NAME: EngineName = EngineName::OnnxRuntime;

/// Environment variable that names the library, as `ort` itself knows it.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// A library that was found and loaded.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    environment: ort::environment::Environment,
}

impl Found {
    /// The process's one environment, for callers that talk to `ort` themselves.
    pub fn environment(&self) -> &ort::environment::Environment {
        &self.environment
    }
}

/// Why there is no ONNX Runtime, and how to get it.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "ONNX Runtime is not available: {reason}; `edgefit engine install onnxruntime` fetches it, or \
     set {LIBRARY_VARIABLE} to a libonnxruntime of version 1.24 or later"
)]
pub struct Missing {
    /// What was met on the way.
    pub reason: String,
}

static DISCOVERY: OnceLock<Result<Found, Missing>> = OnceLock::new();

/// Looks for ONNX Runtime's library and loads the first that works; later calls return what the
/// first found.
///
/// In this order: `given`; the file named by `ORT_DYLIB_PATH`; beside the running binary; the
/// folder `cache`; the Python environment in `VIRTUAL_ENV`; the `onnxruntime` package of `python3`;
/// the system's own libraries. A library that the user named and that does not load is an error,
/// not a reason to look further.
///
/// # Errors
/// None was found, or the one that was named does not load.
pub fn discover(given: Option<&Path>, cache: &Path) -> Result<&'static Found, Missing> {
    DISCOVERY
        .get_or_init(|| {
            let named = given
                .map(Path::to_path_buf)
                .or_else(|| std::env::var_os(LIBRARY_VARIABLE).map(PathBuf::from));
            if let Some(path) = named {
                return load_library(&path);
            }
            let mut reasons = Vec::new();
            for path in candidates(cache) {
                match load_library(&path) {
                    Ok(found) => return Ok(found),
                    Err(missing) => reasons.push(missing.reason),
                }
            }
            Err(Missing {
                reason: match reasons.as_slice() {
                    [] => "no library was found".into(),
                    [first, ..] => first.clone(),
                },
            })
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// The library that [`discover`] loaded, if it did.
pub fn found() -> Option<&'static Found> {
    DISCOVERY
        .get()
        .and_then(|discovery| discovery.as_ref().ok())
}

fn load_library(path: &Path) -> Result<Found, Missing> {
    let missing = |reason: String| Missing { reason };
    if path.components().count() > 1 && !path.is_file() {
        return Err(missing(format!("{} is not there", path.display())));
    }
    let builder = ort::init_from(path).map_err(|error| {
        missing(match &error {
            // Its own text leaves out why the system refused.
            ort::LoadDynamicError::Dlopen { error, path } => {
                let cause = std::error::Error::source(error);
                let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
                format!("{} cannot be loaded ({cause})", path.display())
            }
            other => other.to_string(),
        })
    })?;
    let environment = builder
        .with_telemetry(false)
        .build()
        .map_err(|error| missing(error.to_string()))?;
    Ok(Found {
        path: path.to_path_buf(),
        environment,
    })
}

fn candidates(cache: &Path) -> impl Iterator<Item = PathBuf> {
    let beside_binary = std::env::current_exe()
        .ok()
        .and_then(|binary| libraries(binary.parent()?).pop());
    let in_cache = libraries(cache).pop();
    let from_environment = std::env::var_os("VIRTUAL_ENV").and_then(|environment| {
        let lib = PathBuf::from(environment).join("lib");
        let pythons = std::fs::read_dir(lib).ok()?;
        pythons.flatten().find_map(|python| {
            libraries(&python.path().join("site-packages/onnxruntime/capi")).pop()
        })
    });
    let known = [beside_binary, in_cache, from_environment];
    // Asking Python takes a while, so it is asked last and only if need be.
    known
        .into_iter()
        .flatten()
        .chain(std::iter::once_with(from_python).flatten())
        .chain([PathBuf::from("libonnxruntime.so.1")])
}

/// Files named `libonnxruntime.so*` in `folder`, sorted.
pub fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"libonnxruntime.so"))
        })
        .collect();
    found.sort();
    found
}

/// Where `python3` keeps the package, without importing it.
fn from_python() -> Option<PathBuf> {
    let script = "import importlib.util as u; s = u.find_spec('onnxruntime'); \
                  print(s.submodule_search_locations[0] if s else '')";
    let output = Command::new("python3").args(["-c", script]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    match folder.trim() {
        "" => None,
        folder => libraries(&Path::new(folder).join("capi")).pop(),
    }
}

/// A model in ONNX Runtime.
pub(crate) struct OnnxRuntime(Session);

impl OnnxRuntime {
    pub fn load(graph: &Graph, threads: usize) -> Result<Self> {
        Self::load_with(threads, Provider::Cpu, None, |mut builder| {
            builder.commit_from_memory(&graph.to_bytes())
        })
    }

    fn load_with(
        threads: usize,
        provider: Provider,
        profile: Option<&Path>,
        commit: impl FnOnce(SessionBuilder) -> ort::Result<Session>,
    ) -> Result<Self> {
        let found = match DISCOVERY.get() {
            Some(Ok(found)) => found,
            Some(Err(missing)) => return Err(missing.clone().into()),
            None => {
                let reason = "it was not looked for".into();
                return Err(Missing { reason }.into());
            }
        };
        if provider == Provider::Cuda && !CUDA::is_available().unwrap_or(false) {
            return Err(Error::NoCuda {
                reason: format!("{} was built without it", found.path.display()),
            });
        }
        let load = || -> ort::Result<Session> {
            let builder = Session::builder(&found.environment)?;
            let builder = builder.with_intra_threads(threads.max(1))?;
            // What it has to say comes back as an error; its log would say it twice, in colours.
            let builder = builder.with_log_level(LogLevel::Fatal)?;
            // Spinning threads would take the cores from decoding and from neighbours.
            let mut builder = builder.with_intra_op_spinning(false)?;
            if provider == Provider::Cuda {
                let cuda = CUDA::default().build().error_on_failure();
                builder = builder.with_execution_providers([cuda])?;
            }
            if let Some(profile) = profile {
                builder = builder.with_profiling(profile)?;
            }
            commit(builder)
        };
        load().map(OnnxRuntime).map_err(|error| match provider {
            // Such as a library of CUDA that is not found, or no GPU: its words name it.
            Provider::Cuda if error.message().to_lowercase().contains("cuda") => Error::NoCuda {
                reason: one_line(error.message()),
            },
            _ => Error::load(NAME, error),
        })
    }
}

/// An output as floats, whatever numbers it holds.
fn array(output: &DynValue) -> ort::Result<Array> {
    fn of<T: PrimitiveTensorElementType + Copy>(
        output: &DynValue,
        float: impl Fn(T) -> f32,
    ) -> ort::Result<Array> {
        let (shape, values) = output.try_extract_tensor::<T>()?;
        Ok(Array {
            dims: shape.iter().map(|&size| size as usize).collect(),
            values: values.iter().map(|&value| float(value)).collect(),
        })
    }
    match output.dtype().tensor_type() {
        Some(TensorElementType::Int64) => of::<i64>(output, |value| value as f32),
        Some(TensorElementType::Int32) => of::<i32>(output, |value| value as f32),
        Some(TensorElementType::Int8) => of::<i8>(output, f32::from),
        Some(TensorElementType::Uint8) => of::<u8>(output, f32::from),
        Some(TensorElementType::Float16) => of::<f16>(output, f16::to_f32),
        Some(TensorElementType::Float64) => of::<f64>(output, |value| value as f32),
        Some(TensorElementType::Bool) => of::<bool>(output, |value| f32::from(u8::from(value))),
        _ => of::<f32>(output, |value| value),
    }
}

/// ONNX Runtime's own way from a file to a session.
pub(crate) fn runner(
    path: &Path,
    inputs: &[Array],
    threads: usize,
    provider: Provider,
) -> Result<Runner> {
    let mut loaded = OnnxRuntime::load_with(threads, provider, None, |mut builder| {
        builder.commit_from_file(path)
    })?;
    let tensors = tensors(&loaded.0, inputs).map_err(|error| Error::run(NAME, error))?;
    Ok(Box::new(move || {
        let ran = loaded.0.run(tensors.as_slice());
        ran.map(drop).map_err(|error| Error::run(NAME, error))
    }))
}

/// The inputs in the element types that the model declares.
fn tensors(session: &Session, inputs: &[Array]) -> ort::Result<Vec<SessionInputValue<'static>>> {
    fn of<T: PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static>(
        input: &Array,
        element: impl Fn(f32) -> T,
    ) -> ort::Result<SessionInputValue<'static>> {
        let values: Vec<T> = input.values.iter().map(|&value| element(value)).collect();
        Tensor::from_array((input.dims.clone(), values)).map(Into::into)
    }
    let types = session.inputs().iter();
    let types = types.map(|declared| declared.dtype().tensor_type());
    inputs
        .iter()
        .zip(types.chain(std::iter::repeat(None)))
        .map(|(input, dtype)| match dtype {
            Some(TensorElementType::Int64) => of(input, |value| value as i64),
            Some(TensorElementType::Int32) => of(input, |value| value as i32),
            Some(TensorElementType::Int8) => of(input, |value| value as i8),
            Some(TensorElementType::Uint8) => of(input, |value| value as u8),
            Some(TensorElementType::Bool) => of(input, |value| value != 0.0),
            Some(TensorElementType::Float16) => of(input, f16::from_f32),
            Some(TensorElementType::Float64) => of(input, f64::from),
            _ => of(input, |value| value),
        })
        .collect()
}

pub(crate) fn trace(
    graph: &Graph,
    inputs: &[Array],
    threads: usize,
    provider: Provider,
    effort: Effort,
) -> Result<Vec<NodeTime>> {
    let fail = |detail: String| Error::run(NAME, format!("its profile: {detail}"));
    let folder = tempfile::tempdir().map_err(|error| fail(error.to_string()))?;
    let profile = folder.path().join("profile");
    let mut timed = OnnxRuntime::load_with(threads, provider, Some(&profile), |mut builder| {
        builder.commit_from_memory(&graph.to_bytes())
    })?;
    effort.spend(|| timed.run(inputs).map(drop))?;
    let written = timed
        .0
        .end_profiling()
        .map_err(|error| Error::run(NAME, error))?;
    let text = std::fs::read(written).map_err(|error| fail(error.to_string()))?;
    let events: Vec<Event> =
        serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
    let mut recorder = Recorder::default();
    for event in events {
        if let (Some(node), Some(op)) =
            (event.name.strip_suffix("_kernel_time"), event.args.op_name)
        {
            recorder.record(node, &op, event.dur * 1000);
        }
    }
    Ok(recorder.medians())
}

/// An entry of the profile that ONNX Runtime writes, in the Chrome trace format.
#[derive(Deserialize)]
struct Event {
    name: String,
    /// Microseconds.
    #[serde(default)]
    dur: u64,
    #[serde(default)]
    args: EventArgs,
}

#[derive(Default, Deserialize)]
struct EventArgs {
    op_name: Option<String>,
}

impl Engine for OnnxRuntime {
    fn name(&self) -> EngineName {
        NAME
    }

    fn run(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        let mut run = || -> ort::Result<Vec<Array>> {
            let inputs = tensors(&self.0, inputs)?;
            let outputs = self.0.run(inputs.as_slice())?;
            outputs.values().map(|output| array(&output)).collect()
        };
        run().map_err(|error| Error::run(NAME, error))
    }
}
