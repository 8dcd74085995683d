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
use edgefit_micro::ops::{Conv, Image, Layer, Op, Window};
use edgefit_micro::{ArenaPlan, Multiplier, Program, Signature, Source, Step};
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

/// Flags that find what is read or written out of place.
const SANITIZED: &str = "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all";

/// Holds that programs are right with `library`, and that it runs some of them: those are wrong where it is.
fn is_called(library: &Library) {
    let programs: Vec<Program> = (0..).filter_map(drawn).take(3).collect();
    for program in &programs {
        assert!(sample_is_right(program, library, SANITIZED));
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

/// A convolution of the value `from` with a kernel of `side` elements along each axis, padded by `before`, in groups.
fn convolution(
    [input, output]: [Image; 2],
    [side, before, groups]: [usize; 3],
    from: usize,
) -> Step {
    let products = side * side * input.channels / groups;
    let factor = 1.0 / (64.0 * (products as f64).sqrt());
    let weights = (0..output.channels * products).map(|at| (at * 29 % 255) as u8 as i8);
    let op = Conv {
        input,
        output,
        window: Window {
            kernel: [side; 2],
            stride: [1; 2],
            dilation: [1; 2],
            before: [before; 2],
        },
        groups,
        weights: weights.collect(),
        layer: Layer {
            input_zero_point: -3,
            output_zero_point: 5,
            bias: vec![1000; output.channels],
            multipliers: vec![Multiplier::of(factor); output.channels],
            limits: [-128, 127],
        },
    };
    Step {
        node: String::new(),
        op: Op::Conv(op),
        inputs: vec![Source::Value(from)],
        output: from + 1,
        signature: Signature::default(),
    }
}

#[test]
fn what_a_library_does_not_do_stays_with_the_project() {
    // More channels than 16 bits count, padding around a kernel of one element, behind it alone, and groups.
    let sizes = [(1, 65_540), (1, 4), (3, 4), (4, 4), (4, 4)];
    let images = sizes.map(|(side, channels)| Image {
        height: side,
        width: side,
        channels,
    });
    let forms = [[1, 0, 1], [1, 1, 1], [1, 0, 1], [3, 1, 2]];
    let steps = forms
        .into_iter()
        .enumerate()
        .map(|(from, form)| convolution([images[from], images[from + 1]], form, from));
    let program = random_program::program(&images, steps.collect());
    let [arm, esp] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    for library in [cmsis_nn(arm.path()), esp_nn(esp.path())] {
        assert!(sample_is_right(&program, &library, SANITIZED));
    }
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
