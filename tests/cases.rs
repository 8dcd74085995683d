//! Inputs rebuilt from public problem reports (`tests/cases/*.py`): each gets the exit code and the words
//! that `tests/cases/*.toml` ask for.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use edgefit::assets;
use edgefit::base::hash::sha256_hex;
use serde::Deserialize;

use crate::common::python::python;
use crate::common::{cache, command, onnxruntime, photographs, run, weights};

/// Seconds after which a run that does not end is stopped, with exit code 124.
const DEADLINE: &str = "300";

/// What is asked of a generator's variants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// Arguments of the generator behind its folder, with the places of [`filled`].
    #[serde(default)]
    arguments: Vec<String>,
    /// Variables of the environment, with the same places.
    #[serde(default)]
    environment: Vec<(String, String)>,
    /// Runs of the binary.
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the run is about, where several have the same variant.
    variant: String,
    /// Arguments of the binary, as a shell would read them, with the places of [`filled`].
    run: String,
    /// Exit code.
    exit: i32,
    /// Words that stand in the answer, on either stream, line breaks read as spaces.
    says: Vec<String>,
    /// Words that do not stand there.
    #[serde(default)]
    never: Vec<String>,
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases")
}

/// Runs a generator, unless its output is in the cache. Its folder is named after what makes it.
fn generated(name: &str, arguments: &[String], environment: &[(String, String)]) -> PathBuf {
    let script = scripts().join(name).with_extension("py");
    // What `prepare` reads lies in a temporary folder, and is the same every time.
    let told: &[String] = if name == "prepare" { &[] } else { arguments };
    let made_by = format!("{}{told:?}", fs::read_to_string(&script).unwrap());
    let hash = sha256_hex(made_by.as_bytes());
    let folder = cache()
        .root()
        .join("cases")
        .join(format!("{name}-{}", &hash[..16]));
    let stamp = folder.with_extension("done");
    if !stamp.exists() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let mut generator = Command::new(python());
        generator.arg(&script);
        if name == "prepare" {
            generator.args(arguments).arg(&folder);
        } else {
            generator.arg(&folder).args(arguments);
        }
        generator.envs(environment.iter().cloned());
        let output = generator.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", script.display());
        fs::write(stamp, "").unwrap();
    }
    folder
}

/// The photographs in parts, and two backbones: what the generators themselves need.
fn prepared() -> &'static Path {
    static PREPARED: OnceLock<PathBuf> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let import = |name: &str, flags: &[&str]| {
            let path = folder.path().join(name);
            let mut import = command();
            import.arg("import").arg(weights());
            import
                .args(["--arch", "efficientnet-lite0", "-o"])
                .arg(&path)
                .args(flags);
            let ran = run(&mut import);
            assert_eq!(ran.code, 0, "{ran:?}");
            path.to_str().unwrap().to_owned()
        };
        let plain = import("plain.onnx", &[]);
        let folded = import("folded.onnx", &["--fold-bn"]);
        let photographs = photographs().to_str().unwrap().to_owned();
        generated("prepare", &[photographs, plain, folded], &[])
    })
}

/// `text` with the places of files in it: `{cases}` the generator's folder, `{photos}` and
/// `{backbones}` those of `prepare.py`, `{fashion}` the files of Fashion-MNIST, `{out}` an empty folder.
fn filled(text: &str, cases: &Path, out: &Path) -> String {
    let places = [
        ("{cases}", cases.to_path_buf()),
        ("{photos}", prepared().join("photos")),
        ("{backbones}", prepared().join("backbones")),
        ("{fashion}", assets::fashion_mnist_files(&cache()).unwrap()),
        ("{out}", out.to_path_buf()),
    ];
    places.iter().fold(text.to_owned(), |text, (place, path)| {
        text.replace(place, path.to_str().unwrap())
    })
}

/// Runs every case of a generator; panics with all that were answered otherwise than they should be.
fn are_answered(name: &str) {
    onnxruntime();
    let expected = fs::read_to_string(scripts().join(name).with_extension("toml")).unwrap();
    let expected: Expected = toml::from_str(&expected).unwrap();
    let nowhere = Path::new("");
    let fill = |text: &String| filled(text, nowhere, nowhere);
    let arguments: Vec<String> = expected.arguments.iter().map(fill).collect();
    let mut environment: Vec<(String, String)> = expected
        .environment
        .iter()
        .map(|(name, value)| (name.clone(), fill(value)))
        .collect();
    for (variable, folder) in [("PHOTOS", "photos"), ("BACKBONES", "backbones")] {
        let folder = prepared().join(folder);
        environment.push((variable.to_owned(), folder.to_str().unwrap().to_owned()));
    }
    let cases = generated(name, &arguments, &environment);
    let mut wrong = String::new();
    for case in &expected.case {
        let out = tempfile::tempdir().unwrap();
        let line = filled(&case.run, &cases, out.path());
        let ran = run(Command::new("timeout")
            .args([DEADLINE, env!("CARGO_BIN_EXE_edgefit")])
            .args(shlex::split(&line).unwrap())
            .current_dir(out.path()));
        let answer = format!("{} {}", ran.stdout, ran.stderr);
        let answer = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut faults: Vec<String> = Vec::new();
        if ran.code != case.exit {
            faults.push(format!("exit {} instead of {}", ran.code, case.exit));
        }
        let missing = case.says.iter().filter(|words| !answer.contains(*words));
        faults.extend(missing.map(|words| format!("«{words}» is not said")));
        let said = case.never.iter().filter(|words| answer.contains(*words));
        faults.extend(said.map(|words| format!("«{words}» is said")));
        if !faults.is_empty() {
            let faults = faults.join(", ");
            let _ = writeln!(wrong, "{}: {faults}\n  {line}\n  {answer}\n", case.variant);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A test for each generator.
macro_rules! generators {
    ($($name:ident)*) => {$(
        #[test]
        #[ignore = "takes minutes: trains on inputs that fetch PyTorch to be made"]
        fn $name() {
            are_answered(stringify!($name));
        }
    )*};
}

generators! {
    a01_folder_layouts
    a03_pointers
    a04_arrays
    a05_checkpoints
    a05b_same_keys
    a06_images
    a07_scales_inside
    a10_counts
    b04_nhwc_gray_uint8
    b06_arena_edges
    b08_quantised
    b09_half
    b10_odd_graphs
    b11_boards
    c01_fashion_part
}
