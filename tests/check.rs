//! Verdicts and their reasons.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod common;

use common::{assert_fields, assert_refused, backbone, command, edgefit, run};

fn check(device: &str, more: &[&str]) -> common::Ran {
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
    assert_eq!(ram["need_bytes"], 6_021_120);
    assert_eq!(ram["margin"], 524_288 - 6_021_120);
    assert_fields(
        &verdict,
        &["budgets.0.holds", "budgets.0.basis", "suggestions.0.change"],
    );

    let words = check("stm32h743", &[]);
    assert_eq!(words.code, 1);
    for word in ["AXI SRAM", "5496832 B", "largest", "flash", "int8"] {
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
    assert_refused(
        &check("host", &["--input-shape", "1x3"]),
        &["'input'", "4 dimensions"],
    );
}
