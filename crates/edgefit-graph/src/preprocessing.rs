//! How an image becomes a model's input; part of the model file.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::Graph;
use crate::metadata;

const KEY: &str = "edgefit.preprocessing";

/// The way from a decoded image to a model's input of shape (batch, 3, height, width).
///
/// The image is brought to `width` × `height` by `fit`, its channels are put into
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

/// Names accepted by [`Preprocessing::named`].
pub const NAMES: [&str; 5] = ["imagenet", "tf", "lite", "unit", "raw"];

impl Preprocessing {
    /// A usual preprocessing by name, for an input of `width` × `height` pixels: `imagenet`
    /// (x/255 − mean)/std, `tf` x/127.5 − 1, `lite` (x − 127)/128, `unit` x/255, `raw` x.
    pub fn named(name: &str, width: u32, height: u32) -> Option<Self> {
        let (mean, std) = match name {
            "imagenet" => (
                [0.485, 0.456, 0.406].map(|mean: f32| mean * 255.0),
                [0.229, 0.224, 0.225].map(|std: f32| std * 255.0),
            ),
            "tf" => ([127.5; 3], [127.5; 3]),
            "lite" => ([127.0; 3], [128.0; 3]),
            "unit" => ([0.0; 3], [255.0; 3]),
            "raw" => ([0.0; 3], [1.0; 3]),
            _ => return None,
        };
        Some(Preprocessing {
            width,
            height,
            fit: Fit::Crop {
                fraction: IMAGENET_CROP,
            },
            channel_order: ChannelOrder::Rgb,
            mean,
            std,
        })
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

    /// Puts this preprocessing into the model.
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
        for name in NAMES {
            let preprocessing = Preprocessing::named(name, 224, 192).unwrap();
            preprocessing.store(&mut graph);
            assert_eq!(Preprocessing::of(&graph).unwrap(), Some(preprocessing));
        }
    }

    #[test]
    fn impossible_ones_are_refused() {
        let good = serde_json::json!(Preprocessing::named("lite", 224, 224));
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
