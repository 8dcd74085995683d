//! Models on microcontrollers: `export`, `verify --engine micro` and `c`, `check --link`.

mod float_network;
mod libraries;
mod litert;
mod network;
mod patches;
mod refused;
mod tflite_micro;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use edgefit::graph::labels;

use crate::common::{
    Ran, assert_fields, assert_refused, command, onnxruntime, resized_backbone, run,
    some_photographs,
};
use network::{Files, network};

/// Names that would be code if they left their literals.
const HOSTILE: [&str; 3] = ["\"; int x = 1; //", "a\\\n*/ ??/", "größe"];

fn quantized_network() -> Files {
    Files::of(&network(), [4, 9, 7], "tflite")
}

fn export(model: &Path, to: &Path, more: &[&str]) -> Ran {
    let mut export = command();
    export
        .arg("export")
        .arg(model)
        .args(["--to", "c", "-o"])
        .arg(to);
    run(export.args(more))
}

#[test]
fn a_project_compiles_without_a_warning_and_runs_its_sample() {
    let files = quantized_network();
    let project = files.path("project");
    let ran = export(&files.model, &project, &["--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.export/1");
    assert_fields(
        &document,
        &[
            "files",
            "arena_bytes",
            "weights_bytes",
            "unsupported",
            "steps",
        ],
    );
    // The peak is the one that the planner of inspect and check finds.
    let inspected = run(command().args(["inspect", "--json"]).arg(&files.model));
    let planned = inspected.json("edgefit.inspect/1")["memory"]["arena_bytes"].clone();
    assert_eq!(document["arena_bytes"], planned);
    let made = run(Command::new("make").arg("-C").arg(&project).arg("run"));
    assert_eq!(made.code, 0, "{made:?}");
    for cpu in ["cortex-m0plus", "cortex-m4", "cortex-m33"] {
        let mut make = Command::new("make");
        make.arg("-C")
            .arg(&project)
            .args(["-B", "CC=arm-none-eabi-gcc", "model.o"]);
        let made = run(make.arg(format!("CFLAGS=-O2 -mthumb -mcpu={cpu}")));
        assert_eq!(made.code, 0, "{made:?}");
    }
    // The same again, byte for byte.
    let again = files.path("again");
    assert_eq!(export(&files.model, &again, &[]).code, 0);
    for name in document["files"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let [one, two] = [&project, &again].map(|folder| fs::read(folder.join(name)).unwrap());
        assert_eq!(one, two, "{name}");
    }
    let taken = export(&files.model, &project, &[]);
    assert_refused(&taken, &["project", "is there already"]);
}

#[test]
fn names_of_the_model_never_leave_their_literals() {
    let mut graph = network();
    let names = [HOSTILE[0], HOSTILE[1], HOSTILE[2], "plain"].map(str::to_owned);
    labels::store(&mut graph, &names);
    for node in &mut graph.nodes {
        node.name = format!("{}*/\"\n#error {}", HOSTILE[0], node.name);
    }
    let files = Files::of(&graph, [4, 9, 7], "tflite");
    let project = files.path("project");
    let ran = export(&files.model, &project, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let source = fs::read_to_string(project.join("model.c")).unwrap();
    assert!(source.is_ascii() && !source.contains("#error"));
    let bytes: Vec<String> = names
        .iter()
        .map(|name| {
            let bytes: Vec<String> = name.bytes().map(|byte| byte.to_string()).collect();
            format!("{{{}, 0}}", bytes.join(", "))
        })
        .collect();
    let main = format!(
        "#include <string.h>\n#include \"model.h\"\nint main(void) {{\n    static const unsigned char wanted[4][64] = {{{}}};\n    \
         int at;\n    for (at = 0; at < MODEL_LABELS; at++) {{\n        if (strcmp(model_labels[at], (const char *)wanted[at]) != 0) \
         {{ return 1; }}\n    }}\n    return 0;\n}}\n",
        bytes.join(", ")
    );
    fs::write(project.join("main.c"), main).unwrap();
    let made = run(Command::new("make").arg("-C").arg(&project).arg("run"));
    assert_eq!(made.code, 0, "{made:?}");
}

#[test]
fn c_on_an_emulated_core_is_the_reference_and_that_is_near_an_engine() {
    let files = quantized_network();
    let verify = |more: &[&str]| {
        let mut verify = command();
        verify
            .arg("verify")
            .arg(&files.model)
            .arg("--inputs")
            .arg(&files.inputs);
        run(verify.args(more))
    };
    for device in ["stm32h743", "stm32f411", "nrf5340", "esp32-c3"] {
        let arguments = [
            "--engine",
            "c",
            "--device",
            device,
            "--samples",
            "10",
            "--json",
        ];
        let ran = verify(&arguments);
        assert_eq!(ran.code, 0, "{ran:?}");
        let document = ran.json("edgefit.verify/1");
        let [reference, c] = document["pairs"].as_array().unwrap().as_slice() else {
            panic!("{document}");
        };
        assert_eq!(
            (&reference["a"], &c["a"], &c["b"]),
            (&"micro".into(), &"c".into(), &"micro".into())
        );
        assert_eq!((&c["different"], &c["bytes"]), (&0.into(), &40.into()));
        assert_eq!(reference["top1_agree"], 1.0, "{document}");
        // A step of a logit is more in its share.
        assert!(reference["max_steps"].as_u64().unwrap() <= 4, "{document}");
        assert!(
            document["emulation"]["least_instructions"]
                .as_u64()
                .unwrap()
                > 10_000
        );
    }
    let text = verify(&["--engine", "micro"]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(text.stdout.contains("agree on 8 samples"), "{text:?}");
    assert_refused(&verify(&["--engine", "c"]), &["--device"]);
    let unknown = verify(&["--engine", "c", "--device", "rp2040"]);
    assert_refused(&unknown, &["rp2040", "no board", "--engine micro"]);
    let mut without = command();
    without
        .arg("verify")
        .arg(&files.model)
        .args(["--engine", "micro"]);
    assert_refused(&run(&mut without), &["--data DIR"]);
    let mut no_tools = command();
    no_tools
        .arg("verify")
        .arg(&files.model)
        .arg("--inputs")
        .arg(&files.inputs);
    no_tools
        .args(["--engine", "c", "--device", "stm32h743"])
        .env("PATH", files.folder.path());
    assert_refused(
        &run(&mut no_tools),
        &["arm-none-eabi-gcc is not here", "apt-get install"],
    );
}

#[test]
fn logits_of_the_reference_are_within_a_few_steps_of_an_engine() {
    let mut graph = network();
    graph.nodes.pop();
    graph.outputs[0].name = "l".into();
    let files = Files::of(&graph, [4, 9, 7], "tflite");
    let mut verify = command();
    verify
        .arg("verify")
        .arg(&files.model)
        .arg("--inputs")
        .arg(&files.inputs);
    let ran = run(verify.args(["--engine", "micro", "--samples", "60", "--json"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let pair = ran.json("edgefit.verify/1")["pairs"][0].clone();
    // Means of four elements are halves often, which TFLite rounds away from zero and ONNX to even.
    assert!(pair["max_steps"].as_u64().unwrap() <= 3, "{pair}");
    assert!(pair["cosine"].as_f64().unwrap() > 0.999, "{pair}");
}

/// A profile that is the STM32F411 with `reserved` bytes of its RAM taken.
fn reserved(folder: &Path, reserved: u64) -> PathBuf {
    let path = folder.join(format!("reserved-{reserved}.toml"));
    let text = format!(
        "version = 2\nname = \"reserved-{reserved}\"\ntitle = \"A board\"\nextends = \"stm32f411\"\n\n[[bank]]\nname = \
         \"SRAM\"\nreserved_bytes = {{ value = {reserved}, kind = \"estimate\", source = \"a test\" }}\n"
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_linker_says_whether_it_fits_to_the_byte() {
    let files = quantized_network();
    let check = |device: &str| {
        let mut check = command();
        check
            .arg("check")
            .arg(&files.model)
            .args(["--link", "--json", "--device", device]);
        run(&mut check)
    };
    let ran = check("stm32f411");
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.check/1");
    assert_eq!(
        (&document["verdict"], &document["engine"]),
        (&"fits".into(), &"c".into())
    );
    let exported = export(
        &files.model,
        &files.path("project"),
        &["--json", "--device", "stm32f411"],
    );
    let exported = exported.json("edgefit.export/1");
    let sections = document["sections"].as_array().unwrap();
    let arena = sections
        .iter()
        .find(|section| section["name"] == ".arena0")
        .unwrap();
    assert_eq!(arena["bytes"], exported["arena_bytes"]);
    assert_eq!(exported["arenas"][0]["bank"], "SRAM");
    let figure = |document: &serde_json::Value, place: &str, name: &str| {
        let budgets = document["budgets"].as_array().unwrap();
        let budget = budgets
            .iter()
            .find(|budget| budget["place"] == place)
            .unwrap();
        assert_eq!(budget["basis"], "linked");
        budget[name].as_i64().unwrap()
    };
    let (flash, off) = (
        figure(&document, "flash", "need_bytes"),
        figure(&document, "flash", "difference"),
    );
    assert!(off.abs() * 20 < flash, "{document}");
    let ram = figure(&document, "SRAM", "need_bytes");
    assert!(
        figure(&document, "SRAM", "difference").abs() <= 16,
        "{document}"
    );
    // On either side of the limit.
    let spare = u64::try_from(figure(&document, "SRAM", "margin")).unwrap();
    let enough = check(reserved(files.folder.path(), spare).to_str().unwrap());
    assert_eq!(enough.code, 0, "{enough:?}");
    let short = check(reserved(files.folder.path(), spare + 8).to_str().unwrap());
    assert_eq!(short.code, 1, "{short:?}");
    let short = short.json("edgefit.check/1");
    assert_eq!(short["verdict"], "does_not_fit");
    assert_eq!(figure(&short, "SRAM", "margin"), -8);
    assert_eq!(figure(&short, "SRAM", "need_bytes"), ram);
    assert!(
        short["refusal"]
            .as_str()
            .unwrap()
            .contains("overflowed by 8 bytes"),
        "{short}"
    );
    assert_refused(&check("esp32"), &["Xtensa", "nothing was linked"]);
    let risc_v = check("esp32-c3");
    assert_eq!(risc_v.code, 0, "{risc_v:?}");
    let risc_v = risc_v.json("edgefit.check/1");
    assert_eq!(risc_v["core"], "rv32imc");
    assert_eq!(figure(&risc_v, "SRAM1", "difference"), 0, "{risc_v}");
    let mut both = command();
    both.arg("check")
        .arg(&files.model)
        .args(["--link", "--layers", "--device", "stm32f411"]);
    assert_refused(&run(&mut both), &["leave out --layers"]);
}

#[test]
fn integers_on_a_microcontroller_are_checked_for_engine_c() {
    let files = quantized_network();
    let check = |model: &Path, more: &[&str]| {
        let mut check = command();
        run(check.arg("check").arg(model).args(more))
    };
    for (device, linked) in [("stm32h743", "--link"), ("esp32", "Xtensa LX6")] {
        let ran = check(&files.model, &["--device", device, "--strict", "--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        let document = ran.json("edgefit.check/1");
        assert_eq!(document["engine"], "c");
        assert_eq!(document["verdict"], "fits");
        assert_eq!(document["budgets"][1]["basis"], "estimate");
        let words = document["not_linked"].as_str().unwrap();
        assert!(words.contains(linked), "{words}");
    }
    let esp32 = export(
        &files.model,
        &files.path("esp32"),
        &["--device", "esp32", "--json"],
    );
    let document = esp32.json("edgefit.export/1");
    assert_eq!(document["arenas"][0]["bank"], "SRAM2", "{document}");
    let named = check(
        &files.model,
        &["--device", "stm32h743", "--engine", "tflite-micro"],
    );
    assert_eq!(named.code, 0, "{named:?}");
    assert!(
        named.stdout.starts_with("fits, if tflite-micro"),
        "{named:?}"
    );
    let other = Files::of(&network(), [4, 9, 7], "onnxruntime-x86");
    let refused = check(&other.model, &["--device", "stm32h743"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    for word in ["does not run on stm32h743 with c", "--scheme tflite"] {
        assert!(refused.stdout.contains(word), "«{word}»: {refused:?}");
    }
}

#[test]
#[ignore = "takes 1 minute"]
fn a_real_network_on_an_emulated_core_answers_as_the_reference() {
    onnxruntime();
    let data = some_photographs(&["bird", "flower", "vehicle"], 20);
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("int8.onnx");
    let mut quantize = command();
    quantize
        .arg("quantize")
        .arg(resized_backbone())
        .arg("--data")
        .arg(data.path());
    quantize.args([
        "--scheme",
        "tflite",
        "--calibration",
        "30",
        "--all-int8",
        "-o",
    ]);
    let ran = run(quantize.arg(&model));
    assert!(ran.code < 2, "{ran:?}");
    let mut verify = command();
    verify
        .arg("verify")
        .arg(&model)
        .arg("--data")
        .arg(data.path());
    verify.args([
        "--engine",
        "c",
        "--device",
        "stm32h743",
        "--samples",
        "40",
        "--json",
    ]);
    let ran = run(&mut verify);
    assert_eq!(ran.code, 0, "{ran:?}");
    let document = ran.json("edgefit.verify/1");
    assert_eq!(document["samples"], 40);
    assert_eq!(document["pairs"][1]["different"], 0, "{document}");
}
