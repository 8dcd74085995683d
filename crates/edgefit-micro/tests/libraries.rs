//! Projects that leave convolutions and products to a library of kernels, equal to the reference to the byte.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod random_program;

use std::fs;
use std::path::Path;
use std::process::Command;

use edgefit_micro::c::{self, Library, Name, Parts};
use edgefit_micro::ops::Op;
use edgefit_micro::{ArenaPlan, Program};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const PLAIN: &str = include_str!("libraries/plain.h");

/// Writes files, each at its path below `folder`.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// What stands in for CMSIS-NN: convolution as it is defined.
fn cmsis_nn(folder: &Path) -> Library {
    let header = include_str!("libraries/arm_nnfunctions.h");
    let source = include_str!("libraries/cmsis_nn.c");
    write(
        folder,
        &[
            ("Include/arm_nnfunctions.h", header),
            ("Include/plain.h", PLAIN),
            ("Source/ConvolutionFunctions/convolution_s8.c", source),
            ("Source/ConvolutionFunctions/convolution_f16.c", "#error"),
            ("Source/NNSupportFunctions/none.c", "typedef int none;\n"),
        ],
    );
    Library::cmsis_nn(folder).unwrap()
}

/// What stands in for ESP-NN.
fn esp_nn(folder: &Path) -> Library {
    let header = include_str!("libraries/esp_nn.h");
    let source = include_str!("libraries/esp_nn.c");
    write(
        folder,
        &[
            ("include/esp_nn.h", header),
            ("include/plain.h", PLAIN),
            ("src/common/none.h", ""),
            ("src/convolution/convolution_ansi.c", source),
            ("src/convolution/convolution_esp32s3.c", "#error"),
        ],
    );
    Library::esp_nn(folder).unwrap()
}

/// A random program with an op that a library runs.
fn drawn(seed: u64) -> Option<Program> {
    let program = random_program::draw(&mut ChaCha8Rng::seed_from_u64(seed));
    let is_weighted =
        |op: &Op| matches!(op, Op::Conv(_) | Op::Depthwise(_) | Op::FullyConnected(_));
    let calls = program.steps.iter().any(|step| is_weighted(&step.op));
    calls.then_some(program)
}

/// Whether the sample of a project of `program`, built with `flags`, gives what the reference gives.
fn sample_is_right(program: &Program, library: &Library, flags: &str) -> bool {
    let plan = ArenaPlan::in_one(program);
    let parts = Parts {
        program,
        plan: &plan,
        name: &Name::default(),
        library: Some(library),
    };
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    c::write(&c::project(parts), &project).unwrap();
    let mut make = Command::new("make");
    make.args(["-j2", "CC=gcc", &format!("CFLAGS={flags}"), "sample"]);
    let made = make.current_dir(&project).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let ran = Command::new(project.join("sample")).output().unwrap();
    ran.status.success()
}

/// Holds that programs are right with `library`, and that it runs some of them: those are wrong where it is.
fn is_called(library: &Library) {
    let programs: Vec<Program> = (0..).filter_map(drawn).take(3).collect();
    for program in &programs {
        let flags = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all";
        assert!(sample_is_right(program, library, flags));
    }
    let wrong = |program: &&Program| !sample_is_right(program, library, "-O1 -DLIES");
    assert!(programs.iter().any(|program| wrong(&program)));
}

#[test]
fn cmsis_nn_is_called_as_its_interface_says() {
    let folder = tempfile::tempdir().unwrap();
    is_called(&cmsis_nn(folder.path()));
}

#[test]
fn esp_nn_is_called_as_its_interface_says() {
    let folder = tempfile::tempdir().unwrap();
    is_called(&esp_nn(folder.path()));
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Library::cmsis_nn(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("Include/arm_nnfunctions.h"), "{refused}");
    let spaced = folder.path().join("with space");
    write(&spaced, &[("include/esp_nn.h", "")]);
    let refused = Library::esp_nn(&spaced).unwrap_err().to_string();
    assert!(refused.contains("Makefile"), "{refused}");
}
