//! Patches: a device that is short of RAM gets them, and no byte changes.

use std::process::Command;

use super::network::{Files, large_images};
use super::{export, reserved};
use crate::common::{assert_refused, command, run};

/// Stack and variables of a firmware, with what its places are rounded to.
const RESERVE: u64 = 2064;

#[test]
fn patches_make_room_for_a_device_and_change_no_byte() {
    let files = Files::of(&large_images(), [3, 48, 48], "tflite");
    let with_ram = |bytes: u64| {
        let path = reserved(files.folder.path(), (128 << 10) - bytes);
        path.to_str().unwrap().to_owned()
    };
    let smallest = export(
        &files.model,
        &files.path("smallest"),
        &["--patches", "smallest", "--json"],
    );
    let document = smallest.json("edgefit.export/1");
    let patches = &document["patches"];
    let [least, whole] =
        ["arena_bytes", "whole_arena_bytes"].map(|name| patches[name].as_u64().unwrap());
    assert!(least < whole, "{document}");
    let made = run(Command::new("make")
        .arg("-C")
        .arg(files.path("smallest"))
        .arg("run"));
    assert_eq!(made.code, 0, "{made:?}");
    // Enough for results over what they are made of, and no patches.
    let roomy = with_ram(whole + 1024);
    let checked = run(command()
        .arg("check")
        .arg(&files.model)
        .args(["--device", &roomy, "--json"]));
    assert_eq!(checked.code, 0, "{checked:?}");
    let checked = checked.json("edgefit.check/1");
    let words = checked["budgets"][1]["explanation"].as_str().unwrap();
    assert!(
        words.contains("over what they are made of") && !words.contains("patches"),
        "{checked}"
    );
    // Enough for parts of the images alone.
    let device = with_ram(least + RESERVE);
    let checked = run(command()
        .arg("check")
        .arg(&files.model)
        .args(["--device", &device, "--json"]));
    assert_eq!(checked.code, 0, "{checked:?}");
    let checked = checked.json("edgefit.check/1");
    let words = checked["budgets"][1]["explanation"].as_str().unwrap();
    assert!(words.contains("patches"), "{checked}");
    // So much of a larger device is enough, too.
    let limit = format!("{}B", least + RESERVE);
    let limited = export(
        &files.model,
        &files.path("limited"),
        &["--device", "stm32f411", "--ram", &limit, "--json"],
    );
    let arena = &limited.json("edgefit.export/1")["arena_bytes"];
    assert!(arena.as_u64().unwrap() <= least, "{arena}");
    let beyond = export(
        &files.model,
        &files.path("beyond"),
        &["--device", "stm32f411", "--ram", "200KiB"],
    );
    assert_eq!(beyond.code, 0, "{beyond:?}");
    assert!(beyond.stderr.contains("its own banks"), "{beyond:?}");
    let linked = run(command()
        .arg("check")
        .arg(&files.model)
        .args(["--device", &device, "--link", "--json"]));
    assert_eq!(linked.code, 0, "{linked:?}");
    let linked = linked.json("edgefit.check/1");
    assert!(linked["patches"]["macs"].is_u64(), "{linked}");
    let never = export(
        &files.model,
        &files.path("never"),
        &["--device", &with_ram(whole - 1), "--patches", "never"],
    );
    assert_refused(&never, &["more RAM"]);
    for input in ["whole", "parts"] {
        let verified = run(command()
            .arg("verify")
            .arg(&files.model)
            .arg("--inputs")
            .arg(&files.inputs)
            .args([
                "--engine", "c", "--device", &device, "--input", input, "--json",
            ]));
        assert_eq!(verified.code, 0, "{verified:?}");
        let verified = verified.json("edgefit.verify/1");
        assert_eq!(verified["pairs"][1]["different"], 0, "{verified}");
    }
}

#[test]
fn an_input_that_is_asked_for_in_parts_takes_no_ram() {
    let files = Files::of(&large_images(), [3, 48, 48], "tflite");
    let arena = |folder: &str, input: &str| {
        let more = ["--patches", "smallest", "--input", input, "--json"];
        let exported = export(&files.model, &files.path(folder), &more);
        let exported = exported.json("edgefit.export/1");
        assert_eq!(exported["input"], input);
        exported["arena_bytes"].as_u64().unwrap()
    };
    let [whole, parts] = ["whole", "parts"].map(|input| arena(input, input));
    assert!(parts + 3 * 48 * 48 <= whole, "{parts} {whole}");
    let made = run(Command::new("make")
        .arg("-C")
        .arg(files.path("parts"))
        .arg("run"));
    assert_eq!(made.code, 0, "{made:?}");
    let device = reserved(files.folder.path(), (128 << 10) - parts - RESERVE);
    let device = device.to_str().unwrap();
    let link = |more: &[&str]| {
        run(command()
            .arg("check")
            .arg(&files.model)
            .args(["--device", device, "--link", "--json"])
            .args(more))
    };
    let linked = link(&["--input", "parts"]);
    assert_eq!(linked.code, 0, "{linked:?}");
    let document = linked.json("edgefit.check/1");
    assert_eq!(document["budgets"][1]["difference"], 0, "{document}");
    assert_eq!(link(&[]).code, 1);
    let never = export(
        &files.model,
        &files.path("never"),
        &["--input", "parts", "--patches", "never"],
    );
    assert_refused(&never, &["--patches never"]);
}
