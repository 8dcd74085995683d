//! What tools read of a model beside its graph: the tables of `metadata_schema.fbs`, by their numbers.

use edgefit_graph::preprocessing::ChannelOrder;
use edgefit_graph::{Preprocessing, StandardScaler};
use flatbuffers::FlatBufferBuilder;

use super::labels::FILE;
use super::write::{Part, field, string, table, vector};

/// Name under which tools look for it.
pub(super) const NAME: &str = "TFLITE_METADATA";

const IDENTIFIER: &str = "M001";

/// The version of the schema that has all fields that are used.
const MIN_PARSER_VERSION: &str = "1.0.0";

/// Members of the unions, and values of the enumerations.
const FEATURE_PROPERTIES: u8 = 1;
const IMAGE_PROPERTIES: u8 = 2;
const NORMALIZATION_OPTIONS: u8 = 1;
const RGB: i8 = 1;
const GRAYSCALE: i8 = 2;
const TENSOR_AXIS_LABELS: i8 = 2;

/// How an image or an array becomes the input, and what the outputs are called; `None` where neither is known.
pub(super) fn metadata(
    preprocessing: Option<&Preprocessing>,
    scaler: Option<&StandardScaler>,
    labels: &[String],
) -> Option<Vec<u8>> {
    if preprocessing.is_none() && scaler.is_none() && labels.is_empty() {
        return None;
    }
    let mut flat = FlatBufferBuilder::new();
    let flat = &mut flat;
    let prepared = match (preprocessing, scaler) {
        (Some(preprocessing), _) => Some(image(flat, preprocessing)),
        (None, Some(scaler)) => Some(array(flat, scaler)),
        (None, None) => None,
    };
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
    let channels = preprocessing.channels();
    let statistics = [
        &preprocessing.mean[..channels],
        &preprocessing.std[..channels],
    ];
    normalised(flat, (IMAGE_PROPERTIES, properties), statistics)
}

/// What is known of an array, and its normalisation: of each channel, or one for all that are alike.
fn array(flat: &mut FlatBufferBuilder, scaler: &StandardScaler) -> [Part; 2] {
    let properties = table(flat, |_| {});
    let StandardScaler { mean, std, .. } = scaler;
    let alike = [mean, std]
        .iter()
        .all(|of| of.windows(2).all(|pair| pair[0] == pair[1]));
    let channels = if alike { 1 } else { mean.len() };
    let statistics = [&mean[..channels], &std[..channels]];
    normalised(flat, (FEATURE_PROPERTIES, properties), statistics)
}

/// What an input is, by the properties of that kind, and its normalisation.
fn normalised(
    flat: &mut FlatBufferBuilder,
    (kind, properties): (u8, Part),
    statistics: [&[f32]; 2],
) -> [Part; 2] {
    let content = table(flat, |flat| {
        field(flat, 1, properties);
        field(flat, 0, kind);
    });
    let [mean, std] = statistics.map(|of| vector(flat, of));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_says_mean_and_deviation_of_its_channels() {
        let scaler = |mean: [f32; 2]| StandardScaler {
            dims: vec![2, 5],
            mean: mean.to_vec(),
            std: vec![0.5, 0.5],
        };
        let holds = |scaler: &StandardScaler, list: &[f32]| {
            let bytes = metadata(None, Some(scaler), &[]).unwrap();
            let count = (list.len() as u32).to_le_bytes().into_iter();
            let values = list.iter().flat_map(|value| value.to_le_bytes());
            let wanted: Vec<u8> = count.chain(values).collect();
            bytes.windows(wanted.len()).any(|part| part == wanted)
        };
        let own = scaler([0.25, 3.5]);
        assert!(holds(&own, &[0.25, 3.5]) && holds(&own, &[0.5, 0.5]));
        let alike = scaler([0.25, 0.25]);
        assert!(holds(&alike, &[0.25]) && holds(&alike, &[0.5]));
    }
}
