//! How the input of a model takes images: order of its dimensions, channels, element type.

use crate::error::{Error, Result};
use crate::graph::{Dim, Graph, ValueInfo, ValueType};
use crate::node::Node;
use crate::preprocessing::{ChannelOrder, Layout, Preprocessing, PreprocessingName};
use crate::tensor::DataType;
use crate::topology::Topology;

/// Most nodes between an input and what tells how it is laid out.
const MOST_STEPS: usize = 32;

/// The input of a model that takes images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInput {
    /// Name of the input.
    pub name: String,
    /// Order of its dimensions.
    pub layout: Layout,
    /// 3 for colour, 1 for grey.
    pub channels: usize,
    /// Height in pixels, where it is fixed.
    pub height: Option<usize>,
    /// Width in pixels, where it is fixed.
    pub width: Option<usize>,
    /// Element type.
    pub dtype: DataType,
}

impl ImageInput {
    /// The only input of `graph`, as one of images. Sizes tell the order of the dimensions, or, better,
    /// the Transpose or the convolution that reads it.
    ///
    /// ```
    /// use edgefit_graph::preprocessing::Layout;
    /// use edgefit_graph::{Dim, Graph, ImageInput, ValueInfo};
    ///
    /// let mut graph = Graph::new("keras", 17);
    /// let dims = vec![Dim::Unknown, Dim::Known(96), Dim::Known(64), Dim::Known(3)];
    /// graph.inputs.push(ValueInfo::f32("image", dims));
    /// let input = ImageInput::of(&graph)?;
    /// assert_eq!((input.layout, input.channels), (Layout::ChannelsLast, 3));
    /// assert_eq!((input.height, input.width), (Some(96), Some(64)));
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is more than one input, or it does not take images of one or three channels.
    pub fn of(graph: &Graph) -> Result<Self> {
        let inputs: Vec<&ValueInfo> = graph.free_inputs().collect();
        let [input] = inputs.as_slice() else {
            return Err(Error::invalid(
                "graph inputs",
                format!("there are {}; a model of images has one", inputs.len()),
            ));
        };
        let fail =
            |problem: String| Error::invalid(format!("graph input '{}'", input.name), problem);
        let dims = match input.dims() {
            None => [const { &Dim::Unknown }; 3],
            Some([_, first, second, third]) => [first, second, third],
            Some(dims) => {
                let dims: Vec<String> = dims.iter().map(ToString::to_string).collect();
                return Err(fail(format!(
                    "is ({}), which no image is; images have (batch, channels, height, width) or (batch, \
                     height, width, channels); give samples of that shape as arrays in an .npz file",
                    dims.join(", ")
                )));
            }
        };
        let known = dims.map(|dim| match dim {
            Dim::Known(size) => Some(*size),
            _ => None,
        });
        let reader = reader(graph, &input.name);
        let of_image = |size: Option<usize>| matches!(size, Some(1 | 3));
        let layout = match reader {
            Reader::Transposed(_) => Layout::ChannelsLast,
            Reader::Direct(_) => Layout::ChannelsFirst,
            Reader::Unclear if of_image(known[2]) && !of_image(known[0]) => Layout::ChannelsLast,
            Reader::Unclear => Layout::ChannelsFirst,
        };
        let [channels, height, width] = match layout {
            Layout::ChannelsFirst => known,
            Layout::ChannelsLast => [known[2], known[0], known[1]],
        };
        let read = match reader {
            Reader::Transposed(channels) | Reader::Direct(channels) => channels,
            Reader::Unclear => None,
        };
        let channels = channels.or(read).unwrap_or(3);
        if !matches!(channels, 1 | 3) {
            return Err(fail(format!(
                "takes {channels} channels; images have 3, or 1 if they are grey; give samples of its \
                 shape as arrays in an .npz file"
            )));
        }
        Ok(ImageInput {
            name: input.name.clone(),
            layout,
            channels,
            height,
            width,
            dtype: match input.ty {
                ValueType::Tensor { dtype, .. } => dtype,
                ValueType::Opaque(_) => DataType::F32,
            },
        })
    }

    /// Has `graph` say that its images are prepared in the way of that name, whatever it said.
    ///
    /// # Errors
    /// It takes no images.
    pub fn prepare_by(graph: &mut Graph, name: PreprocessingName) -> Result<()> {
        ImageInput::of(graph)?.preprocessing(name)?.store(graph);
        Ok(())
    }

    /// Whether it takes whole numbers that hold 0 to 255, so that the model itself scales them.
    pub fn takes_bytes(&self) -> bool {
        !self.dtype.is_float() && !matches!(self.dtype, DataType::I8 | DataType::Bool)
    }

    /// Width and height of the images that it takes.
    ///
    /// # Errors
    /// The model leaves them open.
    pub fn size(&self) -> Result<[u32; 2]> {
        let side = |size: Option<usize>| u32::try_from(size?).ok();
        match (side(self.width), side(self.height)) {
            (Some(width), Some(height)) => Ok([width, height]),
            _ => Err(self.fail(format!(
                "has no fixed size, {}; give one with --input-shape, such as {}",
                self.shape(),
                self.example()
            ))),
        }
    }

    /// The preprocessing called `name`, as it suits this input.
    ///
    /// # Errors
    /// The size is open, or the input takes whole numbers and `name` makes fractions.
    pub fn preprocessing(&self, name: PreprocessingName) -> Result<Preprocessing> {
        if self.takes_bytes() && name != PreprocessingName::Raw {
            return Err(self.fail(format!(
                "takes {}, whole numbers from 0 to 255, so the model scales inside; the preprocessing '{name}' \
                 would scale a second time; give raw",
                self.dtype
            )));
        }
        let [width, height] = self.size()?;
        Ok(Preprocessing::named(name, width, height).suited_to(self))
    }

    fn fail(&self, problem: String) -> Error {
        Error::invalid(format!("graph input '{}'", self.name), problem)
    }

    /// The shape that it takes, in words, such as `(batch, 3, height, width)`.
    pub fn shape(&self) -> String {
        let size =
            |size: Option<usize>, name: &str| size.map_or(name.into(), |size| size.to_string());
        let (height, width) = (size(self.height, "height"), size(self.width, "width"));
        match self.layout {
            Layout::ChannelsFirst => format!("(batch, {}, {height}, {width})", self.channels),
            Layout::ChannelsLast => format!("(batch, {height}, {width}, {})", self.channels),
        }
    }

    /// An example of a whole shape, as `--input-shape` takes it.
    pub fn example(&self) -> String {
        match self.layout {
            Layout::ChannelsFirst => format!("1x{}x224x224", self.channels),
            Layout::ChannelsLast => format!("1x224x224x{}", self.channels),
        }
    }
}

/// What first cares for the order of an input's dimensions, and the channels that it asks for.
enum Reader {
    /// A Transpose that brings the channels to the front.
    Transposed(Option<usize>),
    /// A convolution, which reads channels in front.
    Direct(Option<usize>),
    Unclear,
}

/// Follows the input `name` through nodes that work element by element.
fn reader(graph: &Graph, name: &str) -> Reader {
    const ELEMENTWISE: [&str; 10] = [
        "Cast",
        "Mul",
        "Div",
        "Sub",
        "Add",
        "Identity",
        "Clip",
        "Pad",
        "QuantizeLinear",
        "DequantizeLinear",
    ];
    let topology = Topology::of(graph);
    let (mut value, mut transposed) = (name, false);
    for _ in 0..MOST_STEPS {
        let Some(node) = topology
            .consumers(value)
            .first()
            .map(|&node| &graph.nodes[node])
        else {
            break;
        };
        match node.op.as_str() {
            "Conv" => {
                let channels = channels(graph, node);
                return if transposed {
                    Reader::Transposed(channels)
                } else {
                    Reader::Direct(channels)
                };
            }
            "Transpose"
                if node.ints("perm").ok().flatten() == Some(&[0, 3, 1, 2]) && !transposed =>
            {
                transposed = true;
            }
            // Its statistics go over the channels.
            "BatchNormalization" => {}
            op if ELEMENTWISE.contains(&op) => {}
            _ => break,
        }
        let Some(next) = node.present_outputs().next() else {
            break;
        };
        value = next;
    }
    if transposed {
        Reader::Transposed(None)
    } else {
        Reader::Unclear
    }
}

/// Channels that a convolution reads.
fn channels(graph: &Graph, conv: &Node) -> Option<usize> {
    let weight = graph.initializers.get(conv.input(1)?)?;
    let group = usize::try_from(conv.int_or("group", 1).ok()?).ok()?;
    weight.dims().get(1)?.checked_mul(group)
}

impl Preprocessing {
    /// The same for a model that takes images as `input` says: in its layout, of its size where that is fixed, and
    /// grey if it has one channel, with the means of mean and standard deviation over the colours.
    #[must_use]
    pub fn suited_to(mut self, input: &ImageInput) -> Self {
        self.layout = input.layout;
        if let Ok([width, height]) = input.size() {
            (self.width, self.height) = (width, height);
        }
        if input.channels == 1 && self.channel_order != ChannelOrder::Grey {
            self.channel_order = ChannelOrder::Grey;
            let average = |values: [f32; 3]| [values.iter().sum::<f32>() / 3.0; 3];
            (self.mean, self.std) = (average(self.mean), average(self.std));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attribute;
    use crate::tensor::Tensor;

    fn graph(dims: [Dim; 4], nodes: Vec<Node>) -> Graph {
        let mut graph = Graph::new("g", 17);
        graph.inputs.push(ValueInfo::f32("x", dims.into()));
        let weight = Tensor::from_values(vec![1, 1, 1, 1], &[1f32]);
        graph.initializers.insert("grey".into(), weight);
        graph.nodes = nodes;
        graph
    }

    fn seen(dims: [Dim; 4], nodes: Vec<Node>) -> (Layout, usize) {
        let input = ImageInput::of(&graph(dims, nodes)).unwrap();
        (input.layout, input.channels)
    }

    fn open() -> [Dim; 4] {
        [const { Dim::Unknown }; 4]
    }

    fn conv(value: &str) -> Node {
        Node::new("Conv", "conv", &[value, "grey"], &["y"])
    }

    fn transpose() -> Node {
        let perm = Attribute::Ints(vec![0, 3, 1, 2]);
        Node::new("Transpose", "nchw", &["c"], &["t"]).with("perm", perm)
    }

    #[test]
    fn who_reads_it_decides_and_sizes_where_nobody_does() {
        let cast = || Node::new("Cast", "cast", &["x"], &["c"]);
        let known = |sizes: [usize; 4]| sizes.map(Dim::Known);
        assert_eq!(seen(open(), vec![]), (Layout::ChannelsFirst, 3));
        assert_eq!(
            seen(open(), vec![cast(), conv("c")]),
            (Layout::ChannelsFirst, 1)
        );
        assert_eq!(
            seen(open(), vec![cast(), transpose(), conv("t")]),
            (Layout::ChannelsLast, 1)
        );
        assert_eq!(
            seen(known([1, 3, 8, 3]), vec![]),
            (Layout::ChannelsFirst, 3)
        );
        assert_eq!(seen(known([1, 8, 8, 1]), vec![]), (Layout::ChannelsLast, 1));
        let small = vec![cast(), transpose()];
        assert_eq!(seen(known([1, 3, 8, 3]), small), (Layout::ChannelsLast, 3));
    }

    #[test]
    fn bytes_are_not_scaled_twice_and_an_open_size_is_asked_for() {
        let dims = [1, 8, 8, 3].map(Dim::Known);
        let mut input = ImageInput::of(&graph(dims, vec![])).unwrap();
        let tf = PreprocessingName::Tf;
        assert_eq!(input.preprocessing(tf).unwrap().dims(), [8, 8, 3]);
        input.dtype = DataType::U8;
        let error = input.preprocessing(tf).unwrap_err().to_string();
        assert!(
            error.contains("'x': takes uint8") && error.contains("give raw"),
            "{error}"
        );
        assert!(input.preprocessing(PreprocessingName::Raw).is_ok());
        input.width = None;
        let error = input.size().unwrap_err().to_string();
        assert!(
            error.contains("(batch, 8, width, 3)") && error.contains("1x224x224x3"),
            "{error}"
        );
    }

    #[test]
    fn what_no_image_is_is_said() {
        let error = |dims| {
            ImageInput::of(&graph(dims, vec![]))
                .unwrap_err()
                .to_string()
        };
        let four = error([1, 4, 8, 8].map(Dim::Known));
        assert!(
            four.contains("'x': takes 4 channels; images have 3"),
            "{four}"
        );
        let mut flat = graph(open(), vec![]);
        flat.inputs[0] = ValueInfo::f32("x", vec![Dim::Symbol("n".into()), Dim::Known(5)]);
        let flat = ImageInput::of(&flat).unwrap_err().to_string();
        assert!(flat.contains("is (n, 5), which no image is"), "{flat}");
    }
}
