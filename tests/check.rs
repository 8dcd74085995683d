//! Verdicts and their reasons.

use edgefit::graph::{DataType, Dim, Graph, Node, Tensor, ValueInfo, ValueType};

use crate::common::{assert_fields, assert_refused, backbone, command, edgefit, onnxruntime, run};

fn check(device: &str, more: &[&str]) -> crate::common::Ran {
    run(command()
        .arg("check")
        .arg(backbone())
        .args(["--device", device])
        .args(more))
}

#[test]
fn a_microcontroller_says_no_and_why() {
    let ran = check("stm32h743", &["--json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let verdict = ran.json("edgefit.check/1");
    assert_eq!(verdict["verdict"], "does_not_fit");
    assert_eq!(verdict["device"], "stm32h743");
    let ram = &verdict["budgets"][1];
    assert_eq!(ram["resource"], "ram");
    assert_eq!(ram["place"], "AXI SRAM");
    assert_eq!(ram["have_bytes"], 524_288);
    // Activations, and what the engine keeps of tensors, nodes and channels, for which no other bank has room.
    let need = 6_021_120 + 173_680;
    assert_eq!(ram["need_bytes"], need);
    assert_eq!(ram["margin"], 524_288 - need);
    assert_eq!(ram["holds"], false);
    assert_fields(
        &verdict,
        &[
            "budgets.0.basis",
            "engine",
            "element_type",
            "latency.low_ns",
            "latency.high_ns",
        ],
    );
    // One of the smaller networks that are built in fits, with as many classes.
    let tried = verdict["suggestions"].as_array().unwrap();
    let (last, before) = tried.split_last().unwrap();
    assert!(last["change"].as_str().unwrap().contains("int8"), "{last}");
    assert!(
        last["change"].as_str().unwrap().ends_with("with c"),
        "{last}"
    );
    assert_eq!(last["verdict"], "fits", "{last}");
    for earlier in before {
        assert_eq!(earlier["verdict"], "does_not_fit", "{earlier}");
    }

    let words = check("stm32h743", &[]);
    assert_eq!(words.code, 1);
    for word in ["AXI SRAM", "5670512 B", "largest", "flash", "int8"] {
        assert!(words.stdout.contains(word), "{word}: {words:?}");
    }
}

#[test]
fn a_raspberry_pi_and_this_machine_say_yes() {
    for device in ["raspberry-pi-4b", "host"] {
        let ran = check(device, &["--json"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.json("edgefit.check/1")["verdict"], "fits");
    }
}

/// A layer of type `dtype` behind a Relu, in a file of `folder`.
fn typed(folder: &std::path::Path, dtype: DataType, name: &str) -> std::path::PathBuf {
    let mut graph = Graph::new("typed", 17);
    let value = |name: &str| {
        let mut value = ValueInfo::f32(name, vec![]);
        value.ty = ValueType::Tensor { dtype, dims: None };
        value
    };
    let mut input = value("x");
    let dims = [1, 8].map(Dim::Known).to_vec();
    input.ty = ValueType::Tensor {
        dtype,
        dims: Some(dims),
    };
    graph.inputs.push(input);
    graph.outputs.push(value("y"));
    let weight = Tensor::new(dtype, vec![8, 4], vec![0; 32 * dtype.size()].into()).unwrap();
    graph.initializers.insert("w".into(), weight);
    let bias = Tensor::new(dtype, vec![4], vec![0; 4 * dtype.size()].into()).unwrap();
    graph.initializers.insert("b".into(), bias);
    graph.nodes = vec![
        Node::new("Relu", "relu", &["x"], &["r"]),
        Node::new("Gemm", "fc", &["r", "w", "b"], &["y"]),
    ];
    let path = folder.join(name);
    graph.save(&path).unwrap();
    path
}

#[test]
fn an_engine_that_refuses_the_model_is_a_no_that_names_the_node() {
    onnxruntime();
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &std::path::Path, more: &[&str]| {
        let mut check = command();
        run(check.arg("check").arg(path).args(more))
    };
    let half = typed(folder.path(), DataType::F16, "f16.onnx");
    for device in ["host", "raspberry-pi-4b"] {
        let tract = check(&half, &["--device", device, "--json"]);
        assert_eq!(tract.code, 1, "{tract:?}");
        let tract = tract.json("edgefit.check/1");
        assert_eq!(tract["verdict"], "does_not_fit");
        assert_eq!(tract["runs"]["holds"], false);
        assert_eq!(tract["runs"]["basis"], "measured");
        assert_eq!(tract["runs"]["node"], "fc", "{tract}");
        assert_eq!(tract["suggestions"][0]["change"], "--engine onnxruntime");
        assert_eq!(tract["suggestions"][0]["verdict"], "fits");
        let other = check(&half, &["--device", device, "--engine", "onnxruntime"]);
        assert_eq!(other.code, 0, "{other:?}");
    }
    let words = check(&half, &["--device", "host"]).stdout;
    for word in [
        "does not run on host with tract",
        "node 'fc' (Gemm)",
        "export the model in f32",
    ] {
        assert!(words.contains(word), "«{word}»: {words}");
    }
    let micro = check(&half, &["--device", "stm32h743"]);
    assert_eq!(micro.code, 1, "{micro:?}");
    for word in [
        "does not run on stm32h743",
        "node 'relu' (Relu) computes in f16",
        "tried: f32 fits, if",
    ] {
        assert!(micro.stdout.contains(word), "«{word}»: {micro:?}");
    }
    let brain = typed(folder.path(), DataType::BF16, "bf16.onnx");
    for (engine, words) in [
        ("tract", "no bfloat16"),
        ("onnxruntime", "does not have its operator"),
    ] {
        let ran = check(&brain, &["--device", "host", "--engine", engine]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stdout.contains(words), "{ran:?}");
    }
    let measured = check(&half, &["--measure", "--engine", "tract"]);
    assert_eq!(measured.code, 1, "{measured:?}");
    assert!(
        measured.stdout.contains("does not run on host"),
        "{measured:?}"
    );
    let measured = check(&half, &["--measure", "--engine", "onnxruntime"]);
    assert_eq!(measured.code, 0, "{measured:?}");
}

#[test]
fn a_microcontroller_says_yes_under_a_condition() {
    let folder = tempfile::tempdir().unwrap();
    let small = typed(folder.path(), DataType::F32, "f32.onnx");
    let check = |more: &[&str]| {
        let mut check = command();
        run(check
            .arg("check")
            .arg(&small)
            .args(["--device", "rp2040"])
            .args(more))
    };
    let ran = check(&["--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = ran.json("edgefit.check/1");
    assert_eq!(ran["verdict"], "unknown");
    assert_eq!(ran["fits_if"][0]["resource"], "ram");
    assert_eq!(ran["fits_if"][0]["missing"], "tflite-micro's own RAM");
    let bytes = ran["fits_if"][0]["bytes"].as_u64().unwrap();
    assert!((260 << 10..264 << 10).contains(&bytes), "{bytes}");
    let strict = check(&["--strict"]);
    assert_eq!(strict.code, 1, "{strict:?}");
    let words = "fits, if tflite-micro's own RAM is below 26";
    assert!(strict.stdout.starts_with(words), "{strict:?}");
}

#[test]
fn limits_are_held_alone_or_instead_of_the_devices() {
    let alone = run(command()
        .arg("check")
        .arg(backbone())
        .args(["--ram", "1 GiB", "--flash", "4MiB", "--json"]));
    assert_eq!(alone.code, 1, "{alone:?}");
    let alone = alone.json("edgefit.check/1");
    assert_eq!(alone["device"], "host");
    assert_eq!(alone["budgets"][0]["have_bytes"], 4 << 20);
    assert_eq!(alone["budgets"][0]["holds"], false);
    assert_eq!(alone["budgets"][1]["place"], "limit");
    assert_eq!(alone["budgets"][1]["holds"], true);

    let never = check("raspberry-pi-4b", &["--latency", "1us", "--json"]);
    assert_eq!(never.code, 1, "{never:?}");
    let never = never.json("edgefit.check/1");
    let latency = &never["budgets"][1];
    assert_eq!(latency["resource"], "latency");
    assert_eq!(
        (latency["have_ns"].as_u64(), &latency["holds"]),
        (Some(1000), &false.into())
    );
    assert_fields(latency, &["need_ns", "margin", "basis"]);
    let always = check("raspberry-pi-4b", &["--latency", "60s", "--threads", "1"]);
    assert_eq!(always.code, 0, "{always:?}");
    assert!(always.stdout.contains("1 thread)"), "{always:?}");
}

#[test]
fn engines_of_the_profile_can_be_chosen() {
    let spread = check("stm32h747", &["--engine", "stm32cube-ai", "--json"]);
    assert_eq!(spread.json("edgefit.check/1")["engine"], "stm32cube-ai");
    assert_refused(
        &check("stm32h747", &["--engine", "tract"]),
        &[
            "no engine 'tract'",
            "use one of c, tflite-micro, stm32cube-ai",
        ],
    );
}

#[test]
fn layers_and_the_picture_are_shown_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("plan.svg");
    let ran = check(
        "raspberry-pi-4b",
        &["--layers", "--json", "--plan", svg.to_str().unwrap()],
    );
    let ran = ran.json("edgefit.check/1");
    let layers = ran["layers"].as_array().unwrap();
    let sum: u64 = layers
        .iter()
        .map(|layer| layer["ns"].as_u64().unwrap())
        .sum();
    assert_eq!(ran["latency"]["ns"], sum);
    let macs: u64 = layers
        .iter()
        .map(|layer| layer["macs"].as_u64().unwrap())
        .sum();
    assert_eq!(macs, 385_187_552);
    assert_fields(&ran, &["layers.0.bound", "layers.0.op", "classes.0.class"]);
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let words = check("raspberry-pi-4b", &["--layers"]).stdout;
    assert!(
        words.contains("bound by") && words.contains("pointwise"),
        "{words}"
    );
}

/// Holds that the flags were refused with all of `words`.
fn assert_flags_refused(ran: &crate::common::Ran, words: &[&str]) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    for word in words {
        assert!(ran.stderr.contains(word), "«{word}»: {ran:?}");
    }
}

#[test]
fn sizes_and_times_need_units() {
    for (flag, value, words) in [
        ("--ram", "64", "has no unit; write \"512 KiB\""),
        ("--ram", "64 MHz", "use one of B, kB"),
        ("--ram=-1MiB", "", "negative"),
        ("--latency", "30", "has no unit; write \"30 ms\""),
        ("--latency", "0ms", "at least 1"),
    ] {
        let flags: Vec<&str> = [flag, value]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        assert_flags_refused(&check("host", &flags), &[words]);
    }
    let nothing = run(command().arg("check").arg(backbone()));
    assert_flags_refused(&nothing, &["--device"]);
}

#[test]
fn a_model_of_unknown_size_asks_for_it() {
    let mut graph = Graph::new("open", 17);
    let open = Dim::Unknown;
    let dims = vec![open.clone(), Dim::Known(3), open.clone(), open];
    graph.inputs.push(ValueInfo::f32("x", dims));
    graph.outputs.push(ValueInfo::float("y"));
    graph.nodes.push(Node::new("Relu", "act", &["x"], &["y"]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("open.onnx");
    graph.save(&path).unwrap();
    let check = |more: &[&str]| {
        let mut check = command();
        run(check
            .arg("check")
            .arg(&path)
            .args(["--device", "host"])
            .args(more))
    };
    assert_refused(&check(&[]), &["open.onnx", "'x'", "--input-shape"]);
    assert_eq!(check(&["--input-shape", "1x3x32x32"]).code, 0);
}

#[test]
fn a_table_of_buffers_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("buffers.csv");
    std::fs::write(&table, "id,lower,upper,size\na,0,2,8\nb,1,3,4\nc,2,4,8\n").unwrap();
    let plan = |more: &[&str]| run(command().arg("plan").arg(&table).args(more));
    let svg = folder.path().join("plan.svg");
    let fits = plan(&["--capacity", "12", "--json", "--svg", svg.to_str().unwrap()]);
    assert_eq!(fits.code, 0, "{fits:?}");
    let fits = fits.json("edgefit.plan/1");
    assert_eq!(
        (&fits["peak_bytes"], &fits["capacity"]),
        (&12.into(), &12.into())
    );
    assert_eq!(fits["lower_bound_bytes"], 12);
    assert_eq!(fits["offsets"].as_array().unwrap().len(), 3);
    assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let words = plan(&["--capacity", "1KiB"]);
    assert!(
        words.code == 0 && words.stdout.contains("lower bound"),
        "{words:?}"
    );
    let short = plan(&["--capacity", "11"]);
    assert!(
        short.code == 1 && short.stdout.contains("does not fit"),
        "{short:?}"
    );

    std::fs::write(&table, "id,lower,upper,size\na,3,3,8\n").unwrap();
    let words = ["buffers.csv", "line 2", "upper 3 is not above lower 3"];
    assert_refused(&plan(&[]), &words);
    assert_refused(
        &edgefit(&["plan", "missing.csv"]),
        &["missing.csv", "give a CSV file"],
    );
}

#[test]
fn profiles_are_listed_and_shown() {
    let listed = edgefit(&["device", "list", "--json"]).json("edgefit.devices/1");
    assert_fields(&listed, &["devices.2.name"]);
    let shown = edgefit(&["device", "show", "stm32h743", "--json"]).json("edgefit.device/1");
    assert_eq!(shown["bank"][0]["bytes"]["kind"], "data sheet");
}

#[test]
fn a_misspelt_device_and_a_broken_profile_are_explained() {
    assert_refused(
        &check("stm32h734", &[]),
        &["'stm32h734'", "did you mean 'stm32h743'"],
    );
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("board.toml");
    std::fs::write(&profile, "version = 2\nnaem = \"board\"\n").unwrap();
    let refused = check(profile.to_str().unwrap(), &[]);
    assert_refused(&refused, &["board.toml", "line 2", "did you mean 'name'"]);
    let overlapping = "version = 2\nname = \"board\"\ntitle = \"Board\"\nextends = \"stm32h743\"\n\
         [[bank]]\nname = \"SRAM1\"\nstart = 0x2400_0000\n";
    std::fs::write(&profile, overlapping).unwrap();
    let refused = check(profile.to_str().unwrap(), &[]);
    assert_refused(&refused, &["board.toml", "SRAM1", "AXI SRAM", "overlap"]);
    let negative = "version = 2\nname = \"board\"\nextends = \"stm32h743\"\n[flash]\n\
         bytes = { value = -1, kind = \"estimate\", source = \"a guess\" }\n";
    std::fs::write(&profile, negative).unwrap();
    let refused = check(profile.to_str().unwrap(), &[]);
    assert_refused(&refused, &["board.toml", "line 5", "-1 is negative"]);
    assert_refused(
        &check("host", &["--input-shape", "1x3"]),
        &["'input'", "4 dimensions"],
    );
}
