//! Which processor a program was made for.

use std::io::Read;
use std::path::Path;

/// Values of `e_machine` in the header of an ELF file, and what Rust calls these processors.
const MACHINES: [(u16, &str); 7] = [
    (0x03, "x86"),
    (0x08, "mips"),
    (0x15, "powerpc64"),
    (0x28, "arm"),
    (0x3e, "x86_64"),
    (0xb7, "aarch64"),
    (0xf3, "riscv64"),
];

/// What processor the program at `path` was made for; `None` for a file that is no Linux program, or
/// for one of another kind.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn architecture(path: &Path) -> std::io::Result<Option<&'static str>> {
    let mut header = [0; 20];
    let mut file = edgefit_base::file::open(path)?;
    if let Err(error) = file.read_exact(&mut header) {
        return match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(error),
        };
    }
    // The System V ABI's object files: the magic, byte 5 the byte order (1 is little-endian).
    if &header[..4] != b"\x7fELF" || header[5] != 1 {
        return Ok(None);
    }
    let machine = u16::from_le_bytes([header[18], header[19]]);
    let known = MACHINES.iter().find(|(number, _)| *number == machine);
    Ok(known.map(|(_, name)| *name))
}

/// What `uname -m` says of the kernel, in Rust's words.
pub(crate) fn of_uname(machine: &str) -> String {
    match machine {
        "amd64" => "x86_64".into(),
        "arm64" => "aarch64".into(),
        "i386" | "i486" | "i586" | "i686" => "x86".into(),
        "ppc64le" => "powerpc64".into(),
        arm if arm.starts_with("armv") => "arm".into(),
        other => other.into(),
    }
}

/// What the 32-bit programs of a 64-bit kernel are made for.
pub(crate) fn of_32_bits(kernel: &str) -> String {
    match kernel {
        "aarch64" => "arm".into(),
        "x86_64" => "x86".into(),
        other => other.trim_end_matches("64").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_what_it_was_made_for() {
        let own = std::env::current_exe().unwrap();
        assert_eq!(architecture(&own).unwrap(), Some(std::env::consts::ARCH));
        let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(architecture(&other).unwrap(), None);
        assert!(architecture(Path::new("absent")).is_err());
    }

    #[test]
    fn uname_speaks_of_the_same_processors() {
        assert_eq!(of_uname("aarch64"), "aarch64");
        assert_eq!(of_uname("arm64"), "aarch64");
        assert_eq!(of_uname("armv7l"), "arm");
        assert_eq!(of_uname("i686"), "x86");
        assert_eq!(of_32_bits("aarch64"), "arm");
        assert_eq!(of_32_bits("riscv64"), "riscv");
        assert_eq!(of_32_bits("arm"), "arm");
    }
}
