//! The compiler and the emulator: found, or named with the package that brings them.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What can go wrong with a tool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// It is not installed.
    #[error("{tool} is not here; install it, on Debian with: apt-get install {package}")]
    Missing {
        /// The program.
        tool: &'static str,
        /// The Debian packages that bring it.
        package: &'static str,
    },
    /// It refused what it was given.
    #[error("{tool} failed: {problem}")]
    Failed {
        /// The program.
        tool: &'static str,
        /// The first line that says why.
        problem: String,
    },
    /// It did not end.
    #[error("{tool} did not end within {seconds} s; give fewer --samples")]
    Late {
        /// The program.
        tool: &'static str,
        /// What it had.
        seconds: u64,
    },
    /// A file of its own could not be written or read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The device has no core for it.
    #[error("{0}")]
    Device(String),
}

/// A program that is looked for in `PATH`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool {
    pub name: &'static str,
    pub package: &'static str,
}

/// The compiler for Arm.
pub(super) const ARM_COMPILER: Tool = Tool {
    name: "arm-none-eabi-gcc",
    package: "gcc-arm-none-eabi libnewlib-arm-none-eabi",
};

/// The emulator of Arm.
pub(super) const ARM_EMULATOR: Tool = Tool {
    name: "qemu-system-arm",
    package: "qemu-system-arm",
};

/// The compiler for RISC-V, of 64 and of 32 bits.
pub(super) const RISC_V_COMPILER: Tool = Tool {
    name: "riscv64-unknown-elf-gcc",
    package: "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
};

/// The emulator of RISC-V.
pub(super) const RISC_V_EMULATOR: Tool = Tool {
    name: "qemu-system-riscv32",
    package: "qemu-system-misc",
};

impl Tool {
    fn error(self, error: std::io::Error) -> ToolError {
        match error.kind() {
            ErrorKind::NotFound => ToolError::Missing {
                tool: self.name,
                package: self.package,
            },
            _ => ToolError::Io(error),
        }
    }

    /// Runs it in `folder` to its end.
    pub fn run(self, folder: &Path, arguments: &[String]) -> Result<Output, ToolError> {
        let mut command = Command::new(self.name);
        command
            .current_dir(folder)
            .args(arguments)
            .env("LC_ALL", "C");
        command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.error(error))
    }

    /// Runs it in `folder` for `limit` at most; what it prints goes to the file `log` there.
    pub fn run_within(
        self,
        folder: &Path,
        arguments: &[String],
        limit: Duration,
    ) -> Result<bool, ToolError> {
        let log = std::fs::File::create(folder.join("log"))?;
        let mut command = Command::new(self.name);
        command
            .current_dir(folder)
            .args(arguments)
            .stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().map_err(|error| self.error(error))?;
        let ended = wait(&mut child, limit)?;
        ended.ok_or(ToolError::Late {
            tool: self.name,
            seconds: limit.as_secs(),
        })
    }

    /// The error for what it `said`: the first line that tells of one.
    pub fn failed(self, said: &str) -> ToolError {
        let tells = |line: &&str| line.contains("error") || line.contains("overflowed");
        let echo = |line: &str| line.trim().is_empty() || line.starts_with("collect2");
        let mut lines = said.lines().filter(|line| !echo(line));
        let line = lines.clone().find(tells).or_else(|| lines.next());
        let line = line.unwrap_or("it said nothing").trim();
        ToolError::Failed {
            tool: self.name,
            problem: line.chars().filter(|c| !c.is_control()).take(300).collect(),
        }
    }
}

/// Whether the child succeeded, unless it takes longer than `limit`; then it is ended.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<bool>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_there_is_named_with_its_package() {
        let absent = Tool {
            name: "edgefit-no-such-tool",
            package: "no-package",
        };
        let error = absent.run(Path::new("."), &[]).unwrap_err().to_string();
        assert!(error.contains("apt-get install no-package"), "{error}");
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended() {
        let sleep = Tool {
            name: "sleep",
            package: "coreutils",
        };
        let folder = tempfile::tempdir().unwrap();
        let ended = sleep.run_within(folder.path(), &["600".into()], Duration::ZERO);
        assert!(matches!(ended, Err(ToolError::Late { .. })));
        assert!(
            sleep
                .run_within(folder.path(), &["0".into()], Duration::from_secs(60))
                .unwrap()
        );
    }
}
