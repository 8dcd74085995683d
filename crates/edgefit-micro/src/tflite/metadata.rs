//! What tools read of a model beside its graph: the tables of `metadata_schema.fbs`, by their numbers.

use edgefit_graph::Preprocessing;
use edgefit_graph::preprocessing::ChannelOrder;
use flatbuffers::FlatBufferBuilder;

use super::labels::FILE;
use super::write::{Part, field, string, table, vector};

/// Name under which tools look for it.
pub(super) const NAME: &str = "TFLITE_METADATA";

const IDENTIFIER: &str = "M001";

/// The version of the schema that has all fields that are used.
const MIN_PARSER_VERSION: &str = "1.0.0";

/// Members of the unions, and values of the enumerations.
const IMAGE_PROPERTIES: u8 = 2;
const NORMALIZATION_OPTIONS: u8 = 1;
const RGB: i8 = 1;
const GRAYSCALE: i8 = 2;
const TENSOR_AXIS_LABELS: i8 = 2;

/// How an image becomes the input, and what the outputs are called; `None` where neither is known.
pub(super) fn metadata(
    preprocessing: Option<&Preprocessing>,
    labels: &[String],
) -> Option<Vec<u8>> {
    if preprocessing.is_none() && labels.is_empty() {
        return None;
    }
    let mut flat = FlatBufferBuilder::new();
    let flat = &mut flat;
    let prepared = preprocessing.map(|preprocessing| image(flat, preprocessing));
    let name = string(flat, "input");
    let input = table(flat, |flat| {
        field(flat, 0, name);
        if let Some([content, units]) = prepared {
            field(flat, 3, content);
            field(flat, 4, units);
        }
    });
    let files = (!labels.is_empty()).then(|| {
        let name = string(flat, FILE);
        let file = table(flat, |flat| {
            field(flat, 0, name);
            field(flat, 2, TENSOR_AXIS_LABELS);
        });
        vector(flat, &[file])
    });
    let name = string(flat, "output");
    let output = table(flat, |flat| {
        field(flat, 0, name);
        if let Some(files) = files {
            field(flat, 6, files);
        }
    });
    let [inputs, outputs] = [input, output].map(|tensor| vector(flat, &[tensor]));
    let graph = table(flat, |flat| {
        field(flat, 2, inputs);
        field(flat, 3, outputs);
    });
    let graphs = vector(flat, &[graph]);
    let version = string(flat, MIN_PARSER_VERSION);
    let root = table(flat, |flat| {
        field(flat, 3, graphs);
        field(flat, 7, version);
    });
    flat.finish(root, Some(IDENTIFIER));
    Some(flat.finished_data().to_vec())
}

/// What an image is, and its normalisation.
fn image(flat: &mut FlatBufferBuilder, preprocessing: &Preprocessing) -> [Part; 2] {
    let size = table(flat, |flat| {
        field(flat, 0, preprocessing.width);
        field(flat, 1, preprocessing.height);
    });
    let colors = match preprocessing.channel_order {
        ChannelOrder::Rgb => Some(RGB),
        ChannelOrder::Grey => Some(GRAYSCALE),
        // There is no word for it.
        ChannelOrder::Bgr => None,
    };
    let properties = table(flat, |flat| {
        field(flat, 1, size);
        if let Some(colors) = colors {
            field(flat, 0, colors);
        }
    });
    let content = table(flat, |flat| {
        field(flat, 1, properties);
        field(flat, 0, IMAGE_PROPERTIES);
    });
    let channels = preprocessing.channels();
    let mean = vector(flat, &preprocessing.mean[..channels]);
    let std = vector(flat, &preprocessing.std[..channels]);
    let options = table(flat, |flat| {
        field(flat, 0, mean);
        field(flat, 1, std);
    });
    let unit = table(flat, |flat| {
        field(flat, 1, options);
        field(flat, 0, NORMALIZATION_OPTIONS);
    });
    [content, vector(flat, &[unit])]
}
