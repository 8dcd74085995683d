//! What a firmware is compiled of, and how.

use std::path::Path;

use super::core::Core;
use super::tool::ToolError;
use crate::c::{self, File, Parts};

/// The linker script, in the folder of a firmware.
pub(super) const SCRIPT: &str = "firmware.ld";

/// The linked program.
pub(super) const PROGRAM: &str = "firmware.elf";

/// The map that the linker writes.
pub(super) const MAP: &str = "firmware.map";

const STARTUP: &str = include_str!("../../c/firmware/ef_startup.c");

/// Flags with which everything is compiled.
const COMPILED: [&str; 4] = [
    "-O2",
    "-ffunction-sections",
    "-fdata-sections",
    // Loops over memory stay loops, instead of becoming calls of a library.
    "-fno-tree-loop-distribute-patterns",
];

/// Flags of the compiler and the linker.
pub(super) fn flags(core: Core) -> Vec<String> {
    let flags = [
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        "-nostartfiles",
        "-Wl,--gc-sections",
        "-Wl,--no-warn-rwx-segments",
    ];
    let own = [
        format!("-T{SCRIPT}"),
        format!("-Wl,-Map={MAP}"),
        format!("-o{PROGRAM}"),
    ];
    let flags = COMPILED.into_iter().chain(flags).map(str::to_owned);
    machine(core).into_iter().chain(own).chain(flags).collect()
}

/// Flags that say which core it is.
fn machine(core: Core) -> Vec<String> {
    let cpu = core.cpu();
    if core.is_risc_v() {
        // All data lies where the script says.
        let abi = [
            "-mabi=ilp32",
            "-msmall-data-limit=0",
            "--specs=picolibc.specs",
        ];
        [
            vec![format!("-march={cpu}")],
            abi.map(str::to_owned).to_vec(),
        ]
        .concat()
    } else {
        vec![format!("-mcpu={cpu}"), "-mthumb".to_owned()]
    }
}

/// Compiles the library that the model calls, if any, in `folder`; returns its objects, and the flags by which its headers
/// are found.
pub(super) fn library(parts: Parts, core: Core, folder: &Path) -> Result<Vec<String>, ToolError> {
    let Some(library) = parts.library else {
        return Ok(Vec::new());
    };
    let mut arguments = machine(core);
    arguments.extend(COMPILED.map(str::to_owned));
    arguments.extend(library.own_flags());
    arguments.push("-c".to_owned());
    arguments.extend(library.source_paths());
    let compiled = core.compiler().run(folder, &arguments)?;
    if !compiled.status.success() {
        let said = String::from_utf8_lossy(&compiled.stderr);
        return Err(core.compiler().failed(&said));
    }
    let objects = library.source_paths().filter_map(|path| {
        let stem = Path::new(&path).file_stem()?.to_str()?.to_owned();
        Some(format!("{stem}.o"))
    });
    Ok(library.own_flags().into_iter().chain(objects).collect())
}

/// Writes the model, its kernels, the startup and the `main` that is given with its name; returns the names of
/// those that are compiled.
pub(super) fn write_sources(
    parts: Parts,
    main: (&str, &str),
    folder: &Path,
) -> Result<Vec<String>, ToolError> {
    let mut files = Vec::from(c::model(parts));
    files.extend(c::kernels(parts));
    let name = parts.name.to_string();
    for (file, text) in [("ef_startup.c", STARTUP), main] {
        let text = text.replace("NAME", &name);
        files.push(File {
            name: file.to_owned(),
            text: text.replace("UPPER", &name.to_ascii_uppercase()),
        });
    }
    for file in &files {
        std::fs::write(folder.join(&file.name), &file.text)?;
    }
    let names = files.into_iter().map(|file| file.name);
    Ok(names.filter(|name| name.ends_with(".c")).collect())
}
