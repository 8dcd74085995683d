//! `export --to tflite` in TensorFlow Lite for Microcontrollers itself: its answers, and its arena.

use std::fs;
use std::path::Path;
use std::process::Command;

use edgefit::graph::{Graph, Tensor};
use edgefit::micro::lower;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::network::{Files, network};
use crate::common::published::{keyword_spotting, resnet8, visual_wake_words};
use crate::common::python::python_with;
use crate::common::{command, own_ram_of_tflite_micro, run};

/// Inputs of noise.
const SAMPLES: usize = 20;

/// A network with random weights in the place of its zeros; vectors are positive, as variances are.
fn seeded(mut graph: Graph) -> Graph {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for tensor in graph.initializers.values_mut() {
        let dims = tensor.dims().to_vec();
        let inputs = dims.iter().skip(1).product::<usize>();
        let most = (3.0 / inputs as f32).sqrt();
        let range = match dims.len() {
            1 => 0.5..1.5,
            _ => -most..most,
        };
        let values: Vec<f32> = (0..tensor.elements())
            .map(|_| random.random_range(range.clone()))
            .collect();
        *tensor = Tensor::from_values(dims, &values);
    }
    graph
}

/// The bytes that the allocator says that `part` takes.
fn recorded(said: &str, part: &str) -> u64 {
    let (_, after) = said.split_once(&format!("{part} ")).unwrap();
    after.split(' ').next().unwrap().parse().unwrap()
}

/// Own RAM of tflite-micro on a 32-bit core, as far as a check knows it.
fn predicted(model: &Path) -> u64 {
    let mut check = command();
    check.arg("check").arg(model);
    let ran = run(check.args(["--device", "rp2040", "--engine", "tflite-micro", "--json"]));
    let document = ran.json("edgefit.check/1");
    let budgets = document["budgets"].as_array().unwrap();
    let ram = budgets.iter().find(|budget| budget["resource"] == "ram");
    own_ram_of_tflite_micro(ram.unwrap())
}

#[test]
#[ignore = "takes a minute: fetches Python packages"]
fn tflite_micro_gives_the_bytes_of_the_reference_in_the_planned_arena() {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/micro/tflite_micro/requirements.txt");
    let python = python_with(&requirements, "tflite-micro-python");
    let script = requirements.with_file_name("run.py");
    for (graph, dims) in [
        (network(), [4, 9, 7]),
        (seeded(resnet8()), [3, 32, 32]),
        (seeded(visual_wake_words()), [3, 96, 96]),
        (seeded(keyword_spotting()), [1, 49, 10]),
    ] {
        let files = Files::of(&graph, dims, "tflite");
        let name = &graph.name;
        let program = lower(&Graph::load(&files.model).unwrap()).unwrap();
        let [model, inputs, outputs] =
            ["model.tflite", "inputs.bin", "outputs.bin"].map(|name| files.path(name));
        let mut export = command();
        export.arg("export").arg(&files.model);
        let exported = run(export.args(["--to", "tflite", "--json", "-o"]).arg(&model));
        assert_eq!(exported.code, 0, "{exported:?}");
        let mut bytes = vec![0; SAMPLES * dims.iter().product::<usize>()];
        ChaCha8Rng::seed_from_u64(4).fill_bytes(&mut bytes);
        fs::write(&inputs, &bytes).unwrap();

        let interpret = || {
            let mut interpreter = Command::new(&python);
            let ran = run(interpreter.arg(&script).args([&model, &inputs, &outputs]));
            assert_eq!(ran.code, 0, "{name}: {ran:?}");
            ["head", "tail"].map(|part| recorded(&ran.stderr, part))
        };
        let [head, tail] = interpret();
        let theirs = fs::read(&outputs).unwrap();
        let bytes: Vec<i8> = bytes.iter().map(|&byte| byte.cast_signed()).collect();
        let samples = bytes.chunks(bytes.len() / SAMPLES);
        let ours: Vec<u8> = samples
            .flat_map(|sample| program.run(sample))
            .map(i8::cast_unsigned)
            .collect();
        let off = ours.iter().zip(&theirs);
        let off = off.map(|(a, b)| a.cast_signed().abs_diff(b.cast_signed()));
        let off: Vec<u8> = off.filter(|off| *off > 0).collect();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        assert!(off.is_empty(), "{name}: {off:?} of {}", ours.len());

        let planned = exported.json("edgefit.export/1")["arena_bytes"].clone();
        assert_eq!(planned, head, "{name}");
        let mut export = command();
        export.arg("export").arg(&files.model).arg("--no-plan");
        fs::remove_file(&model).unwrap();
        let exported = run(export.args(["--to", "tflite", "-o"]).arg(&model));
        assert_eq!(exported.code, 0, "{exported:?}");
        let [own, _] = interpret();
        println!("{name}: {head} B as planned in the file, {own} B by its own planner");
        assert!(own >= head, "{name}: {own} instead of {head}");
        let known = predicted(&files.model);
        // Pointers have twice the size here.
        assert!(
            known < tail && tail < 3 * known + 4096,
            "{name}: {known} of {tail}"
        );
    }
}
