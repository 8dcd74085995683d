//! `export --cmsis-nn` and `--esp-nn`: convolutions and products by a library of kernels.

use std::process::Command;

use edgefit::assets::{Cache, kernel_libraries};
use serde_json::Value;

use super::{export, quantized_network};
use crate::common::{assert_refused, command, run};

#[test]
fn what_is_no_library_or_does_not_go_with_one_is_refused() {
    let files = quantized_network();
    let folder = files.folder.path().to_str().unwrap();
    let project = files.path("project");
    let refused = export(&files.model, &project, &["--cmsis-nn", folder]);
    assert_refused(
        &refused,
        &["holds no CMSIS-NN", "ARM-software/CMSIS-NN", folder],
    );
    let both = ["--cmsis-nn", folder, "--esp-nn", folder];
    assert_refused(&export(&files.model, &project, &both), &["--esp-nn"]);
    let mut file = command();
    file.arg("export").arg(&files.model);
    file.args(["--to", "tflite", "--esp-nn", folder, "-o"]);
    let refused = run(file.arg(files.path("m.tflite")));
    assert_refused(&refused, &["--to tflite", "--esp-nn"]);
    assert!(!project.exists());
}

#[test]
#[ignore = "takes 1 minute: compiles CMSIS-NN and ESP-NN, which it fetches"]
fn the_bytes_of_the_libraries_are_those_of_the_reference() {
    let libraries = kernel_libraries(&Cache::of_user().unwrap()).unwrap();
    let files = quantized_network();
    for (device, option, folder) in [
        ("stm32f411", "--cmsis-nn", "NN"),
        ("stm32h743", "--cmsis-nn", "NN"),
        ("nrf5340", "--cmsis-nn", "NN"),
        ("esp32-c3", "--esp-nn", "esp-nn"),
    ] {
        let instructions = |more: &[&str]| -> Value {
            let mut verify = command();
            verify.arg("verify").arg(&files.model);
            verify.arg("--inputs").arg(&files.inputs);
            verify.args(["--engine", "c", "--device", device, "--json"]);
            let ran = run(verify.args(more));
            assert_eq!(ran.code, 0, "{ran:?}");
            let document = ran.json("edgefit.verify/1");
            assert_eq!(document["pairs"][1]["different"], 0, "{document}");
            document["emulation"]["least_instructions"].clone()
        };
        let library = libraries.join(folder);
        let called = instructions(&[option, library.to_str().unwrap()]);
        // Others run.
        assert_ne!(called, instructions(&[]), "{device}");
    }
    // CMSIS-NN's headers want a compiler for Arm.
    let library = libraries.join("esp-nn");
    let project = files.path("project");
    let option = ["--esp-nn", library.to_str().unwrap()];
    let ran = export(&files.model, &project, &option);
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut make = Command::new("make");
    let made = make.arg("-C").arg(&project).arg("run").output().unwrap();
    assert!(made.status.success(), "{made:?}");
}
