//! What LiteRT makes of samples: of integers, or of floats in the order of the ONNX model.

use edgefit_litert::{Kernels, Subprocess};
use edgefit_micro::Program;
use edgefit_micro::tflite::{self, FloatFile, Planning};

use crate::error::Result;

/// What LiteRT makes of `inputs` with `kernels`, a row of bytes for each.
pub fn run(
    process: &Subprocess,
    program: &Program,
    inputs: &[Vec<i8>],
    kernels: Kernels,
) -> Result<Vec<Vec<i8>>> {
    let bytes = inputs.iter().flatten().map(|byte| byte.cast_unsigned());
    let bytes: Vec<u8> = bytes.collect();
    let width = program.values[program.output.value];
    let file = tflite::file(program, Planning::InFile)?.bytes;
    let made = process.run(&file, (&bytes, inputs.len()), (kernels, width))?;
    let row = |row: Vec<u8>| row.into_iter().map(u8::cast_signed).collect();
    Ok(made.into_iter().map(row).collect())
}

/// The same of a model of floats.
pub fn run_floats(
    process: &Subprocess,
    file: &FloatFile,
    inputs: &[Vec<f32>],
    kernels: Kernels,
) -> Result<Vec<Vec<f32>>> {
    let rows = inputs.iter().map(|values| file.input.to_memory(values));
    let values = rows.flatten().flat_map(f32::to_le_bytes);
    let bytes: Vec<u8> = values.collect();
    let width = 4 * file.output.dims.iter().product::<usize>();
    let made = process.run(&file.bytes, (&bytes, inputs.len()), (kernels, width))?;
    let row = |row: Vec<u8>| {
        let (words, _) = row.as_chunks::<4>();
        let memory: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        file.output.to_model(&memory)
    };
    Ok(made.into_iter().map(row).collect())
}
