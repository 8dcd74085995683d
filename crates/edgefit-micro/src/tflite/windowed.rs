//! Images that a window goes over.

use super::Refused;
use super::builder::Builder;
use super::padding::Padding;
use super::schema::{Builtin, Field, Options};
use super::tensor::{Scales, Tensor};
use super::words::int_words;
use crate::ops::{Image, Window};
use crate::program::{Step, TensorType};

/// What goes over an image, in the words of options.
pub(super) struct Windowed {
    pub input: usize,
    pub padding: Field,
    /// Along the width, then along the height.
    pub stride: [Field; 2],
    /// Along the width, then along the height.
    pub dilation: [Field; 2],
}

/// The image that a step reads; where its padding has no name in LiteRT, with rows and columns of `fill`
/// around it.
pub(super) fn windowed(
    builder: &mut Builder,
    step: &Step,
    (input, output, window): (Image, Image, &Window),
    fill: i8,
) -> Refused<Windowed> {
    let mut read = builder.read(step, 0, &input.dims())?;
    let padding = Padding::of(input, output, window);
    if let Padding::Explicit([rows, columns]) = padding {
        let amounts = [[0, 0], rows, columns, [0, 0]];
        read = padded(builder, (read, step), &amounts, fill)?;
    }
    let field = |of: [usize; 2]| -> Refused<[Field; 2]> {
        let words = int_words(&[of[1], of[0]])?;
        Ok([Field::Int(words[0]), Field::Int(words[1])])
    };
    Ok(Windowed {
        input: read,
        padding: Field::Byte(i8::from(padding != Padding::Same)),
        stride: field(window.stride)?,
        dilation: field(window.dilation)?,
    })
}

/// A new tensor: `tensor` with `fill` before and after each dimension.
fn padded(
    builder: &mut Builder,
    (tensor, step): (usize, &Step),
    amounts: &[[usize; 2]],
    fill: i8,
) -> Refused<usize> {
    let sizes = builder.model.tensors[tensor].dims.iter().zip(amounts);
    let ty = TensorType {
        dims: sizes
            .map(|(size, [before, after])| size + before + after)
            .collect(),
        quantization: step.signature.inputs[0].quantization,
    };
    let output = Tensor::value(&format!("{}_padded", step.node), &ty);
    let output = builder.tensor(output);
    pad(builder, (tensor, output, &step.node), amounts, fill)?;
    Ok(output)
}

/// Writes `output`, which is `tensor` with `fill` before and after each dimension.
pub(super) fn pad(
    builder: &mut Builder,
    (tensor, output, name): (usize, usize, &str),
    amounts: &[[usize; 2]],
    fill: i8,
) -> Refused<()> {
    let words = int_words(&amounts.concat())?;
    let dims = [amounts.len(), 2];
    let words = Tensor::words(format!("{name}_padding"), &dims, &words, Scales::None);
    let words = builder.tensor(words);
    let scales = builder.model.tensors[tensor].scales.clone();
    // What PAD adds stands for 0.
    if scales == Scales::None || matches!(scales, Scales::One(own) if own.zero_point == fill) {
        let options = Options::new(Options::PAD, &[]);
        builder.push((Builtin::Pad, 2), &[tensor, words], output, Some(options));
        return Ok(());
    }
    let fill = builder.tensor(Tensor::bytes(format!("{name}_fill"), &[1], &[fill], scales));
    let options = Options::new(Options::PAD_V2, &[]);
    let inputs = [tensor, words, fill];
    builder.push((Builtin::PadV2, 2), &inputs, output, Some(options));
    Ok(())
}
