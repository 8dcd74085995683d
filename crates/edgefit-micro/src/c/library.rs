//! [`Library`]: a library of kernels that a project may call for convolutions and products.

use std::path::{Path, PathBuf};

use super::file::File;
use crate::error::{Error, Result};
use crate::ops::{Image, Op};
use crate::patch::{Layout, Patching};
use crate::program::{InputBy, Program};

/// A folder that holds no library.
#[derive(Debug, thiserror::Error)]
#[error("{} {problem}", path.display())]
pub struct LibraryError {
    /// The folder.
    pub path: PathBuf,
    /// What is wrong with it, and the fix.
    pub problem: String,
}

/// The sources of a library of kernels.
#[derive(Debug, Clone)]
pub struct Library {
    kind: &'static Kind,
    folder: PathBuf,
    /// What is compiled of it, below its folder.
    sources: Vec<String>,
}

/// What is known of a library.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    repository: &'static str,
    /// A header by which its folder is known.
    header: &'static str,
    /// Where its headers lie.
    includes: &'static [&'static str],
    /// Where its sources lie.
    sources: &'static [&'static str],
    /// Parts of the names of sources that are for other cores or element types.
    others: &'static [&'static str],
    definitions: &'static [&'static str],
    /// What calls it.
    adaptor: (&'static str, &'static str),
    /// Bytes of memory that an op works in.
    scratch: fn(&Op) -> usize,
}

/// Arm's kernels for Cortex-M.
static CMSIS_NN: Kind = Kind {
    name: "CMSIS-NN",
    repository: "ARM-software/CMSIS-NN",
    header: "Include/arm_nnfunctions.h",
    // Older versions read a header of CMSIS-Core, which lies beside them in a CMSIS pack.
    includes: &["Include", "../Core/Include"],
    sources: &["Source/ConvolutionFunctions", "Source/NNSupportFunctions"],
    others: &["_f16", "_f32", "_flt"],
    definitions: &[],
    adaptor: (
        "ef_cmsis_nn.c",
        include_str!("../../c/library/ef_cmsis_nn.c"),
    ),
    scratch: of_cmsis_nn,
};

/// Espressif's kernels. Those of the ESP32-S3 and P4 are written for their cores and built by ESP-IDF alone.
static ESP_NN: Kind = Kind {
    name: "ESP-NN",
    repository: "espressif/esp-nn",
    header: "include/esp_nn.h",
    includes: &["include", "src/common"],
    sources: &["src/convolution"],
    others: &["_esp32"],
    definitions: &["CONFIG_NN_OPTIMIZED=1"],
    adaptor: ("ef_esp_nn.c", include_str!("../../c/library/ef_esp_nn.c")),
    scratch: |_| 0,
};

const PORTABLE: (&str, &str) = (
    "ef_portable.h",
    include_str!("../../c/library/ef_portable.h"),
);

/// Lanes of a block of channels in `arm_nnsupportfunctions.h`, `CH_IN_BLOCK_MVE`.
const BLOCK: usize = 124;

/// As `arm_convolve_wrapper_s8_get_buffer_size` and `arm_depthwise_conv_wrapper_s8_get_buffer_size` have it, of all cores.
fn of_cmsis_nn(op: &Op) -> usize {
    let convolution = |input: Image, taps: usize| {
        let column = input.channels * taps;
        // Two columns of 16-bit numbers, or four of bytes in whole vectors.
        (4 * column.next_multiple_of(4)).max(4 * column.next_multiple_of(16))
    };
    match op {
        Op::Conv(conv) if conv.groups == 1 => {
            convolution(conv.input, conv.window.kernel.iter().product())
        }
        Op::FullyConnected(layer) => 4 * layer.inputs,
        Op::Depthwise(depthwise) => {
            let taps: usize = depthwise.window.kernel.iter().product();
            (2 * depthwise.input.channels * taps).max(4 * BLOCK * taps)
        }
        _ => 0,
    }
}

impl Library {
    /// CMSIS-NN in a folder, a checkout of its repository.
    ///
    /// # Errors
    /// It is not there, or its path cannot be written into a Makefile.
    pub fn cmsis_nn(folder: &Path) -> Result<Self, LibraryError> {
        Library::open(&CMSIS_NN, folder)
    }

    /// ESP-NN in a folder, a checkout of its repository.
    ///
    /// # Errors
    /// As of [`Library::cmsis_nn`].
    pub fn esp_nn(folder: &Path) -> Result<Self, LibraryError> {
        Library::open(&ESP_NN, folder)
    }

    fn open(kind: &'static Kind, folder: &Path) -> Result<Self, LibraryError> {
        let fail = |problem: String| LibraryError {
            path: folder.to_path_buf(),
            problem,
        };
        if !folder.join(kind.header).is_file() {
            return Err(fail(format!(
                "holds no {}: {} is not there; give the folder of a checkout of {}",
                kind.name, kind.header, kind.repository
            )));
        }
        let whole = folder
            .canonicalize()
            .map_err(|error| fail(error.to_string()))?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        if !whole
            .to_str()
            .is_some_and(|path| path.chars().all(is_plain))
        {
            return Err(fail(
                "has a path that a Makefile cannot hold; move it to one of letters, digits and /._-+"
                    .into(),
            ));
        }
        let mut sources = Vec::new();
        for below in kind.sources {
            let listed = std::fs::read_dir(whole.join(below));
            let listed =
                listed.map_err(|error| fail(format!("cannot be read: {below}: {error}")))?;
            let names = listed
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok());
            let is_ours = |name: &String| {
                let other = kind.others.iter().any(|other| name.contains(other));
                name.ends_with(".c") && name.chars().all(is_plain) && !other
            };
            sources.extend(names.filter(is_ours).map(|name| format!("{below}/{name}")));
        }
        sources.sort_unstable();
        Ok(Library {
            kind,
            folder: whole,
            sources,
        })
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    /// Bytes of memory that it works in for `program`.
    pub fn scratch_bytes(&self, program: &Program) -> usize {
        let needs = program
            .steps
            .iter()
            .map(|step| (self.kind.scratch)(&step.op));
        needs.max().unwrap_or(0).next_multiple_of(4).max(4)
    }

    /// `layout` for its kernels: they may not write over what they read, so every result lies apart, and nothing runs in
    /// patches.
    ///
    /// # Errors
    /// The layout asks for patches.
    pub fn layout<'a>(&self, layout: Layout<'a>) -> Result<Layout<'a>> {
        if layout.patching == Patching::Smallest || layout.input_by == InputBy::Parts {
            return Err(Error::Layout(format!(
                "with {} nothing runs in patches; leave out --patches and --input",
                self.name()
            )));
        }
        Ok(Layout {
            patching: Patching::Never,
            ..layout
        })
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    /// What is compiled of it, below its folder.
    pub(super) fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The same as whole paths.
    pub(crate) fn source_paths(&self) -> impl Iterator<Item = String> {
        let folder = self.folder();
        let sources = self.sources.iter();
        sources.map(move |source| format!("{folder}/{source}"))
    }

    /// Flags with which a compiler finds its headers, in `folder`.
    pub(crate) fn flags(&self, folder: &str) -> Vec<String> {
        let includes = self.kind.includes.iter();
        let includes = includes.map(|include| format!("-isystem{folder}/{include}"));
        let definitions = self.kind.definitions.iter();
        let definitions = definitions.map(|definition| format!("-D{definition}"));
        includes.chain(definitions).collect()
    }

    /// The same, where it lies.
    pub(crate) fn own_flags(&self) -> Vec<String> {
        self.flags(&self.folder())
    }

    /// What calls it.
    pub(super) fn adaptor(&self) -> [File; 2] {
        [PORTABLE, self.kind.adaptor].map(|(name, text)| File {
            name: name.to_owned(),
            text: text.to_owned(),
        })
    }
}
