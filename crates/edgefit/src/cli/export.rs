//! The flags of `edgefit export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use edgefit::micro::InputBy;
use edgefit::micro::c::{Library, LibraryError, Name};
use edgefit::micro::patch;

use super::model::model;
use super::shape::{InputShape, dims};

#[derive(Debug, Args)]
pub struct Export {
    /// ONNX model in int8, as `edgefit quantize --scheme tflite` makes it; with --to tflite one of floats, too
    #[arg(value_parser = model())]
    pub model: PathBuf,

    /// What to make of it
    #[arg(long, value_enum)]
    pub to: ExportFormat,

    /// Device that a project is for: its memory banks say where activations lie (one place, if not given)
    #[arg(long)]
    pub device: Option<String>,

    /// RAM of the device that a project may take, such as 64KiB, in one piece, instead of its memory banks
    #[arg(long, value_name = "SIZE", requires = "device", conflicts_with_all = ["cmsis_nn", "esp_nn"], value_parser = edgefit::base::units::bytes)]
    pub ram: Option<u64>,

    /// Folder of the project, one that is not there yet; or the file, such as model.tflite
    #[arg(short, long, value_name = "DIR|FILE")]
    pub output: PathBuf,

    /// What functions, macros and files of a project begin with (model, if not given)
    #[arg(long)]
    pub name: Option<Name>,

    /// Whether the first ops of a project may run for one part of the image after the other, which takes less
    /// RAM and computes what overlaps twice
    #[arg(long, value_enum, default_value_t = Patching::Auto)]
    pub patches: Patching,

    /// How a project gets its input: whole, in the arena, or by a function of the firmware that is asked for the
    /// part that a patch works on, so that the input takes no RAM
    #[arg(long, value_enum, default_value_t = Giving::Whole)]
    pub input: Giving,

    #[command(flatten)]
    pub library: KernelLibrary,

    /// Leave out of a LiteRT model where values lie in the arena of TensorFlow Lite for Microcontrollers: for compilers
    /// that change the graph and keep the plan, such as Vela
    #[arg(long)]
    pub no_plan: bool,

    /// Whole shape of the input, batch included, such as 1x3x96x96
    #[arg(long, value_name = "SHAPE", value_parser = dims)]
    pub input_shape: Option<InputShape>,
}

/// Whose kernels run convolutions and products.
#[derive(Debug, Args)]
pub struct KernelLibrary {
    /// Have CMSIS-NN run convolutions and products: the folder of a checkout of ARM-software/CMSIS-NN. Its kernels
    /// may not write over what they read, so nothing runs in patches, and a model may need more RAM
    #[arg(long, value_name = "DIR", conflicts_with = "esp_nn")]
    pub cmsis_nn: Option<PathBuf>,

    /// The same with ESP-NN: the folder of a checkout of espressif/esp-nn
    #[arg(long, value_name = "DIR")]
    pub esp_nn: Option<PathBuf>,
}

impl KernelLibrary {
    /// The library that was named, if any.
    pub fn open(&self) -> Result<Option<Library>, LibraryError> {
        let cmsis_nn = self.cmsis_nn.as_deref().map(Library::cmsis_nn);
        cmsis_nn
            .or_else(|| self.esp_nn.as_deref().map(Library::esp_nn))
            .transpose()
    }
}

/// How `check` asks the linker.
#[derive(Debug, Args)]
pub struct Linking {
    /// Compile an int8 model as edgefit export --to c writes it and link it for the device, instead of
    /// predicting: the linker gives the verdict
    #[arg(long, conflicts_with_all = ["remote"])]
    pub link: bool,

    /// Bytes of RAM kept for the stack when linking
    #[arg(long, value_name = "SIZE", requires = "link", default_value = "2KiB", value_parser = edgefit::base::units::bytes)]
    pub stack: u64,

    /// Bytes of RAM kept for a heap of the rest of the firmware when linking; the model has none
    #[arg(long, value_name = "SIZE", requires = "link", default_value = "0B", value_parser = edgefit::base::units::bytes)]
    pub heap: u64,

    /// How the linked program gets its input, as of edgefit export
    #[arg(long, value_enum, requires = "link", default_value_t = Giving::Whole)]
    pub input: Giving,
}

/// Whether the first ops run in patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Patching {
    /// Where the device is short of RAM otherwise
    Auto,
    /// In the least RAM that at most a fifth more multiplications buy
    Smallest,
    /// Never
    Never,
}

impl From<Patching> for patch::Patching {
    fn from(patching: Patching) -> Self {
        match patching {
            Patching::Auto => patch::Patching::Auto,
            Patching::Smallest => patch::Patching::Smallest,
            Patching::Never => patch::Patching::Never,
        }
    }
}

/// How a project gets its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Giving {
    /// The firmware writes it into the arena
    Whole,
    /// A function of the firmware is asked for parts of it
    Parts,
}

impl From<Giving> for InputBy {
    fn from(giving: Giving) -> Self {
        match giving {
            Giving::Whole => InputBy::Whole,
            Giving::Parts => InputBy::Parts,
        }
    }
}

/// What a model is exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A project in C99 that needs nothing else
    C,
    /// A LiteRT model, which TensorFlow Lite and TensorFlow Lite Micro run, too
    Tflite,
}
