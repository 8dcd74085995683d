//! How an image becomes a model's input; part of the model file.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::Graph;
use crate::metadata;

const KEY: &str = "edgefit.preprocessing";

/// The same in sentences, for whoever reads the file without edgefit.
const STEPS: &str = "edgefit.preprocessing_steps";

/// The way from a decoded image to a model's input, of shape (batch, 3, height, width) if nothing else
/// is said.
///
/// The image is brought to `width` × `height` by `fit`, its channels are ordered by
/// `channel_order`, each value becomes `(value − mean) / std`, all in units of 0 … 255, and the values
/// are arranged by `layout`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Width of the input in pixels.
    pub width: u32,
    /// Height of the input in pixels.
    pub height: u32,
    /// How another aspect ratio is made to fit.
    pub fit: Fit,
    /// Order of the three channels, or that there is one.
    pub channel_order: ChannelOrder,
    /// Subtracted, per channel as ordered; the first counts where there is one channel.
    pub mean: [f32; 3],
    /// Divided by, likewise.
    pub std: [f32; 3],
    /// Order of the dimensions.
    #[serde(default, skip_serializing_if = "Layout::is_channels_first")]
    pub layout: Layout,
}

/// How an image of another aspect ratio is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The centre that covers the input is cut out, `fraction` of its shorter side, and resized.
    Crop {
        /// Share of the shorter side that is kept, in 0 … 1.
        fraction: f64,
    },
    /// The whole image is resized, its aspect ratio lost.
    Stretch,
}

/// Order of the colour channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ChannelOrder {
    Rgb,
    Bgr,
    /// One channel, the luma of ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, rounded, as Pillow's `L`.
    Grey,
}

/// Order of the dimensions of a batch of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// (batch, channels, height, width), as PyTorch has it.
    #[default]
    ChannelsFirst,
    /// (batch, height, width, channels), as TensorFlow has it.
    ChannelsLast,
}

impl Layout {
    fn is_channels_first(&self) -> bool {
        *self == Layout::ChannelsFirst
    }
}

/// Share of the shorter side that ImageNet evaluation keeps: 224 of 256.
pub const IMAGENET_CROP: f64 = 0.875;

/// Largest side of a model's input that is believed.
const MAX_SIDE: u32 = 16_384;

/// A usual preprocessing, by the name that the command line and recipes have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreprocessingName {
    /// `imagenet`: (x / 255 − mean) / std with the statistics of ImageNet, as torchvision has it.
    Imagenet,
    /// `tf`: x / 127.5 − 1.
    Tf,
    /// `lite`: (x − 127) / 128, as EfficientNet-Lite has it.
    Lite,
    /// `unit`: x / 255.
    Unit,
    /// `raw`: x.
    Raw,
}

/// A name that is no [`PreprocessingName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("preprocessing '{0}' is not known; it is one of imagenet, tf, lite, unit, raw")]
pub struct UnknownPreprocessing(String);

impl PreprocessingName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Imagenet, Self::Tf, Self::Lite, Self::Unit, Self::Raw];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imagenet => "imagenet",
            Self::Tf => "tf",
            Self::Lite => "lite",
            Self::Unit => "unit",
            Self::Raw => "raw",
        }
    }
}

impl std::fmt::Display for PreprocessingName {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for PreprocessingName {
    type Err = UnknownPreprocessing;

    fn from_str(name: &str) -> Result<Self, UnknownPreprocessing> {
        let mut all = Self::ALL.into_iter();
        all.find(|known| known.as_str() == name)
            .ok_or_else(|| UnknownPreprocessing(name.to_owned()))
    }
}

impl Preprocessing {
    /// A usual preprocessing for an input of `width` × `height` pixels, with a centre crop of
    /// [`IMAGENET_CROP`] and channels in the order RGB.
    ///
    /// ```
    /// use edgefit_graph::preprocessing::PreprocessingName;
    /// use edgefit_graph::{Graph, Preprocessing};
    ///
    /// let lite = Preprocessing::named(PreprocessingName::Lite, 224, 224);
    /// assert_eq!((lite.mean, lite.std), ([127.0; 3], [128.0; 3]));
    ///
    /// let mut graph = Graph::new("example", 17);
    /// lite.store(&mut graph);
    /// assert_eq!(Preprocessing::of(&graph)?, Some(lite));
    /// # Ok::<(), edgefit_graph::Error>(())
    /// ```
    pub fn named(name: PreprocessingName, width: u32, height: u32) -> Self {
        let (mean, std) = match name {
            PreprocessingName::Imagenet => (
                [0.485, 0.456, 0.406].map(|mean: f32| mean * 255.0),
                [0.229, 0.224, 0.225].map(|std: f32| std * 255.0),
            ),
            PreprocessingName::Tf => ([127.5; 3], [127.5; 3]),
            PreprocessingName::Lite => ([127.0; 3], [128.0; 3]),
            PreprocessingName::Unit => ([0.0; 3], [255.0; 3]),
            PreprocessingName::Raw => ([0.0; 3], [1.0; 3]),
        };
        Preprocessing {
            width,
            height,
            fit: Fit::Crop {
                fraction: IMAGENET_CROP,
            },
            channel_order: ChannelOrder::Rgb,
            mean,
            std,
            layout: Layout::ChannelsFirst,
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        match self.channel_order {
            ChannelOrder::Rgb | ChannelOrder::Bgr => 3,
            ChannelOrder::Grey => 1,
        }
    }

    /// Shape of one prepared image.
    pub fn dims(&self) -> [usize; 3] {
        let (height, width) = (self.height as usize, self.width as usize);
        match self.layout {
            Layout::ChannelsFirst => [self.channels(), height, width],
            Layout::ChannelsLast => [height, width, self.channels()],
        }
    }

    /// The preprocessing that a model carries, if any.
    ///
    /// # Errors
    /// The metadata entry is not a preprocessing, or an impossible one.
    pub fn of(graph: &Graph) -> Result<Option<Self>> {
        let Some(found) = metadata::read::<Preprocessing>(graph, KEY)? else {
            return Ok(None);
        };
        let fail = |problem: String| metadata::fail(KEY, problem);
        let sides = [found.width, found.height];
        if sides.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
            return Err(fail(format!("has the impossible size {sides:?}")));
        }
        if matches!(found.fit, Fit::Crop { fraction } if !(fraction > 0.0 && fraction <= 1.0)) {
            return Err(fail("has a crop fraction that is not in 0 … 1".into()));
        }
        if !metadata::usable(&found.mean, &found.std) {
            return Err(fail("has a mean or std that cannot be used".into()));
        }
        Ok(Some(found))
    }

    /// Stores this preprocessing in the metadata of the model, also in sentences.
    pub fn store(&self, graph: &mut Graph) {
        metadata::store(graph, KEY, self);
        metadata::store(graph, STEPS, self.steps());
    }

    /// All that is done to the bytes of an image file, in order.
    pub fn steps(&self) -> Vec<String> {
        let (width, height) = (self.width, self.height);
        let kept = match self.fit {
            Fit::Crop { fraction } => format!(
                "the largest centred box of the aspect ratio {width}:{height} is kept, {fraction} of its size; \
                 its corners are fractions of pixels, not rounded"
            ),
            Fit::Stretch => "the whole image is kept, its aspect ratio lost".to_owned(),
        };
        let [mean, std] = [self.mean, self.std].map(|of| format!("{:?}", &of[..self.channels()]));
        let channels = match self.channel_order {
            ChannelOrder::Rgb => "the channels are red, green, blue",
            ChannelOrder::Bgr => "the channels are blue, green, red",
            ChannelOrder::Grey => {
                "the only channel is 0.299 red + 0.587 green + 0.114 blue, rounded, as Pillow's L"
            }
        };
        let dims = match self.layout {
            Layout::ChannelsFirst => "(batch, channels, height, width)",
            Layout::ChannelsLast => "(batch, height, width, channels)",
        };
        vec![
            "the first frame is decoded to 8 bits a channel, without colour profile".to_owned(),
            "the orientation noted in EXIF is applied".to_owned(),
            "transparency is laid onto white".to_owned(),
            kept,
            format!(
                "it is resized to {width} x {height} pixels, bicubic (a = -0.5) with a kernel that grows with \
                 the reduction, as Pillow's BICUBIC, and rounded to 8 bits"
            ),
            channels.to_owned(),
            format!(
                "each value becomes (value - mean) / std, of 0 to 255, with mean {mean} and std {std}"
            ),
            format!("the dimensions are {dims}"),
        ]
    }
}

impl std::fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let order = match self.channel_order {
            ChannelOrder::Rgb => "RGB",
            ChannelOrder::Bgr => "BGR",
            ChannelOrder::Grey => "grey",
        };
        let fit = match self.fit {
            Fit::Crop { fraction } => format!("centre crop {fraction}"),
            Fit::Stretch => "stretched".to_owned(),
        };
        let (width, height) = (self.width, self.height);
        let layout = match self.layout {
            Layout::ChannelsFirst => "",
            Layout::ChannelsLast => ", channels last",
        };
        let channels = 0..self.channels();
        write!(
            f,
            "{width}×{height} {order}{layout}, {fit}, (x − {:?}) / {:?}",
            &self.mean[channels.clone()],
            &self.std[channels]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_input::ImageInput;

    #[test]
    fn comes_back_from_the_model() {
        let mut graph = Graph::new("g", 17);
        assert_eq!(Preprocessing::of(&graph).unwrap(), None);
        for name in PreprocessingName::ALL {
            let preprocessing = Preprocessing::named(name, 224, 192);
            preprocessing.store(&mut graph);
            assert_eq!(Preprocessing::of(&graph).unwrap(), Some(preprocessing));
        }
    }

    #[test]
    fn the_input_of_the_model_decides_layout_and_channels() {
        let input = |channels| ImageInput {
            name: "x".into(),
            layout: Layout::ChannelsLast,
            channels,
            height: None,
            width: None,
            dtype: crate::DataType::F32,
        };
        let plain = Preprocessing::named(PreprocessingName::Imagenet, 8, 6);
        assert_eq!(plain.dims(), [3, 6, 8]);
        let json = serde_json::json!(plain);
        assert!(json.get("layout").is_none(), "{json}");
        assert_eq!(plain.clone().suited_to(&input(3)).dims(), [6, 8, 3]);
        let grey = plain.suited_to(&input(1));
        assert_eq!(grey.dims(), [6, 8, 1]);
        assert!(
            (grey.mean[0] - 0.449 * 255.0).abs() < 0.01,
            "{:?}",
            grey.mean
        );
        let mut graph = Graph::new("g", 17);
        grey.store(&mut graph);
        assert_eq!(Preprocessing::of(&graph).unwrap(), Some(grey));
    }

    #[test]
    fn json_has_the_names_of_the_command_line() {
        for name in PreprocessingName::ALL {
            assert_eq!(serde_json::json!(name), name.as_str());
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        let error = "image-net".parse::<PreprocessingName>().unwrap_err();
        assert!(error.to_string().contains("one of imagenet, tf"), "{error}");
    }

    #[test]
    fn impossible_ones_are_refused() {
        let good = serde_json::json!(Preprocessing::named(PreprocessingName::Lite, 224, 224));
        for (field, bad) in [
            ("width", serde_json::json!(0)),
            ("height", serde_json::json!(4_000_000_000u32)),
            ("std", serde_json::json!([0.0, 1.0, 1.0])),
            ("fit", serde_json::json!({"crop": {"fraction": 0.0}})),
            ("typo", serde_json::json!(1)),
        ] {
            let mut json = good.clone();
            json[field] = bad;
            let mut graph = Graph::new("g", 17);
            graph.metadata.insert(KEY.into(), json.to_string());
            assert!(Preprocessing::of(&graph).is_err(), "{field}");
        }
    }
}
