//! The C sources of the kernels, and which of them a program needs.

use super::File;
use crate::ops::Op;
use crate::program::Program;

macro_rules! sources {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../c/", $name)))),*]
    };
}

const HEADERS: [(&str, &str); 5] = sources!(
    "ef_arithmetic.h",
    "ef_dot.h",
    "ef_kernels.h",
    "ef_layer.h",
    "ef_window.h"
);

const SOURCES: [(&str, &str); 8] = sources!(
    "ef_convolution.c",
    "ef_depthwise.c",
    "ef_elementwise.c",
    "ef_pool.c",
    "ef_product.c",
    "ef_rearrange.c",
    "ef_softmax.c",
    "ef_table.c"
);

/// The source that has the kernel of `op`.
fn source(op: &Op) -> &'static str {
    match op {
        Op::Conv(conv) if conv.is_pointwise() => "ef_product.c",
        Op::Conv(_) => "ef_convolution.c",
        Op::Depthwise(_) => "ef_depthwise.c",
        Op::FullyConnected(_) => "ef_product.c",
        Op::Add(_) | Op::Mul(_) => "ef_elementwise.c",
        Op::AveragePool(_) | Op::MaxPool(_) | Op::Mean(_) => "ef_pool.c",
        Op::Pad(_) | Op::Concat(_) | Op::Transpose(_) | Op::ResizeNearest(_) | Op::CopyRows(_) => {
            "ef_rearrange.c"
        }
        Op::Softmax(_) => "ef_softmax.c",
        Op::Table(_) => "ef_table.c",
    }
}

/// The headers, and the sources that `program` needs.
pub(super) fn of(program: &Program) -> Vec<File> {
    let needed: Vec<&str> = program.steps.iter().map(|step| source(&step.op)).collect();
    let mut files = all();
    files.retain(|file| file.name.ends_with(".h") || needed.contains(&file.name.as_str()));
    files
}

/// All headers and sources.
pub(super) fn all() -> Vec<File> {
    let files = HEADERS.iter().chain(&SOURCES);
    files
        .map(|&(name, text)| File {
            name: name.to_owned(),
            text: text.to_owned(),
        })
        .collect()
}
