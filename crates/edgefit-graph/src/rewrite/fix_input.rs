//! The shape of an input, fixed.

use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, ValueInfo, ValueType};
use crate::image_input::ImageInput;
use crate::infer::InputShapes;
use crate::preprocessing::{Layout, Preprocessing};

/// Declares the only input of `graph` to be of the whole shape `shape`, but for the batch, which stays open.
/// Its element type stays, and the preprocessing that the model carries makes images of that size.
///
/// # Errors
/// There is more than one input, or `shape` has another number of dimensions or of channels.
pub fn fix_input(graph: &mut Graph, shape: &[usize]) -> Result<()> {
    check_channels(graph, shape)?;
    let shapes = InputShapes::bind(graph, 1, Some(shape))?;
    // Shapes that the exporter stored are those of other sizes.
    graph.value_info.clear();
    for (name, sizes) in shapes.0 {
        let sample = sizes.into_iter().skip(1).map(Dim::Known);
        let sizes = std::iter::once(Dim::Symbol("batch".into()))
            .chain(sample)
            .collect();
        let input = graph.inputs.iter_mut().find(|input| input.name == name);
        if let Some(input) = input {
            input.ty = match input.ty {
                ValueType::Tensor { dtype, .. } => ValueType::Tensor {
                    dtype,
                    dims: Some(sizes),
                },
                ValueType::Opaque(_) => ValueInfo::f32(&name, sizes).ty,
            };
        }
    }
    // Who needs one that cannot be read refuses it.
    if let (Ok(input), Ok(Some(carried))) = (ImageInput::of(graph), Preprocessing::of(graph)) {
        carried.suited_to(&input).store(graph);
    }
    Ok(())
}

/// Refuses a shape whose channels stand elsewhere, or are more or fewer.
fn check_channels(graph: &Graph, shape: &[usize]) -> Result<()> {
    let (Ok(input), &[_, first, _, third]) = (ImageInput::of(graph), shape) else {
        return Ok(());
    };
    let channels = match input.layout {
        Layout::ChannelsFirst => first,
        Layout::ChannelsLast => third,
    };
    if channels == input.channels {
        return Ok(());
    }
    let given: Vec<String> = shape.iter().map(ToString::to_string).collect();
    Err(Error::invalid(
        format!("graph input '{}'", input.name),
        format!(
            "is {}, which {} is not; give a shape such as {}",
            input.shape(),
            given.join("x"),
            input.example()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocessing::PreprocessingName;
    use crate::tensor::DataType;

    #[test]
    fn the_size_is_fixed_and_the_type_stays() {
        let mut graph = Graph::new("g", 17);
        let dims = vec![Dim::Unknown, Dim::Unknown, Dim::Unknown, Dim::Known(3)];
        graph.inputs.push(ValueInfo::f32("x", dims));
        if let ValueType::Tensor { dtype, .. } = &mut graph.inputs[0].ty {
            *dtype = DataType::U8;
        }
        let error = fix_input(&mut graph, &[1, 3, 8, 8])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("(batch, height, width, 3), which 1x3x8x8 is not"),
            "{error}"
        );
        assert!(error.contains("1x224x224x3"), "{error}");
        Preprocessing::named(PreprocessingName::Raw, 224, 224).store(&mut graph);
        fix_input(&mut graph, &[1, 8, 6, 3]).unwrap();
        let input = ImageInput::of(&graph).unwrap();
        assert_eq!((input.size().unwrap(), input.dtype), ([6, 8], DataType::U8));
        let carried = Preprocessing::of(&graph).unwrap().unwrap();
        assert_eq!((carried.width, carried.height), (6, 8));
    }
}
