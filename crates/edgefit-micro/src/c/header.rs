//! The header of a project: what the caller has to know, as data.

use std::fmt::Write;

use edgefit_graph::Preprocessing;
use edgefit_graph::preprocessing::{ChannelOrder, Fit};

use super::literal::{float, plain};
use super::{File, Parts};
use crate::program::Port;

/// The header.
pub(super) fn header(parts: Parts) -> File {
    let Parts {
        program,
        plan,
        name,
    } = parts;
    let upper = name.upper();
    let mut text = format!(
        "/* An int8 model. Write the input to where {name}_init says, call {name}_run, read the output. */\n\
         #ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>\n\n"
    );
    port(&mut text, &format!("{upper}_INPUT"), &program.input);
    port(&mut text, &format!("{upper}_OUTPUT"), &program.output);
    for (index, bank) in plan.banks.iter().enumerate() {
        let place = bank.name.as_deref().map(plain);
        let place = place.map_or(String::new(), |place| format!(" /* in {place} */"));
        let _ = writeln!(
            text,
            "#define {upper}_ARENA_{index}_BYTES {}{place}",
            bank.bytes
        );
    }
    if !program.labels.is_empty() {
        let _ = write!(
            text,
            "\n/* Names of the classes, in the order of the output, in UTF-8. */\n#define {upper}_LABELS {}\n\
             extern const char *const {name}_labels[{upper}_LABELS];\n",
            program.labels.len()
        );
    }
    if let Some(preprocessing) = &program.preprocessing {
        text.push_str(&prepared(parts, preprocessing));
    }
    let _ = write!(
        text,
        "\n/* Says where the input is to be written and where the output will be. The input is overwritten. */\n\
         void {name}_init(int8_t **input, const int8_t **output);\n\n\
         /* Runs the model once. */\nvoid {name}_run(void);\n\n#endif\n"
    );
    File {
        name: format!("{name}.h"),
        text,
    }
}

/// A value that the caller writes or reads.
fn port(text: &mut String, prefix: &str, port: &Port) {
    let dims: Vec<String> = port.dims.iter().map(ToString::to_string).collect();
    let order: Vec<String> = port.order.iter().map(ToString::to_string).collect();
    let _ = write!(
        text,
        "/* {} bytes; dimensions {} of the model. A byte stands for (byte - zero point) * scale. */\n\
         #define {prefix}_BYTES {}\n#define {prefix}_SCALE {}\n#define {prefix}_ZERO_POINT ({})\n\n",
        dims.join(" x "),
        order.join(", "),
        port.dims.iter().product::<usize>(),
        float(port.quantization.scale),
        port.quantization.zero_point
    );
}

/// How an image becomes the input.
fn prepared(parts: Parts, preprocessing: &Preprocessing) -> String {
    let Parts { name, .. } = parts;
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
