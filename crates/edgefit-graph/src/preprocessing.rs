//! How an image becomes a model's input; part of the model file.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::Graph;
use crate::metadata;

const KEY: &str = "edgefit.preprocessing";

/// The way from a decoded image to a model's input of shape (batch, 3, height, width).
///
/// The image is brought to `width` × `height` by `fit`, its channels are ordered by
/// `channel_order`, and each value becomes `(value − mean) / std`, all in units of 0 … 255.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// Width of the input in pixels.
    pub width: u32,
    /// Height of the input in pixels.
    pub height: u32,
    /// How another aspect ratio is made to fit.
    pub fit: Fit,
    /// Order of the three channels.
    pub channel_order: ChannelOrder,
    /// Subtracted, per channel as ordered.
    pub mean: [f32; 3],
    /// Divided by, per channel as ordered.
    pub std: [f32; 3],
}

/// How an image of another aspect ratio is made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The centre that covers the input is cut out, `fraction` of its shorter side, and resized.
    Crop {
        /// Share of the shorter side that is kept, in 0 … 1.
        fraction: f32,
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
}

/// Share of the shorter side that ImageNet evaluation keeps: 224 of 256.
pub const IMAGENET_CROP: f32 = 0.875;

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

    /// Stores this preprocessing in the metadata of the model.
    pub fn store(&self, graph: &mut Graph) {
        metadata::store(graph, KEY, self);
    }
}

impl std::fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let order = match self.channel_order {
            ChannelOrder::Rgb => "RGB",
            ChannelOrder::Bgr => "BGR",
        };
        let fit = match self.fit {
            Fit::Crop { fraction } => format!("centre crop {fraction}"),
            Fit::Stretch => "stretched".to_owned(),
        };
        let (width, height) = (self.width, self.height);
        write!(
            f,
            "{width}×{height} {order}, {fit}, (x − {:?}) / {:?}",
            self.mean, self.std
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
