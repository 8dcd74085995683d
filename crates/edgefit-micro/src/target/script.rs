//! Linker scripts: what goes into which memory.

use std::fmt::Write;

use super::core::Region;

/// Memories and what goes into them.
pub(super) struct Script {
    /// Where it begins to run.
    pub entry: &'static str,
    /// For vectors, code and constants.
    pub flash: Region,
    /// For constants, where not all of them have room in `flash`.
    pub constants: Option<Region>,
    /// For data and the stack.
    pub ram: Region,
    /// For each arena: the index of its memory in `others`, or none for `ram`.
    pub arenas: Vec<Option<usize>>,
    /// More memories.
    pub others: Vec<Region>,
    /// Bytes kept for the stack, and for a heap.
    pub reserve: [u64; 2],
}

impl Script {
    /// The script, for GNU ld.
    pub fn text(&self) -> String {
        let mut text = format!("ENTRY({})\n\nMEMORY\n{{\n", self.entry);
        let memory = |name: &str, access: &str, region: Region| {
            format!(
                "  {name} ({access}) : ORIGIN = {:#010x}, LENGTH = {}\n",
                region.start, region.bytes
            )
        };
        text.push_str(&memory("FLASH", "rx", self.flash));
        if let Some(constants) = self.constants {
            text.push_str(&memory("CONSTANTS", "r", constants));
        }
        text.push_str(&memory("RAM", "rw", self.ram));
        for (index, region) in self.others.iter().enumerate() {
            text.push_str(&memory(&format!("RAM{index}"), "rw", *region));
        }
        text.push_str("}\n\nSECTIONS\n{\n");
        text.push_str("  .text : { KEEP(*(.vectors)) *(.text*) } > FLASH\n");
        let constants = self.constants.map_or("FLASH", |_| "CONSTANTS");
        let _ = writeln!(
            text,
            "  .rodata : ALIGN(4) {{ *(.rodata*) . = ALIGN(4); }} > {constants}"
        );
        for (index, place) in self.arenas.iter().enumerate() {
            let memory = place.map_or("RAM".to_owned(), |other| format!("RAM{other}"));
            let _ = writeln!(
                text,
                "  .arena{index} (NOLOAD) : ALIGN(16) {{ *(.bss.edgefit_arena_{index}) }} > {memory}"
            );
        }
        let [stack, heap] = self.reserve;
        for line in [
            "  .data : ALIGN(4)",
            "  {",
            "    ef_data_start = .;",
            "    *(.data*)",
            "    . = ALIGN(4);",
            "    ef_data_end = .;",
            "  } > RAM AT> FLASH",
            "  ef_data_load = LOADADDR(.data);",
            "  .bss (NOLOAD) : ALIGN(4)",
            "  {",
            "    ef_bss_start = .;",
            "    *(.bss*) *(COMMON)",
            "    . = ALIGN(4);",
            "    ef_bss_end = .;",
            "  } > RAM AT> RAM",
            &format!("  .heap (NOLOAD) : ALIGN(8) {{ . += {heap}; }} > RAM AT> RAM"),
            &format!(
                "  .stack (NOLOAD) : ALIGN(8) {{ . += {stack}; ef_stack_top = .; }} > RAM AT> RAM"
            ),
            "  /DISCARD/ : { *(.ARM.exidx*) *(.ARM.extab*) *(.ARM.attributes) }",
            "  /DISCARD/ : { *(.comment) *(.eh_frame*) *(.debug*) }",
            "}",
        ] {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
