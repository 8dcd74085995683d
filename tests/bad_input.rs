//! What users feed by mistake, and what somebody feeds on purpose: exit 2, one line that names the
//! file and the fix, no half-written output.

mod places;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::wire::{external, field, model, node, number, tensor};
use crate::common::{
    assert_refused, backbone, command, run, small_backbone, some_photographs, weights,
};

fn import(checkpoint: &Path, out: &Path) -> Command {
    let mut import = command();
    import
        .arg("import")
        .arg(checkpoint)
        .args(["--arch", "efficientnet-lite0", "-o"])
        .arg(out);
    import
}

fn train(data: &Path, model: &Path, out: &Path) -> Command {
    let mut train = crate::common::train(data, model);
    train.arg("-o").arg(out);
    train
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn damaged_and_hostile_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("model.onnx");
    let proof = folder.path().join("proof");
    let whole = fs::read(weights()).unwrap();
    let evil = format!("cos\nsystem\n(Vtouch {}\ntR.", proof.display());
    for (name, bytes) in [
        ("truncated.pth", &whole[..whole.len() / 2]),
        ("short.pth", &whole[..100]),
        ("empty.pth", b""),
        ("text.pth", b"these are not weights"),
        ("evil.pth", evil.as_bytes()),
        ("text.safetensors", b"these are not weights"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert_refused(&run(&mut import(&path, &out)), &[name]);
        assert!(!out.exists(), "{name}");
    }
    assert!(!proof.exists());
    let absent = folder.path().join("absent.pth");
    assert_refused(
        &run(&mut import(&absent, &out)),
        &["absent.pth", "cannot read"],
    );
}

#[test]
fn damaged_models() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(backbone()).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 0xff;
    for (name, bytes) in [
        ("empty.onnx", &b""[..]),
        ("text.onnx", b"this is not a model"),
        ("truncated.onnx", &whole[..whole.len() / 2]),
        ("flipped.onnx", &flipped),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        for verb in ["inspect", "verify"] {
            assert_refused(&run(command().arg(verb).arg(&path)), &[name]);
        }
        let mut check = command();
        check.arg("check").arg(&path).args(["--device", "host"]);
        assert_refused(&run(&mut check), &[name]);
    }
    assert_refused(
        &run(command().args(["inspect", "absent.onnx"])),
        &["absent.onnx"],
    );
    // A model of another kind is called what it is.
    assert_refused(
        &run(command().arg("inspect").arg(weights())),
        &["a PyTorch file", "edgefit import", "torch.onnx.export"],
    );
    assert_refused(
        &run(command().arg("inspect").arg(folder.path())),
        &["without a model.onnx"],
    );
}

#[test]
fn models_that_break_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, [0; 64]).unwrap();
    let inside = folder.path().join("model");
    fs::create_dir(&inside).unwrap();
    std::os::unix::fs::symlink(&secret, inside.join("link")).unwrap();
    fs::write(inside.join("data"), [0; 8]).unwrap();
    let relu = |name: &str, from: &str, to: &str| node("Relu", name, &[from], &[to], &[]);
    let add = node("Add", "sum", &["x", "w"], &["y"], &[]);
    let weight =
        |dims: &[i64], bytes: usize| field(5, &tensor("w", dims, &field(9, &vec![0; bytes])));
    // NodeProto: attribute 5 (name 1, g 6, type 20), domain 7.
    let nested = field(
        5,
        &[field(1, b"body"), field(6, &[]), number(20, 5)].concat(),
    );
    let absolute = secret.to_str().unwrap();
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "cycle",
            model(&[1], &[relu("one", "y", "a"), relu("two", "a", "y")]),
            &["'one'", "cycle"],
        ),
        (
            "order",
            model(&[1], &[relu("late", "a", "y"), relu("early", "x", "a")]),
            &["'late'", "before it is made"],
        ),
        (
            "twice",
            model(&[1], &[relu("one", "x", "y"), relu("two", "x", "y")]),
            &["'two'", "second time"],
        ),
        (
            "lost",
            model(&[1], std::slice::from_ref(&add)),
            &["'sum'", "'w'", "missing"],
        ),
        (
            "bytes",
            model(&[1], &[add.clone(), weight(&[4], 8)]),
            &["'w'", "8 bytes", "16"],
        ),
        (
            "negative",
            model(&[1], &[add.clone(), weight(&[-4], 8)]),
            &["'w'", "-4"],
        ),
        (
            "huge",
            model(&[1], &[add.clone(), weight(&[i64::MAX, 8], 8)]),
            &["'w'", "memory"],
        ),
        ("zero", model(&[0], &[relu("one", "x", "y")]), &["'x'", "0"]),
        (
            "astronomic",
            model(&[1 << 40, 1 << 20], &[relu("one", "x", "y")]),
            &["'x'", "memory"],
        ),
        (
            "nested",
            model(&[1], &[node("If", "branch", &["x"], &["y"], &nested)]),
            &["'branch'", "'body'"],
        ),
        (
            "domain",
            model(
                &[1],
                &[node("Relu", "odd", &["x"], &["y"], &field(7, b"my.own"))],
            ),
            &["'odd'", "'domain'", "my.own"],
        ),
        (
            "up",
            model(&[1], &[add.clone(), external("../secret", "4")]),
            &["'w'", "../secret"],
        ),
        (
            "absolute",
            model(&[1], &[add.clone(), external(absolute, "4")]),
            &["'w'", "secret"],
        ),
        (
            "link",
            model(&[1], &[add.clone(), external("link", "4")]),
            &["'w'", "link"],
        ),
        (
            "past",
            model(&[1], &[add, external("data", "400")]),
            &["'w'", "data"],
        ),
    ];
    for (name, bytes, words) in cases {
        let path = inside.join(format!("{name}.onnx"));
        fs::write(&path, &bytes).unwrap();
        for verb in ["inspect", "verify"] {
            let ran = run(command().arg(verb).arg(&path));
            assert_refused(&ran, &[&[&format!("{name}.onnx") as &str], words].concat());
        }
    }
    // The same with nothing wrong.
    let path = inside.join("sound.onnx");
    fs::write(&path, model(&[2, 3], &[relu("one", "x", "y")])).unwrap();
    assert_eq!(run(command().arg("inspect").arg(&path)).code, 0);
}

#[test]
fn folders_that_are_no_dataset() {
    let out = tempfile::tempdir().unwrap();
    let run_folder = out.path().join("run");
    let refused = |data: &Path, words: &[&str]| {
        assert_refused(&run(&mut train(data, small_backbone(), &run_folder)), words);
        assert!(!run_folder.exists());
    };
    let data = some_photographs(&["bird", "flower"], 6);
    fs::create_dir(data.path().join("empty")).unwrap();
    refused(data.path(), &["empty", "no images", "remove it"]);

    let one = some_photographs(&["bird"], 6);
    refused(one.path(), &["one class only, 'bird'"]);

    let few = some_photographs(&["bird", "flower"], 2);
    refused(few.path(), &["'bird'", "too few"]);

    refused(Path::new("no/such/folder"), &["no/such/folder"]);
    refused(tempfile::tempdir().unwrap().path(), &["no class folders"]);

    let broken = some_photographs(&["bird"], 6);
    fs::create_dir(broken.path().join("junk")).unwrap();
    fs::write(broken.path().join("junk/a.png"), "junk").unwrap();
    refused(
        broken.path(),
        &["junk", "no image that can be read", "a.png"],
    );
    fs::write(broken.path().join("junk/a.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    refused(broken.path(), &["'junk' has 0 readable images"]);
}

#[test]
fn a_model_without_preprocessing_is_tried_out() {
    let folder = tempfile::tempdir().unwrap();
    let mute = |name: &str, backbone: &Path| {
        let model = folder.path().join(name);
        let mut graph = edgefit::graph::Graph::load(backbone).unwrap();
        graph.metadata.clear();
        graph.save(&model).unwrap();
        model
    };
    let model = mute("mute.onnx", backbone());
    let data = some_photographs(&["bird", "flower"], 6);
    let out = folder.path().join("run");
    let short = ["--epochs", "2"];
    let tried = run(train(data.path(), &model, &out).args(short).arg("--json"));
    assert!(tried.stderr.contains("mute.onnx"), "{tried:?}");
    assert!(tried.stderr.contains("--preprocessing"), "{tried:?}");
    let guard = &tried.json("edgefit.train/1")["guards"][5];
    assert_eq!(
        (&guard["code"], &guard["status"]),
        (&"EF06".into(), &"fixed".into())
    );
    assert!(
        guard["message"]
            .as_str()
            .unwrap()
            .contains("'tf' fits best"),
        "{guard}"
    );
    let small = mute("small.onnx", small_backbone());
    let mut told = train(data.path(), &small, &folder.path().join("told"));
    let told = run(told.args(short).args(["--preprocessing", "lite"]));
    assert!(!told.stderr.contains("EF06"), "{told:?}");
}

#[test]
fn arguments_that_are_not_taken() {
    for (arguments, words) in [
        (
            &["inspect"][..],
            &["<MODEL>", "`edgefit inspect --help`"][..],
        ),
        (&["chek", "m.onnx"], &["'chek'", "'check'"]),
        (
            &["check", "m.onnx", "--devise", "host"],
            &["'--devise'", "'--device'"],
        ),
        (
            &["bench", "m.onnx", "--threads", "0"],
            &["'0'", "--threads", "1..=1024"],
        ),
        (
            &["inspect", "m.onnx", "--csv", "--json"],
            &["'--csv'", "'--json'"],
        ),
    ] {
        assert_refused(&run(command().args(arguments)), words);
    }
    let folder = tempfile::tempdir().unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n";
    let model = folder.path().join("pointer.onnx");
    fs::write(&model, pointer).unwrap();
    for verb in ["inspect", "verify", "bench"] {
        let words = ["pointer.onnx", "git lfs pull"];
        assert_refused(&run(command().arg(verb).arg(&model)), &words);
    }
}

#[test]
fn images_of_a_pixel_are_taken_and_immense_ones_left_out() {
    let data = some_photographs(&["bird", "flower"], 12);
    let save = |name: &str, side: u32| {
        let path = data.path().join(name);
        image::GrayImage::from_pixel(side, side, image::Luma([90]))
            .save(&path)
            .unwrap();
    };
    save("bird/pixel.png", 1);
    save("flower/immense.png", 20_000);
    let out = tempfile::tempdir().unwrap();
    let ran = run(train(data.path(), small_backbone(), &out.path().join("run")).arg("--json"));
    let report = ran.json("edgefit.train/1");
    assert_eq!(report["counts"][0]["total"], 8 + 7);
    let unreadable = report["unreadable"].as_array().unwrap();
    assert_eq!(unreadable.len(), 1, "{ran:?}");
    assert_eq!(unreadable[0]["path"], "flower/immense.png");
    assert!(ran.stderr.contains("flower/immense.png"), "{ran:?}");
}

#[test]
fn a_recipe_with_a_typo_names_the_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("mine.toml");
    fs::write(&recipe, "[probe]\nlabel_smothing = 0.1\n").unwrap();
    let data = some_photographs(&["bird", "flower"], 6);
    let mut train = train(data.path(), small_backbone(), &folder.path().join("run"));
    let refused = run(train.arg("--recipe").arg(&recipe));
    assert_refused(
        &refused,
        &["mine.toml", "label_smothing", "'label_smoothing'"],
    );
}
