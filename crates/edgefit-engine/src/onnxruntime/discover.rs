//! Where ONNX Runtime's library is looked for, and loading it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
/// In this order: `given`; the file named by `ORT_DYLIB_PATH`; the folder of the running binary; the
/// folder `cache`; the Python environment in `VIRTUAL_ENV`; the `onnxruntime` package of `python3`;
/// the system's own libraries. A library that the user named and that does not load is an error,
/// not a reason to look further.
///
/// ```no_run
/// use std::path::Path;
///
/// use edgefit_engine::onnxruntime::discover;
///
/// match discover(None, Path::new("/var/cache/onnxruntime")) {
///     Ok(found) => println!("{}", found.path.display()),
///     Err(missing) => println!("{missing}"),
/// }
/// ```
///
/// # Errors
/// None was found, or the one that was named does not load.
pub fn discover(given: Option<&Path>, cache: &Path) -> Result<&'static Found, Missing> {
    DISCOVERY
        .get_or_init(|| {
            let named = given.map(Path::to_path_buf).or_else(|| {
                let named = std::env::var_os(LIBRARY_VARIABLE);
                named.filter(|named| !named.is_empty()).map(PathBuf::from)
            });
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

/// The library that [`discover`] loaded, or why there is none.
pub(super) fn loaded() -> Result<&'static Found, Missing> {
    match DISCOVERY.get() {
        Some(Ok(found)) => Ok(found),
        Some(Err(missing)) => Err(missing.clone()),
        None => Err(Missing {
            reason: "it was not looked for".into(),
        }),
    }
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
    let with_binary = std::env::current_exe()
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
    let known = [with_binary, in_cache, from_environment];
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
