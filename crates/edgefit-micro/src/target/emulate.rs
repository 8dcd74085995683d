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
    if outputs.len() != samples * width || ticks.len() != samples * 8 {
        let words = "the firmware ended before the last sample";
        return Err(core.emulator().failed(words));
    }
    let (ticks, _) = ticks.as_chunks::<8>();
    let instructions =
        |ticks: &[u8; 8]| u64::from_le_bytes(*ticks).saturating_mul(board.instructions_per_tick);
    let bytes = |row: &[u8]| row.iter().map(|&byte| byte as i8).collect();
    Ok(Emulation {
        machine: board.machine,
        outputs: outputs.chunks(width.max(1)).map(bytes).collect(),
        instructions: ticks.iter().map(instructions).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c::Name;
    use crate::plan::ArenaPlan;
    use crate::program::Program;

    #[test]
    fn instructions_are_counted_beyond_32_bits() {
        let program = Program::of_tables(1, 2);
        let plan = ArenaPlan::in_one(&program);
        let parts = Parts {
            program: &program,
            plan: &plan,
            name: &Name::default(),
            library: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let counts = [3u64, (1 << 32) + 5];
        let ticks: Vec<u8> = counts
            .iter()
            .flat_map(|count| count.to_le_bytes())
            .collect();
        std::fs::write(folder.path().join("output.bin"), [1u8, 2, 3, 4]).unwrap();
        std::fs::write(folder.path().join("ticks.bin"), ticks).unwrap();
        let core = Core::Rv32Imc;
        let board = core.board().unwrap();
        let emulation = read((core, &board), parts, folder.path(), counts.len()).unwrap();
        assert_eq!(emulation.instructions, counts);
        assert_eq!(emulation.outputs, [[1, 2], [3, 4]]);
    }
}
