//! Profiles that are refused, with the line and the fix.

use crate::profile::{ArenaLayout, Profile, Scheme};

const GOOD: &str = r#"# A board.
version = 2
name = "stm32h743"
title = "STMicroelectronics STM32H743"
class = "microcontroller"
weights_in = "flash"

[cpu]
model = "Arm Cortex-M7"
cores = { value = 1, kind = "data sheet", source = "ST DS12110" }
clock_hz = { value = "480 MHz", kind = "data sheet", source = "ST DS12110, revision V" }
isa = { value = ["armv7e-m", "dsp"], kind = "data sheet", source = "ST" }

[flash]
start = 0x0800_0000
bytes = { value = "2 MiB", kind = "data sheet", source = "ST RM0433" }

[quantization]
scheme = { value = "per-channel", kind = "data sheet", source = "TensorFlow Lite" }

[[bank]]
name = "AXI SRAM"
start = 0x2400_0000
bytes = { value = "512 KiB", kind = "data sheet", source = "ST RM0433" }
holds = ["arena", "runtime"]

[[bank]]
name = "SRAM1"
start = 0x3000_0000
bytes = { value = "128 KiB", kind = "data sheet", source = "ST RM0433" }
holds = ["arena", "runtime"]

[[bank]]
name = "SRAM2"
start = 0x3002_0000
bytes = { value = "128 KiB", kind = "data sheet", source = "ST RM0433" }
holds = []

[[engine]]
name = "tflite-micro"
arena = "one-bank"
tensor_bytes = { value = "12 B", kind = "estimate", source = "three words" }
element_types = ["f32", "int8"]

[[engine]]
name = "stm32cube-ai"
arena = "several-banks"
element_types = ["f32", "int8"]
"#;

fn error(text: &str) -> String {
    Profile::parse(text, "board.toml").unwrap_err().to_string()
}

/// The error for [`GOOD`] with `from` replaced.
fn mistake(from: &str, to: &str) -> String {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD, "{from}");
    let error = error(&text);
    assert!(error.starts_with("board.toml: "), "{error}");
    error
}

#[test]
fn mistakes_are_named_with_their_fix() {
    Profile::parse(GOOD, "good").unwrap();
    for (from, to, expected) in [
        ("version = 2", "version = 9", "line 2: version 9"),
        (
            "version = 2",
            "version = 1",
            "line 2: version 1 of the schema is not known",
        ),
        ("version = 2", "version = \"2\"", "is not a whole number"),
        ("version = 2\n", "", "add 'version = 2'"),
        (
            "name = \"stm32h743\"",
            "nome = \"x\"",
            "line 3: there is no key 'nome' here; did you mean 'name'?",
        ),
        ("\"stm32h743\"", "\"a/b\"", "'a/b' cannot be a name"),
        (
            "name = \"stm32h743\"",
            "name = \"x\"\nextend = \"y\"",
            "did you mean 'extends'",
        ),
        (
            "microcontroller",
            "toaster",
            "line 5: there is no choice 'toaster' here; use one of microcontroller, ",
        ),
        (
            "clock_hz",
            "clock",
            "line 11: there is no key 'clock' here; did you mean 'clock_hz'?",
        ),
        (
            "\"480 MHz\"",
            "\"480 KiB\"",
            "line 11: 'KiB' is not a unit of a frequency",
        ),
        (
            "\"480 MHz\"",
            "4.8",
            "line 11: invalid type: floating point `4.8`, expected a whole number of hertz or a text",
        ),
        (
            "value = 1,",
            "value = \"1\",",
            "line 10: '1' is a text; write the number without quotes",
        ),
        (
            "value = 1,",
            "value = 0,",
            "line 10: 0 cannot be: a count is at least 1",
        ),
        (
            "[flash]\nstart = 0x0800_0000\nbytes",
            "[flash]\nbites",
            "line 15: there is no key 'bites' here; did you mean 'bytes'?",
        ),
        ("\"2 MiB\"", "-1", "line 16: -1 is negative"),
        (
            "\"2 MiB\"",
            "\"2\"",
            "line 16: \"2\" has no unit; write \"512 KiB\" or another text with a unit, or bytes as a plain integer",
        ),
        (
            "\"2 MiB\"",
            "18_000_000_000_000_000",
            "line 16: 18000000000000000 cannot be",
        ),
        ("\"512 KiB\"", "0", "bank 'AXI SRAM' has 0 bytes"),
        (
            "\"512 KiB\"",
            "\"512 MiB\"",
            "bank 'AXI SRAM' (0x24000000 to 0x44000000) and bank 'SRAM1' (from 0x30000000) overlap",
        ),
        (
            "start = 0x2400_0000",
            "start = 0x0810_0000",
            "flash (0x8000000 to 0x8200000) and bank 'AXI SRAM'",
        ),
        ("start = 0x2400_0000", "start = -1", "expected u64"),
        ("SRAM2", "SRAM1", "two banks called 'SRAM1'"),
        (
            "\"stm32cube-ai\"",
            "\"tflite-micro\"",
            "two engines called 'tflite-micro'",
        ),
        (
            "element_types = [\"f32\", \"int8\"]",
            "element_types = []",
            "'tflite-micro' computes with nothing",
        ),
        ("\"int8\"", "\"int9\"", "did you mean 'int8'"),
        ("\"arena\", ", "", "no bank holds an arena; add 'arena'"),
        (
            "weights_in = \"flash\"",
            "weights_in = \"ram\"",
            "no bank holds them; add 'weights'",
        ),
        (
            ", source = \"ST DS12110\"",
            "",
            "line 10: 'source' is missing; add it",
        ),
        (
            "source = \"ST DS12110\"",
            "source = \" \"",
            "line 10: the source is empty",
        ),
        (
            "{ value = 1, kind = \"data sheet\", source = \"ST DS12110\" }",
            "1",
            "line 10: invalid type: integer `1`, expected a figure such as { value = 4, ",
        ),
        ("[cpu]", "[cpu", "line 8: unclosed table"),
    ] {
        let error = mistake(from, to);
        assert!(error.contains(expected), "{from} → {to}: {error}");
    }
}

#[test]
fn weights_in_flash_need_a_flash() {
    let flash = GOOD.find("[flash]").unwrap();
    let next = GOOD.find("[quantization]").unwrap();
    let error = error(&[&GOOD[..flash], &GOOD[next..]].concat());
    assert!(error.contains("there is no [flash]"), "{error}");
}

#[test]
fn nothing_is_left_of_a_memory_that_others_take() {
    let reserved = "holds = [\"arena\", \"runtime\"]\nreserved_bytes = { value = \"1 GiB\", kind = \"estimate\", source = \"all\" }";
    let text = GOOD.replacen("holds = [\"arena\", \"runtime\"]", reserved, 1);
    assert!(error(&text).contains("bank 'AXI SRAM' reserves all"));
}

#[test]
fn what_a_program_gets_of_a_bank_is_less_than_the_bank() {
    let limits = |bytes: &str| {
        let limits = format!(
            "holds = [\"arena\", \"runtime\"]\nstatic_bytes = {{ value = \"160 KiB\", kind = \"estimate\", \
             source = \"linker\" }}\nheap_block_bytes = {{ value = \"{bytes}\", kind = \"measured\", source = \"log\" }}\n\
             reserved_bytes = {{ value = \"10 KiB\", kind = \"measured\", source = \"map\" }}"
        );
        GOOD.replacen("holds = [\"arena\", \"runtime\"]", &limits, 1)
    };
    let bank = |bytes| {
        Profile::parse(&limits(bytes), "good")
            .unwrap()
            .banks
            .remove(0)
    };
    assert_eq!(bank("200 KiB").largest_buffer_bytes(), 190 << 10);
    assert_eq!(bank("100 KiB").largest_buffer_bytes(), 150 << 10);
    assert_eq!(bank("100 KiB").free_bytes(), 502 << 10);
    let error = error(&limits("1 MiB"));
    assert!(
        error.contains("'AXI SRAM' has a heap_block_bytes above its bytes"),
        "{error}"
    );
}

#[test]
fn what_is_written_is_read_again() {
    for profile in crate::list() {
        let profile = profile.unwrap();
        let text = toml::to_string(&profile).unwrap();
        assert_eq!(Profile::parse(&text, "written").unwrap(), profile, "{text}");
    }
}

#[test]
fn units_are_gone_once_read() {
    let profile = Profile::parse(GOOD, "good").unwrap();
    assert_eq!(profile.cpu.clock_hz.unwrap().value, 480_000_000);
    assert_eq!(profile.flash.unwrap().bytes.value, 2 << 20);
    assert_eq!(
        profile.quantization.unwrap().scheme.value,
        Scheme::PerChannel
    );
    assert_eq!(profile.engines[1].arena, ArenaLayout::SeveralBanks);
}

#[test]
fn what_a_probe_found_is_read_and_written() {
    let found = r#"
[[rate]]
engine = "tract"
element_type = "f32"
threads = 2
class = "pointwise"
channel_block = 4
points = [[16, 32, 196, 1, 1, 1200]]

[[footprint]]
engine = "tract"
running = { base_bytes = 512, arenas = 1.5 }

[footprint.loading]
base_bytes = 4096
copies = { dense = 2.0, pointwise = 1.0, vector = 1.0, matrix = 1.0, other = 1.0, nodes = 900.0 }

[footprint.loaded]
base_bytes = 2048
copies = { dense = 1.0, pointwise = 1.0, vector = 1.0, matrix = 1.0, other = 1.0, nodes = 900.0 }

[[calibration]]
engine = "tract"
element_type = "f32"
threads = 2
models = 12
error_p90 = 0.2
"#;
    let profile = Profile::parse(&format!("{GOOD}{found}"), "board.toml").unwrap();
    assert_eq!(profile.rates[0].points[0].size.outputs, 32);
    assert_eq!(profile.process_memory[0].loading.base_bytes, 4096);
    assert_eq!(profile.calibrations[0].models, 12);
    let written = toml::to_string(&profile).unwrap();
    assert_eq!(Profile::parse(&written, "written").unwrap(), profile);
    for (from, to, named) in [
        (
            "\"pointwise\"",
            "\"pointwize\"",
            "line 54: there is no class of ops 'pointwize'; did you mean 'pointwise'?",
        ),
        ("dense = 2.0", "dense = nan", "footprint of 'tract'"),
        ("nodes = 900.0", "nodes = -1.0", "footprint of 'tract'"),
        ("arenas = 1.5", "arenas = inf", "footprint of 'tract'"),
        (
            "error_p90 = 0.2",
            "error_p90 = inf",
            "calibration of 'tract'",
        ),
    ] {
        let broken = format!("{GOOD}{}", found.replace(from, to));
        let error = Profile::parse(&broken, "board.toml")
            .unwrap_err()
            .to_string();
        assert!(error.contains(named), "{error}");
    }
    let good = toml::to_string(&Profile::parse(GOOD, "good").unwrap()).unwrap();
    assert!(!good.contains("rate]") && !good.contains("calibration"));
}
