//! A model as a FlatBuffer.

use flatbuffers::{FlatBufferBuilder, Push, UnionWIPOffset, WIPOffset};

use super::model::{Model, Operator};
use super::schema::{Builtin, Field, IDENTIFIER, Options, VERSION};
use super::tensor::{Scales, Tensor};
use crate::error::{Error, Result};

/// Where the data of buffers may begin.
const ALIGNMENT: usize = 16;

/// Most bytes of a file: places in it have 31 bits.
const MOST_BYTES: usize = 1 << 31;

/// Most bytes that every file has: what holds all together, and the codes of operators.
const FRAME_BYTES: usize = 16 << 10;

/// Most bytes that a tensor, an operator or a note takes beside its lists.
const TABLE_BYTES: usize = 256;

/// A finished table, vector or string.
pub(super) type Part = WIPOffset<UnionWIPOffset>;

/// A table with the fields that `fields` pushes, by their number.
pub(super) fn table(
    flat: &mut FlatBufferBuilder,
    fields: impl FnOnce(&mut FlatBufferBuilder),
) -> Part {
    let start = flat.start_table();
    fields(flat);
    flat.end_table(start).as_union_value()
}

/// Field `number` of the table that is open.
pub(super) fn field<T: Push>(flat: &mut FlatBufferBuilder, number: u16, value: T) {
    flat.push_slot_always(4 + 2 * number, value);
}

/// A vector.
pub(super) fn vector<'f, T: Push + Copy + 'f>(flat: &mut FlatBufferBuilder<'f>, items: &[T]) -> Part
where
    T::Output: 'f,
{
    flat.create_vector(items).as_union_value()
}

/// A string.
pub(super) fn string(flat: &mut FlatBufferBuilder, text: &str) -> Part {
    flat.create_string(text).as_union_value()
}

/// Fills up so that what is pushed next, `bytes` of it, begins at a multiple of the alignment in the end.
fn align(flat: &mut FlatBufferBuilder, bytes: usize) {
    while !(flat.unfinished_data().len() + bytes).is_multiple_of(ALIGNMENT) {
        flat.push(0u8);
    }
}

/// The most bytes that the file of `model` can take.
fn most_bytes(model: &Model, notes: &[(&str, Vec<u8>)]) -> usize {
    let tensors = model.tensors.iter().map(|tensor| {
        let scales = match &tensor.scales {
            Scales::Along(_, scales) => 12 * scales.len(),
            Scales::None | Scales::One(_) => 0,
        };
        let data = tensor.data.as_ref().map_or(0, Vec::len);
        TABLE_BYTES + data + tensor.name.len() + 4 * tensor.dims.len() + scales
    });
    let operators = model.operators.iter();
    let operators = operators.map(|operator| TABLE_BYTES + 4 * operator.inputs.len());
    let notes = notes.iter().map(|(_, note)| TABLE_BYTES + note.len());
    let tables: usize = tensors.chain(operators).chain(notes).sum();
    FRAME_BYTES + tables
}

/// Refuses what has more bytes than a file can have.
fn within_a_file(bytes: usize) -> Result<()> {
    if bytes < MOST_BYTES {
        return Ok(());
    }
    Err(Error::DoesNotFit(format!(
        "its weights and tables take {bytes} B, and a LiteRT file holds less than {MOST_BYTES} B (2 GiB); give a smaller \
         model"
    )))
}

/// The file of `model`, with notes for tools and interpreters under the names by which they look for them.
///
/// # Errors
/// It would be larger than a file can be.
pub(super) fn write(model: &Model, notes: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    within_a_file(most_bytes(model, notes))?;
    let mut flat = FlatBufferBuilder::new();
    let flat = &mut flat;
    // The first buffer is empty by convention.
    let mut buffers: Vec<&[u8]> = vec![&[]];
    let mut tensors = Vec::new();
    for tensor in &model.tensors {
        let buffer = match &tensor.data {
            Some(data) => {
                buffers.push(data);
                buffers.len() - 1
            }
            None => 0,
        };
        tensors.push(written_tensor(flat, tensor, buffer as u32));
    }
    let tensors = vector(flat, &tensors);
    let mut codes: Vec<(Builtin, i32)> = Vec::new();
    for operator in &model.operators {
        let code = (operator.code, operator.version);
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let operators: Vec<Part> = model
        .operators
        .iter()
        .map(|operator| written_operator(flat, operator, &codes))
        .collect();
    let operators = vector(flat, &operators);
    let [inputs, outputs] = [model.input, model.output].map(|at| vector(flat, &[at as i32]));
    let name = string(flat, "main");
    let graph = table(flat, |flat| {
        for (number, part) in [tensors, inputs, outputs, operators, name]
            .iter()
            .enumerate()
        {
            field(flat, number as u16, *part);
        }
    });
    let graphs = vector(flat, &[graph]);
    let codes: Vec<Part> = codes
        .iter()
        .map(|&(code, version)| {
            table(flat, |flat| {
                field(flat, 3, code as i32);
                field(flat, 2, version);
                // All codes here are below 127, where older readers look.
                field(flat, 0, code as i8);
            })
        })
        .collect();
    let codes = vector(flat, &codes);
    let notes: Vec<Part> = notes
        .iter()
        .map(|(name, note)| {
            buffers.push(note);
            let name = string(flat, name);
            table(flat, |flat| {
                field(flat, 0, name);
                field(flat, 1, buffers.len() as u32 - 1);
            })
        })
        .collect();
    let notes = vector(flat, &notes);
    let buffers: Vec<Part> = buffers
        .iter()
        .map(|data| {
            let data = (!data.is_empty()).then(|| {
                align(flat, data.len());
                vector(flat, data)
            });
            table(flat, |flat| {
                if let Some(data) = data {
                    field(flat, 0, data);
                }
            })
        })
        .collect();
    let buffers = vector(flat, &buffers);
    let description = string(flat, concat!("edgefit ", env!("CARGO_PKG_VERSION")));
    let root = table(flat, |flat| {
        field(flat, 1, codes);
        field(flat, 2, graphs);
        field(flat, 3, description);
        field(flat, 4, buffers);
        field(flat, 6, notes);
        field(flat, 0, VERSION);
    });
    // The place of the root and the identifier come in front.
    align(flat, 8);
    flat.finish(root, Some(IDENTIFIER));
    Ok(flat.finished_data().to_vec())
}

fn written_tensor(flat: &mut FlatBufferBuilder, tensor: &Tensor, buffer: u32) -> Part {
    let scaling = match &tensor.scales {
        Scales::None => None,
        Scales::One(own) => Some((vec![own.scale], vec![i64::from(own.zero_point)], 0)),
        Scales::Along(axis, scales) => Some((scales.clone(), vec![0; scales.len()], *axis as i32)),
    };
    let scaling = scaling.map(|(scales, zero_points, axis)| {
        let [scales, zero_points] = [vector(flat, &scales), vector(flat, &zero_points)];
        table(flat, |flat| {
            field(flat, 2, scales);
            field(flat, 3, zero_points);
            field(flat, 6, axis);
        })
    });
    let dims: Vec<i32> = tensor.dims.iter().map(|&size| size as i32).collect();
    let dims = vector(flat, &dims);
    let name = string(flat, &tensor.name);
    table(flat, |flat| {
        field(flat, 0, dims);
        field(flat, 2, buffer);
        field(flat, 3, name);
        if let Some(scaling) = scaling {
            field(flat, 4, scaling);
        }
        field(flat, 1, tensor.element as i8);
        field(flat, 8, true);
    })
}

fn written_operator(
    flat: &mut FlatBufferBuilder,
    operator: &Operator,
    codes: &[(Builtin, i32)],
) -> Part {
    let code = (operator.code, operator.version);
    let code = codes.iter().position(|&other| other == code);
    let inputs: Vec<i32> = operator.inputs.iter().map(|&at| at as i32).collect();
    let inputs = vector(flat, &inputs);
    let outputs = vector(flat, &[operator.output as i32]);
    let options = operator.options.as_ref().map(|options| {
        let Options {
            table: kind,
            fields,
        } = options;
        let written = table(flat, |flat| {
            for (number, value) in fields.iter().enumerate() {
                let number = number as u16;
                match *value {
                    Field::Byte(value) => field(flat, number, value),
                    Field::Int(value) => field(flat, number, value),
                    Field::Float(value) => field(flat, number, value),
                    Field::Bool(value) => field(flat, number, value),
                    Field::Gone => {}
                }
            }
        });
        (*kind, written)
    });
    table(flat, |flat| {
        field(flat, 0, code.unwrap_or_default() as u32);
        field(flat, 1, inputs);
        field(flat, 2, outputs);
        if let Some((kind, options)) = options {
            field(flat, 4, options);
            field(flat, 3, kind);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_less_than_two_gibibytes() {
        let mut model = Model::default();
        model.tensor(Tensor::floats("weights".into(), &[1000], &[1.0; 1000]));
        let most = most_bytes(&model, &[]);
        let bytes = write(&model, &[]).unwrap().len();
        assert!(4000 < bytes && bytes <= most, "{bytes} {most}");
        let refused = within_a_file(MOST_BYTES + most).unwrap_err().to_string();
        assert!(refused.contains("2 GiB"), "{refused}");
    }
}
