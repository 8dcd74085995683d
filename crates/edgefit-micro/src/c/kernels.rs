//! The C sources of the kernels, and which of them a program needs.

use super::file::File;
use super::parts::Parts;
use crate::ops::Op;

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

/// Sources of the kernels that a library may stand in for; what it does not do is left to them.
const REPLACED: [&str; 3] = ["ef_convolution.c", "ef_depthwise.c", "ef_product.c"];

/// The headers, and the sources that the model needs.
pub(super) fn of(parts: Parts) -> Vec<File> {
    let steps = parts.program.steps.iter();
    let mut needed: Vec<&str> = steps.map(|step| source(&step.op)).collect();
    if parts.library.is_some() {
        needed.extend(REPLACED);
    }
    let mut files = all();
    files.retain(|file| file.name.ends_with(".h") || needed.contains(&file.name.as_str()));
    if let Some(library) = parts.library {
        for file in files.iter_mut().filter(|file| file.name == "ef_kernels.h") {
            let guard = "#define EF_KERNELS_H\n";
            let called = format!("{guard}\n#define EF_LIBRARY 1\n");
            file.text = file.text.replacen(guard, &called, 1);
        }
        files.extend(library.adaptor());
    }
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
