//! What is printed, on a terminal of 80 columns and in a pipe.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use console::{measure_text_width, strip_ansi_codes};
use tempfile::TempDir;

use crate::common::wire::{external, model, node};
use crate::common::{Ran, command, run, small_backbone, some_photographs, train};

/// Columns of the terminal.
const COLUMNS: usize = 80;

/// Widest table in a pipe.
const PIPE: usize = 120;

/// Commands whose answers are the same each time; `{model}`, `{plan}` and `{odd}` stand for files.
const COMMANDS: [&str; 29] = [
    "inspect {model}",
    "inspect {model} --depth 2",
    "inspect {model} --diff {odd}",
    "inspect {odd}",
    "check {model} --device raspberry-pi-4b",
    "check {model} --device stm32h743",
    "check {model} --device esp32-s3 --layers",
    "check {model} --device raspberry-pi-4b --ram 1MiB --latency 1us",
    "device list",
    "device show raspberry-pi-4b",
    "device show stm32h743",
    "engine list",
    "plan {plan} --capacity 1KiB",
    "plan {plan}",
    "recipe list",
    "explain EF06",
    "--help",
    "inspect --help",
    "check --help",
    "device --help",
    "plan --help",
    "verify --help",
    "bench --help",
    "train --help",
    "lr-find --help",
    "import --help",
    "demo --help",
    "engine --help",
    "recipe --help",
];

/// The files that [`COMMANDS`] are about.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = "id,lower,upper,size\na,0,2,400\nb,1,3,800\n";
        fs::write(folder.path().join("plan.csv"), plan).unwrap();
        // Behind an op that is not known nothing is.
        let nodes = [
            node("Odd", "odd", &["x"], &["h"], &[]),
            node("Add", "add", &["h", "w"], &["y"], &[]),
        ];
        let odd = model(&[1], &[nodes.concat(), external("weights", "4")]);
        fs::write(folder.path().join("odd.onnx"), odd).unwrap();
        fs::write(folder.path().join("weights"), 2f32.to_le_bytes()).unwrap();
        Files(folder)
    }

    /// The arguments that a line stands for.
    fn arguments(&self, line: &str) -> Vec<String> {
        let at = |name: &str| self.0.path().join(name).display().to_string();
        let words = line.split(' ').map(|word| match word {
            "{model}" => small_backbone().display().to_string(),
            "{plan}" => at("plan.csv"),
            "{odd}" => at("odd.onnx"),
            word => word.to_owned(),
        });
        words.collect()
    }
}

/// Runs the binary on a terminal of [`COLUMNS`], with these variables.
fn on_terminal(arguments: &[String], variables: &[(&str, &str)]) -> Ran {
    let line = [env!("CARGO_BIN_EXE_edgefit")].into_iter();
    let line = line.chain(arguments.iter().map(String::as_str));
    let line = shlex::try_join(line).unwrap();
    let mut script = Command::new("script");
    script.arg("-qec");
    script.arg(format!("stty cols {COLUMNS} rows 24; {line}"));
    script.arg("/dev/null").env("TERM", "xterm-256color");
    script.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    let ran = run(script.envs(variables.iter().copied()));
    Ran {
        stdout: ran.stdout.replace('\r', ""),
        ..ran
    }
}

/// Runs the binary in a pipe, with these variables.
fn in_pipe(arguments: &[String], variables: &[(&str, &str)]) -> Ran {
    let mut piped = command();
    piped.env_remove("COLUMNS").env_remove("NO_COLOR");
    piped.env_remove("CLICOLOR_FORCE");
    run(piped.args(arguments).envs(variables.iter().copied()))
}

/// Whether a line is one of a table.
fn is_of_table(line: &str) -> bool {
    line.starts_with(['┌', '│', '╞', '└'])
}

/// Words without the colon behind the name of a column.
fn words(text: &str) -> BTreeSet<&str> {
    let words = text.split_whitespace();
    // Times differ.
    let is_figure = |word: &str| word.parse::<f64>().is_ok();
    let words = words.filter(|word| !word.contains(['─', '═']) && !is_figure(word));
    words.map(|word| word.trim_end_matches(':')).collect()
}

/// The lines that are wider than a terminal although they have more than one word.
fn too_wide(text: &str) -> Vec<&str> {
    let wide = |line: &&str| measure_text_width(line) > COLUMNS;
    let breaks = |line: &&str| line.split_whitespace().count() > 1;
    text.lines().filter(wide).filter(breaks).collect()
}

#[test]
fn no_word_is_cut_at_80_columns_and_no_table_is_wider_than_its_page() {
    let files = Files::new();
    for line in COMMANDS {
        let arguments = files.arguments(line);
        let whole = in_pipe(&arguments, &[("COLUMNS", "4000")]).stdout;
        let known = words(&whole);
        assert!(!known.is_empty(), "{line}");
        let terminal = on_terminal(&arguments, &[]);
        // Behind the last line that was erased: a spinner stood there.
        let last = terminal.stdout.rsplit("\u{1b}[2K").next();
        let seen = strip_ansi_codes(last.unwrap_or_default());
        let cut: Vec<&str> = words(&seen).difference(&known).copied().collect();
        assert!(cut.is_empty(), "{line}: {cut:?}\n{seen}");
        assert_eq!(too_wide(&seen), [""; 0], "{line}\n{seen}");

        for (columns, most) in [(None, PIPE), (Some("80"), COLUMNS)] {
            let variables = Vec::from_iter(columns.map(|columns| ("COLUMNS", columns)));
            let piped = in_pipe(&arguments, &variables).stdout;
            let cut: Vec<&str> = words(&piped).difference(&known).copied().collect();
            assert!(cut.is_empty(), "{line}: {cut:?}\n{piped}");
            let tables = piped.lines().filter(|line| is_of_table(line));
            let widest = tables.map(measure_text_width).max().unwrap_or(0);
            assert!(widest <= most, "{line}: {widest}\n{piped}");
            assert!(!piped.contains('\u{1b}'), "{line}");
        }
    }
}

#[test]
fn a_training_keeps_to_80_columns() {
    let data = some_photographs(&["bird", "flower"], 12);
    let runs = tempfile::tempdir().unwrap();
    let mut train = train(data.path(), small_backbone());
    train.args(["--epochs", "2", "--tune", "2", "-o"]);
    train.arg(runs.path().join("run"));
    let arguments = train
        .get_args()
        .map(|word| word.to_str().unwrap().to_owned());
    let ran = on_terminal(&Vec::from_iter(arguments), &[]);
    let seen = strip_ansi_codes(&ran.stdout);
    // Progress and the lines over it.
    let told = seen.lines().filter(|line| is_of_table(line));
    let told: Vec<&str> = told.collect();
    assert!(told.len() > 20, "{seen}");
    for line in &told {
        assert!(measure_text_width(line) <= COLUMNS, "{line}");
    }
    let told = told.join("\n");
    for word in [
        "parameters",
        "accuracy",
        "calibration",
        "precision",
        "augmentation",
    ] {
        assert!(words(&told).contains(word), "{word}: {told}");
    }
}

#[test]
fn verdicts_have_a_colour_where_colour_is_wanted() {
    let model = small_backbone().display().to_string();
    let check = ["check", &model, "--device", "raspberry-pi-4b"].map(str::to_owned);
    let green = "\u{1b}[32mfits\u{1b}[0m";
    assert!(on_terminal(&check, &[]).stdout.contains(green));
    // A spinner moves the cursor; colours are another thing.
    let refused = on_terminal(&check, &[("NO_COLOR", "1")]);
    assert!(!refused.stdout.contains("\u{1b}[3"), "{refused:?}");
    assert!(!in_pipe(&check, &[]).stdout.contains('\u{1b}'));
    let forced = in_pipe(&check, &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.stdout.contains(green), "{forced:?}");
    let both = in_pipe(&check, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!both.stdout.contains('\u{1b}'), "{both:?}");
}

#[test]
fn what_takes_long_gives_a_sign_of_life_in_a_pipe() {
    let model = small_backbone().display().to_string();
    let bench = ["bench", &model, "--engine", "tract"];
    let effort = ["--launches", "1", "--time", "7s"];
    let arguments = [&bench[..], &effort].concat();
    let ran = in_pipe(
        &arguments
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        &[],
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = ran
        .stderr
        .lines()
        .any(|line| line.starts_with("progress: measuring "));
    assert!(told, "{ran:?}");
}

#[test]
fn what_is_not_known_is_said_to_be_unknown() {
    let files = Files::new();
    let ran = in_pipe(&files.arguments("inspect {odd}"), &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let macs = ran.stdout.lines().find(|line| line.starts_with("│ MACs"));
    assert!(macs.unwrap().contains("unknown"), "{ran:?}");
    let json = in_pipe(&files.arguments("inspect {odd} --json"), &[]);
    let inspected = json.json("edgefit.inspect/1");
    assert!(inspected["nodes"][0]["macs"].is_null());
    assert_eq!(inspected["totals"]["unknown_macs"], 2);
}

#[test]
fn an_error_that_nobody_reads_is_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut refused = command();
    refused.args(["inspect", "/nowhere/model.onnx"]);
    let status = refused.stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
