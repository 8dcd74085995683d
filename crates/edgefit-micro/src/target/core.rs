//! [`Core`]: the core of a microcontroller, and the board on which QEMU emulates one.

use edgefit_device::profile::Profile;

use super::tool::{ARM_COMPILER, ARM_EMULATOR, RISC_V_COMPILER, RISC_V_EMULATOR, Tool, ToolError};

/// The core of a microcontroller, of those that the compiler is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Core {
    CortexM0Plus,
    CortexM4,
    CortexM7,
    CortexM33,
    CortexM55,
    Rv32Imc,
    Rv32Imac,
}

/// A board that QEMU emulates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Its name in QEMU.
    pub machine: &'static str,
    /// Where its vector table and program lie.
    pub(super) code: Region,
    /// Memory for data and the stack.
    pub(super) data: Region,
    /// Memory for arenas.
    pub(super) arena: Region,
    /// Memory for weights, of which there are more than the program's has room for.
    pub(super) constants: Region,
    /// Address of a timer of Arm's design kit; none, where the core itself counts instructions.
    pub(super) timer: Option<u32>,
    /// Instructions in a tick of what counts, where each takes a nanosecond.
    pub(super) instructions_per_tick: u64,
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub start: u64,
    pub bytes: u64,
}

/// Application notes 386 and 500 of Arm: as QEMU's `hw/arm/mps2.c` has them.
const MPS2: Board = Board {
    machine: "mps2-an386",
    code: Region {
        start: 0,
        bytes: 4 << 20,
    },
    data: Region {
        start: 0x2000_0000,
        bytes: 4 << 20,
    },
    arena: Region {
        start: 0x2100_0000,
        bytes: 8 << 20,
    },
    constants: Region {
        start: 0x2180_0000,
        bytes: 8 << 20,
    },
    timer: Some(0x4000_0000),
    // 25 MHz.
    instructions_per_tick: 40,
};

/// As QEMU's `hw/riscv/virt.c` has it, with 128 MiB.
const VIRT: Board = Board {
    machine: "virt",
    code: Region {
        start: 0x8000_0000,
        bytes: 8 << 20,
    },
    data: Region {
        start: 0x8100_0000,
        bytes: 4 << 20,
    },
    arena: Region {
        start: 0x8200_0000,
        bytes: 16 << 20,
    },
    constants: Region {
        start: 0x8300_0000,
        bytes: 32 << 20,
    },
    timer: None,
    instructions_per_tick: 1,
};

impl Core {
    const ALL: [Core; 7] = [
        Core::CortexM0Plus,
        Core::CortexM4,
        Core::CortexM7,
        Core::CortexM33,
        Core::CortexM55,
        Core::Rv32Imc,
        Core::Rv32Imac,
    ];

    /// The core of a device, by the model of its processor.
    pub fn of(profile: &Profile) -> Option<Self> {
        let model = profile.cpu.model.to_ascii_lowercase();
        let is_it = |core: &Core| {
            let found = model.split_once(core.cpu().trim_end_matches("plus"));
            // An M4F is an M4; an M33 is no M3, an M0+ no M0.
            found.is_some_and(|(_, rest)| match core {
                Core::CortexM0Plus => rest.starts_with('+'),
                _ => !rest.starts_with(|c: char| c.is_ascii_digit() || c == '+'),
            })
        };
        Core::ALL.into_iter().find(is_it)
    }

    /// The core of a device, where QEMU has a board with it.
    ///
    /// # Errors
    /// It has none.
    pub fn emulated(profile: &Profile) -> Result<Self, ToolError> {
        let core = Core::of(profile).filter(|core| core.board().is_some());
        core.ok_or_else(|| {
            ToolError::Device(format!(
                "QEMU has no board here with the core of {}, {}; there are boards for {}: --engine micro compares \
                 without one",
                profile.name,
                profile.cpu.model,
                Core::EMULATED
            ))
        })
    }

    /// As compilers name it.
    pub fn cpu(self) -> &'static str {
        match self {
            Core::CortexM0Plus => "cortex-m0plus",
            Core::CortexM4 => "cortex-m4",
            Core::CortexM7 => "cortex-m7",
            Core::CortexM33 => "cortex-m33",
            Core::CortexM55 => "cortex-m55",
            Core::Rv32Imc => "rv32imc",
            Core::Rv32Imac => "rv32imac",
        }
    }

    /// Whether it is a core of RISC-V, and none of Arm.
    pub(super) fn is_risc_v(self) -> bool {
        matches!(self, Core::Rv32Imc | Core::Rv32Imac)
    }

    /// Where a firmware for it begins to run.
    pub(super) fn entry(self) -> &'static str {
        if self.is_risc_v() {
            "ef_begin"
        } else {
            "ef_reset"
        }
    }

    /// Its compiler.
    pub(super) fn compiler(self) -> Tool {
        if self.is_risc_v() {
            RISC_V_COMPILER
        } else {
            ARM_COMPILER
        }
    }

    /// Its emulator.
    pub(super) fn emulator(self) -> Tool {
        if self.is_risc_v() {
            RISC_V_EMULATOR
        } else {
            ARM_EMULATOR
        }
    }

    /// The cores for which QEMU has a board here, in words.
    pub const EMULATED: &str = "Cortex-M4, Cortex-M7, Cortex-M33 and 32-bit RISC-V";

    /// The board on which QEMU emulates it.
    pub fn board(self) -> Option<Board> {
        match self {
            Core::CortexM4 => Some(MPS2),
            Core::CortexM7 => Some(Board {
                machine: "mps2-an500",
                arena: Region {
                    start: 0x6000_0000,
                    bytes: 8 << 20,
                },
                constants: Region {
                    start: 0x6080_0000,
                    bytes: 8 << 20,
                },
                ..MPS2
            }),
            // As QEMU's `hw/arm/mps2-tz.c` has it, at its secure addresses.
            Core::CortexM33 => Some(Board {
                machine: "mps2-an505",
                code: Region {
                    start: 0x1000_0000,
                    bytes: 4 << 20,
                },
                data: Region {
                    start: 0x3800_0000,
                    bytes: 2 << 20,
                },
                arena: Region {
                    start: 0x8000_0000,
                    bytes: 8 << 20,
                },
                constants: Region {
                    start: 0x8080_0000,
                    bytes: 8 << 20,
                },
                timer: Some(0x5000_0000),
                // 20 MHz.
                instructions_per_tick: 50,
            }),
            Core::Rv32Imc | Core::Rv32Imac => Some(VIRT),
            Core::CortexM0Plus | Core::CortexM55 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_microcontroller_has_its_core() {
        for (device, core) in [
            ("stm32h743", Some(Core::CortexM7)),
            ("stm32f411", Some(Core::CortexM4)),
            ("nrf5340", Some(Core::CortexM33)),
            ("rp2040", Some(Core::CortexM0Plus)),
            ("stm32n657", Some(Core::CortexM55)),
            ("esp32-c3", Some(Core::Rv32Imc)),
            ("gd32vf103", Some(Core::Rv32Imac)),
            ("esp32", None),
            ("raspberry-pi-4b", None),
        ] {
            let profile = edgefit_device::find(device).unwrap();
            assert_eq!(Core::of(&profile), core, "{device}");
        }
    }
}
