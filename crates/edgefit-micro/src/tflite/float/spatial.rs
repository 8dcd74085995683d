//! Pools, means, padding, concatenation, resampling.

use edgefit_graph::ops::{
    AxisWeights, Concat, Extent, Filter, Pad, Pool, PoolKind, Reduce, Resize,
};

use super::super::Refused;
use super::super::operator::nearest;
use super::super::padding::Padding;
use super::super::schema::{Activation, Builtin, Field, Options};
use super::super::tensor::{Scales, Tensor};
use super::super::words::int_words;
use super::view::View;
use super::{At, Lowering};
use crate::lower::{channels_last, image, window, within_padding};
use crate::ops::{Image, Window};

/// What a window goes over.
pub(super) struct Windowed {
    pub tensor: usize,
    pub padding: Field,
}

impl<'g> Lowering<'g> {
    /// The image that a window goes over, with `fill` around it where the padding has no name.
    pub(super) fn windowed(
        &mut self,
        at: At<'g>,
        tensor: usize,
        (input, output, window): (Image, Image, &Window),
        fill: f32,
    ) -> Refused<Windowed> {
        let padding = Padding::of(input, output, window);
        let mut read = tensor;
        if let Padding::Explicit([rows, columns]) = padding {
            let amounts = [[0, 0], rows, columns, [0, 0]];
            read = self.padded(at, tensor, (&amounts, fill))?;
        }
        Ok(Windowed {
            tensor: read,
            padding: Field::Byte(i8::from(padding != Padding::Same)),
        })
    }

    /// A new tensor: `tensor` with `fill` before and after each of its dimensions.
    fn padded(
        &mut self,
        at: At<'g>,
        tensor: usize,
        (amounts, fill): (&[[usize; 2]], f32),
    ) -> Refused<usize> {
        let words = int_words(&amounts.concat())?;
        let sizes = [amounts.len(), 2];
        let words = Tensor::words(at.own("padding"), &sizes, &words, Scales::None);
        let words = self.model.tensor(words);
        let sizes = self.model.tensors[tensor].dims.iter().zip(amounts);
        let dims: Vec<usize> = sizes
            .map(|(size, [before, after])| size + before + after)
            .collect();
        let made = self
            .model
            .tensor(Tensor::of_floats(&at.own("padded"), &dims));
        if fill == 0.0 {
            let options = Options::new(Options::PAD, &[]);
            self.model
                .push((Builtin::Pad, 1), &[tensor, words], made, Some(options));
        } else {
            let fill = self
                .model
                .tensor(Tensor::floats(at.own("fill"), &[1], &[fill]));
            let options = Options::new(Options::PAD_V2, &[]);
            let inputs = [tensor, words, fill];
            self.model
                .push((Builtin::PadV2, 1), &inputs, made, Some(options));
        }
        Ok(made)
    }

    pub(super) fn pool(&mut self, at: At<'g>, pool: &Pool) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        if view.dims.len() != 4 {
            return Err("it pools other than two dimensions; export it with two".into());
        }
        let extents = pool.extents(&view.dims)?;
        let view = self.arranged(at.node.label(), &view, &channels_last(4))?;
        let input = image(&view.dims)?;
        let output = image(&self.dims(at.output)?)?;
        let over = window(&extents)?;
        if over.dilation != [1, 1] {
            return Err("LiteRT has no pools with dilation; write it without".into());
        }
        let padding = Padding::of(input, output, &over);
        let (code, read) = match pool.kind {
            // What a maximum never takes.
            PoolKind::Max => {
                let sizes = (input, output, &over);
                (
                    Builtin::MaxPool2d,
                    self.windowed(at, view.tensor, sizes, f32::MIN)?,
                )
            }
            PoolKind::Average {
                count_include_pad: true,
            } if padding != Padding::Valid => {
                let amounts = counted(&extents, input)?;
                (
                    Builtin::AveragePool2d,
                    Windowed {
                        tensor: self.padded(at, view.tensor, (&amounts, 0.0))?,
                        padding: Field::Byte(1),
                    },
                )
            }
            PoolKind::Average { .. } if matches!(padding, Padding::Explicit(_)) => {
                return Err(
                    "LiteRT shares the padding of a mean between both sides; pad in front of it, with \
                     count_include_pad, or drop the padding"
                        .into(),
                );
            }
            PoolKind::Average { .. } => (
                Builtin::AveragePool2d,
                self.windowed(at, view.tensor, (input, output, &over), 0.0)?,
            ),
        };
        let words = int_words(&[
            over.stride[1],
            over.stride[0],
            over.kernel[1],
            over.kernel[0],
        ])?;
        let options = |activation: Activation| {
            let words = words.iter().map(|&word| Field::Int(word));
            let fields: Vec<Field> = [read.padding]
                .into_iter()
                .chain(words)
                .chain([Field::Byte(activation as i8)])
                .collect();
            Options::new(Options::POOL, &fields)
        };
        self.finish(at, ((code, 1), &[read.tensor]), channels_last(4), options)
    }

    pub(super) fn mean(&mut self, at: At<'g>, reduce: &Reduce) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        let axes = reduce.axes(view.dims.len())?;
        let goes = |axis: &usize| axes.contains(axis);
        let places = (0..view.order.len()).filter(|&place| goes(&view.order[place]));
        let words = int_words(&places.collect::<Vec<_>>())?;
        let words = Tensor::words(at.own("axes"), &[words.len()], &words, Scales::None);
        let words = self.model.tensor(words);
        let order: Vec<usize> = if reduce.keep_dims {
            view.order.clone()
        } else {
            let left = view.order.iter().filter(|axis| !goes(axis));
            left.map(|axis| axis - axes.iter().filter(|gone| *gone < axis).count())
                .collect()
        };
        let made = self.value(at.node.label(), self.dims(at.output)?, order);
        let options = Options::new(Options::REDUCER, &[Field::Bool(reduce.keep_dims)]);
        let inputs = [view.tensor, words];
        self.model
            .push((Builtin::Mean, 1), &inputs, made.tensor, Some(options));
        self.known.insert(at.output, made);
        Ok(())
    }

    pub(super) fn concat(&mut self, at: At<'g>, concat: &Concat) -> Refused<()> {
        let mut inputs = Vec::new();
        let mut first: Option<View> = None;
        for input in 0..at.node.inputs.len() {
            let view = self.plain_view(at, input)?;
            let order = first.get_or_insert_with(|| view.clone()).order.clone();
            inputs.push(self.arranged(at.node.label(), &view, &order)?.tensor);
        }
        let first = first.ok_or("it has no inputs")?;
        let axis = concat.axis(first.dims.len())?;
        let place = first.order.iter().position(|&other| other == axis);
        let place = int_words(&[place.ok_or("its dimension does not exist")?])?[0];
        let options = |activation: Activation| {
            let fields = [Field::Int(place), Field::Byte(activation as i8)];
            Options::new(Options::CONCATENATION, &fields)
        };
        // Its kernels do not all take a function in.
        let made = self.value(at.node.label(), self.dims(at.output)?, first.order);
        self.model.push(
            (Builtin::Concatenation, 1),
            &inputs,
            made.tensor,
            Some(options(Activation::None)),
        );
        self.known.insert(at.output, made);
        Ok(())
    }

    pub(super) fn pad(&mut self, at: At<'g>, pad: &Pad, fill: f32) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        let amounts = pad.amounts(view.dims.len())?;
        let whole = |axis: &usize| {
            let (before, after) = amounts[*axis];
            Some([usize::try_from(before).ok()?, usize::try_from(after).ok()?])
        };
        let amounts: Option<Vec<[usize; 2]>> = view.order.iter().map(whole).collect();
        let amounts = amounts.ok_or("it takes elements off; there is a form for adding them")?;
        let tensor = self.padded(at, view.tensor, (&amounts, fill))?;
        let made = View {
            tensor,
            dims: self.dims(at.output)?,
            ..view
        };
        self.known.insert(at.output, made);
        Ok(())
    }

    pub(super) fn resize(&mut self, at: At<'g>, resize: &Resize) -> Refused<()> {
        let view = self.plain_view(at, 0)?;
        let dims = self.dims(at.output)?;
        if dims.len() != 4 || dims[..2] != view.dims[..2] {
            return Err("it resamples other than rows and columns of images".into());
        }
        let weights = resize.axis_weights(&view.dims)?;
        let (code, table) = match resize.filter() {
            Filter::Nearest => (
                Builtin::ResizeNearestNeighbor,
                Options::RESIZE_NEAREST_NEIGHBOR,
            ),
            Filter::Linear => (Builtin::ResizeBilinear, Options::RESIZE_BILINEAR),
            other => {
                return Err(format!(
                    "it is {other}; export it with mode nearest or linear"
                ));
            }
        };
        let is_it = |way: &&[bool; 2]| {
            weights
                .iter()
                .all(|along| chooses(along, &view, (code, **way)))
        };
        let [corners, centres] = *WAYS.iter().find(is_it).ok_or(
            "LiteRT takes other elements; export it with coordinate_transformation_mode asymmetric or half_pixel, \
             nearest with nearest_mode floor or round_prefer_ceil",
        )?;
        let view = self.arranged(at.node.label(), &view, &channels_last(4))?;
        let words = int_words(&dims[2..])?;
        let size = Tensor::words(at.own("size"), &[2], &words, Scales::None);
        let size = self.model.tensor(size);
        let made = self.value(at.node.label(), dims, channels_last(4));
        let fields = [Field::Bool(corners), Field::Bool(centres)];
        // The first two fields of the bilinear one are gone.
        let fields = match code {
            Builtin::ResizeBilinear => [vec![Field::Gone, Field::Gone], fields.to_vec()].concat(),
            _ => fields.to_vec(),
        };
        self.model.push(
            (code, 3),
            &[view.tensor, size],
            made.tensor,
            Some(Options::new(table, &fields)),
        );
        self.known.insert(at.output, made);
        Ok(())
    }
}

/// Whether corners meet, and whether positions are centres.
const WAYS: [[bool; 2]; 3] = [[false, false], [false, true], [true, false]];

/// Whether LiteRT takes the elements of `along` with the same weights.
fn chooses(along: &AxisWeights, view: &View, (code, way): (Builtin, [bool; 2])) -> bool {
    let size = view.dims[along.axis];
    let positions = along.outside.len();
    if along.outside.contains(&true) {
        return false;
    }
    (0..positions).all(|at| {
        let given = along
            .kernel
            .iter()
            .map(|(places, weights)| (places[at], weights[at]));
        let given: Vec<(usize, f32)> = given.filter(|(_, weight)| *weight != 0.0).collect();
        let place = given.iter().map(|(place, weight)| *place as f32 * weight);
        let place: f32 = place.sum();
        let wanted = match code {
            Builtin::ResizeNearestNeighbor => nearest((at, positions), size, way) as f32,
            _ => linear((at, positions), size, way),
        };
        (place - wanted).abs() < 1e-4 * (1.0 + wanted)
    })
}

/// Where `ResizeBilinear` reads, between the elements.
fn linear((at, positions): (usize, usize), size: usize, [corners, centres]: [bool; 2]) -> f32 {
    let scale = if corners && positions > 1 {
        (size - 1) as f32 / (positions - 1) as f32
    } else {
        size as f32 / positions as f32
    };
    let place = if centres {
        (at as f32 + 0.5) * scale - 0.5
    } else {
        at as f32 * scale
    };
    place.clamp(0.0, (size - 1) as f32)
}

/// Padding that makes every window whole.
fn counted(extents: &[Extent], input: Image) -> Refused<[[usize; 2]; 4]> {
    let mut amounts = [[0, 0]; 4];
    let sizes = [input.height, input.width];
    for ((amount, extent), size) in amounts[1..3].iter_mut().zip(extents).zip(sizes) {
        within_padding(extent, size)?;
        *amount = [extent.before, extent.after];
    }
    Ok(amounts)
}
