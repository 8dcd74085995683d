//! The C sources against the plain reference: random programs, compiled with sanitizers, equal to the byte.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod random_program;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use edgefit_micro::c::{self, Name, Parts};
use edgefit_micro::{ArenaPlan, Program};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Programs that are compiled together.
const TOGETHER: u64 = 100;

/// Inputs that each program runs on.
const INPUTS: usize = 2;

/// Adds to `main` the comparison of `program` on random inputs.
fn compare(main: &mut String, program: &Program, name: &Name, random: &mut ChaCha8Rng) {
    let bytes = program.input.dims.iter().product();
    for _ in 0..INPUTS {
        let input: Vec<i8> = (0..bytes).map(|_| random.random()).collect();
        let output = program.run(&input);
        let list = |bytes: &[i8]| {
            let bytes: Vec<String> = bytes.iter().map(ToString::to_string).collect();
            bytes.join(",")
        };
        write!(
            main,
            "{{ static const int8_t given[] = {{{}}}; static const int8_t wanted[] = {{{}}};\n\
             failures += differs(\"{name}\", {name}_init, {name}_run, given, sizeof given, wanted, sizeof wanted); }}\n",
            list(&input),
            list(&output)
        )
        .unwrap();
    }
}

/// Compiles all that lies in `folder` with sanitizers and runs it.
fn compile_and_run(folder: &Path) {
    let mut compiler = Command::new("gcc");
    compiler.current_dir(folder).args([
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-O1",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "-o",
        "fuzz",
        "fuzz.c",
    ]);
    for file in c::all_kernels() {
        if file.name.ends_with(".c") {
            compiler.arg(&file.name);
        }
    }
    let compiled = compiler.output().unwrap();
    assert!(compiled.status.success(), "{compiled:?}");
    let ran = Command::new(folder.join("fuzz")).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
}

const HARNESS: &str = "
typedef void init(int8_t **, const int8_t **);
static int differs(const char *name, init *start, void (*run)(void), const int8_t *given, size_t g, const int8_t *wanted, size_t w)
{
    int8_t *input; const int8_t *output;
    start(&input, &output);
    memcpy(input, given, g);
    run();
    if (memcmp(output, wanted, w) == 0) { return 0; }
    printf(\"%s\\n\", name);
    return 1;
}
";

fn equal(seeds: std::ops::Range<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let mut models = String::from("#include <stdio.h>\n#include <string.h>\n#include <stdint.h>\n");
    let mut main = String::from("int main(void) {\nint failures = 0;\n");
    let mut overlaps = 0;
    for seed in seeds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let program = random_program::draw(&mut random);
        // Of two, one with results over what they are made of.
        let plan = match seed % 2 {
            0 => ArenaPlan::in_one(&program),
            _ => ArenaPlan::overlapping(&program),
        };
        overlaps += plan.overlaps;
        let name: Name = format!("p{seed}").parse().unwrap();
        let parts = Parts {
            program: &program,
            plan: &plan,
            name: &name,
            library: None,
        };
        let [header, source] = c::model(parts);
        std::fs::write(folder.path().join(header.name), header.text).unwrap();
        // Each has its own EF_SECTION, and one is enough.
        writeln!(models, "#undef EF_SECTION\n{}", source.text).unwrap();
        compare(&mut main, &program, &name, &mut random);
    }
    main.push_str("return failures; }\n");
    let text = format!("{models}{HARNESS}{main}");
    std::fs::write(folder.path().join("fuzz.c"), text).unwrap();
    for file in c::all_kernels() {
        std::fs::write(folder.path().join(file.name), file.text).unwrap();
    }
    compile_and_run(folder.path());
    assert!(overlaps > 4, "{overlaps}");
}

#[test]
fn c_is_equal_to_the_reference_on_random_programs() {
    equal(0..300);
}

#[test]
#[ignore = "takes 5 minutes"]
fn c_is_equal_to_the_reference_on_ten_thousand_random_programs() {
    for part in 0..100 {
        equal(1000 + part * TOGETHER..1000 + (part + 1) * TOGETHER);
    }
}
