//! A program on an emulated core.

use std::path::Path;
use std::time::Duration;

use super::core::{Board, Core};
use super::firmware::{self, PROGRAM, SCRIPT};
use super::script::Script;
use super::tool::ToolError;
use crate::c::Parts;

/// Stack that the firmware of the emulator has.
const STACK: u64 = 64 << 10;

/// Time to start, and for each sample.
const START: Duration = Duration::from_secs(60);
const SAMPLE: Duration = Duration::from_secs(120);

const MAIN: &str = include_str!("../../c/firmware/ef_emulated.c");

/// What came out of the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emulation {
    /// The board.
    pub machine: &'static str,
    /// The output for each input.
    pub outputs: Vec<Vec<i8>>,
    /// Instructions of each run, to within a tick of the timer that counts them; no time.
    pub instructions: Vec<u64>,
}

/// Runs the program of `parts` on the emulated `core` for each of `inputs`.
///
/// # Errors
/// The compiler or the emulator is not there or fails, or QEMU emulates no board with that core.
pub fn emulate(parts: Parts, core: Core, inputs: &[Vec<i8>]) -> Result<Emulation, ToolError> {
    let board = core.board().ok_or_else(|| {
        ToolError::Device(format!(
            "QEMU has no board here for {}; there are boards for {}",
            core.cpu(),
            Core::EMULATED
        ))
    })?;
    let folder = tempfile::tempdir()?;
    build(parts, (core, &board), folder.path())?;
    let bytes: Vec<u8> = inputs.iter().flatten().map(|&byte| byte as u8).collect();
    std::fs::write(folder.path().join("input.bin"), bytes)?;
    // It has firmware of its own otherwise.
    let own: &[&str] = if core.is_risc_v() {
        &["-bios", "none"]
    } else {
        &[]
    };
    let arguments = [
        "-machine",
        board.machine,
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "none",
        "-semihosting-config",
        "enable=on,target=native",
        "-icount",
        "shift=0,sleep=off",
        "-kernel",
        PROGRAM,
    ];
    let samples = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
    let limit = START.saturating_add(SAMPLE.saturating_mul(samples));
    let arguments = [own, &arguments].concat();
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    if !core
        .emulator()
        .run_within(folder.path(), &arguments, limit)?
    {
        let said = std::fs::read(folder.path().join("log"))?;
        return Err(core.emulator().failed(&String::from_utf8_lossy(&said)));
    }
    read((core, &board), parts, folder.path(), inputs.len())
}

/// Compiles and links the firmware of the emulator in `folder`.
fn build(parts: Parts, (core, board): (Core, &Board), folder: &Path) -> Result<(), ToolError> {
    let script = Script {
        entry: core.entry(),
        flash: board.code,
        constants: Some(board.constants),
        ram: board.data,
        arenas: vec![Some(0); parts.plan.banks.len()],
        others: vec![board.arena],
        reserve: [STACK, 0],
    };
    std::fs::write(folder.join(SCRIPT), script.text())?;
    let mut flags = firmware::flags(core);
    flags.extend(board.timer.map(|timer| format!("-DEF_TIMER={timer:#x}")));
    flags.extend(firmware::library(parts, core, folder)?);
    flags.extend(firmware::write_sources(
        parts,
        ("ef_emulated.c", MAIN),
        folder,
    )?);
    let compiled = core.compiler().run(folder, &flags)?;
    let said = String::from_utf8_lossy(&compiled.stderr);
    if compiled.status.success() {
        return Ok(());
    }
    if !said.contains("overflowed by") {
        return Err(core.compiler().failed(&said));
    }
    Err(ToolError::Device(format!(
        "the emulated board {} holds {} B of weights and {} B of activations, and the model needs {} and {}; give \
             a smaller --input-shape, or compare with --engine micro",
        board.machine,
        board.constants.bytes,
        board.arena.bytes,
        parts.program.constant_bytes(),
        parts.plan.bytes()
    )))
}

/// What the firmware wrote.
fn read(
    (core, board): (Core, &Board),
    parts: Parts,
    folder: &Path,
    samples: usize,
) -> Result<Emulation, ToolError> {
    let outputs = std::fs::read(folder.join("output.bin"))?;
    let ticks = std::fs::read(folder.join("ticks.bin"))?;
    let width = parts.program.values[parts.program.output.value];
    if outputs.len() != samples * width || ticks.len() != samples * 4 {
        let words = "the firmware ended before the last sample";
        return Err(core.emulator().failed(words));
    }
    let (ticks, _) = ticks.as_chunks::<4>();
    let instructions =
        |ticks: &[u8; 4]| u64::from(u32::from_le_bytes(*ticks)) * board.instructions_per_tick;
    let bytes = |row: &[u8]| row.iter().map(|&byte| byte as i8).collect();
    Ok(Emulation {
        machine: board.machine,
        outputs: outputs.chunks(width.max(1)).map(bytes).collect(),
        instructions: ticks.iter().map(instructions).collect(),
    })
}
