//! How images and arrays become the input: tables and numbers for the caller.

use edgefit_graph::preprocessing::{ChannelOrder, Fit};
use edgefit_graph::{Preprocessing, StandardScaler};

use super::literal::{float, list};
use super::name::Name;
use super::parts::Parts;
use crate::program::Quantization;

/// What the header says of it.
pub(super) fn declared(parts: Parts) -> String {
    let Parts { program, name, .. } = parts;
    let images = program.preprocessing.as_ref();
    let images = images.map(|preprocessing| of_images(name, preprocessing));
    let arrays = program.scaler.as_ref();
    let arrays = arrays.map(|scaler| of_arrays(name, scaler));
    images.into_iter().chain(arrays).collect()
}

/// What the source has of it.
pub(super) fn defined(parts: Parts) -> String {
    let Parts { program, name, .. } = parts;
    let images = program.preprocessing.as_ref();
    let images =
        images.map(|preprocessing| pixels(name, preprocessing, program.input.quantization));
    let arrays = program.scaler.as_ref();
    let arrays = arrays.map(|scaler| statistics(name, scaler));
    images.into_iter().chain(arrays).collect()
}

/// How an image becomes the input.
fn of_images(name: &Name, preprocessing: &Preprocessing) -> String {
    let upper = name.upper();
    let fit = match preprocessing.fit {
        Fit::Crop { fraction } => format!(
            "the largest centred box of that aspect ratio, {fraction:?} of its sides, resized"
        ),
        Fit::Stretch => "the whole image resized, its aspect ratio lost".to_owned(),
    };
    let order = match preprocessing.channel_order {
        ChannelOrder::Rgb => "red, green, blue",
        ChannelOrder::Bgr => "blue, green, red",
        ChannelOrder::Grey => "grey",
    };
    format!(
        "\n/* An image becomes the input: {fit}; channels {order}; each 8-bit value by the table of its channel. */\n\
         #define {upper}_IMAGE_WIDTH {}\n#define {upper}_IMAGE_HEIGHT {}\n#define {upper}_IMAGE_CHANNELS {}\n\
         extern const int8_t {name}_pixels[{upper}_IMAGE_CHANNELS][256];\n",
        preprocessing.width,
        preprocessing.height,
        preprocessing.channels()
    )
}

/// The byte of the input for each value of a pixel, channel by channel.
fn pixels(name: &Name, preprocessing: &Preprocessing, quantization: Quantization) -> String {
    let upper = name.upper();
    let tables = (0..preprocessing.channels()).map(|channel| {
        let (mean, std) = (preprocessing.mean[channel], preprocessing.std[channel]);
        let byte = |value: u8| quantization.quantize((f32::from(value) - mean) / std);
        list(&(0..=u8::MAX).map(byte).collect::<Vec<i8>>())
    });
    format!(
        "\nconst int8_t {name}_pixels[{upper}_IMAGE_CHANNELS][256] = {{{}}};\n",
        tables.collect::<Vec<_>>().join(",\n")
    )
}

/// How an array becomes the input.
fn of_arrays(name: &Name, scaler: &StandardScaler) -> String {
    let upper = name.upper();
    format!(
        "\n/* A value of an array becomes a byte of the input: (value - mean) / std of its channel, which is its place along\n   \
         dimension 1 of the model, divided by {upper}_INPUT_SCALE, rounded, plus {upper}_INPUT_ZERO_POINT, from -128 to 127. */\n\
         #define {upper}_ARRAY_CHANNELS {}\n\
         extern const float {name}_mean[{upper}_ARRAY_CHANNELS];\n\
         extern const float {name}_std[{upper}_ARRAY_CHANNELS];\n",
        scaler.mean.len()
    )
}

/// Mean and standard deviation of each channel.
fn statistics(name: &Name, scaler: &StandardScaler) -> String {
    let upper = name.upper();
    let [mean, std] = [&scaler.mean, &scaler.std].map(|of| {
        let literals: Vec<String> = of.iter().map(|&value| float(value)).collect();
        list(&literals)
    });
    format!(
        "\nconst float {name}_mean[{upper}_ARRAY_CHANNELS] = {mean};\n\
         \nconst float {name}_std[{upper}_ARRAY_CHANNELS] = {std};\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ArenaPlan;
    use crate::program::Program;

    #[test]
    fn an_array_is_scaled_by_what_the_project_says() {
        let mut program = Program::of_tables(1, 2);
        program.scaler = Some(StandardScaler {
            dims: vec![2],
            mean: vec![-0.5, 3.0],
            std: vec![0.25, 1e-9],
        });
        let plan = ArenaPlan::in_one(&program);
        let parts = Parts {
            program: &program,
            plan: &plan,
            name: &Name::default(),
            library: None,
        };
        let header = declared(parts);
        assert!(
            header.contains("#define MODEL_ARRAY_CHANNELS 2\n"),
            "{header}"
        );
        assert!(header.contains("extern const float model_std["), "{header}");
        let source = defined(parts);
        let [mean, std] = [[-0.5, 3.0], [0.25, 1e-9]].map(|of| list(&of.map(float)));
        assert!(source.contains(&format!("] = {mean};")), "{source}");
        assert!(source.contains(&format!("] = {std};")), "{source}");
    }
}
