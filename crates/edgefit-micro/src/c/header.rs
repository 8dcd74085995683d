//! The header of a project: what the caller has to know, as data.

use std::fmt::Write;

use super::file::File;
use super::literal::{float, plain};
use super::parts::Parts;
use super::prepared;
use crate::program::{InputBy, Port};

/// The header.
pub(super) fn header(parts: Parts) -> File {
    let Parts {
        program,
        plan,
        name,
        ..
    } = parts;
    let upper = name.upper();
    let how = match program.input_by {
        InputBy::Whole => {
            format!("Write the input to where {name}_init says, call {name}_run, read the output.")
        }
        InputBy::Parts => {
            format!(
                "Call {name}_run with a function that gives parts of the input, read the output."
            )
        }
    };
    let mut text = format!(
        "/* An int8 model. {how} */\n#ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>\n\n"
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
    text.push_str(&prepared::declared(parts));
    text.push_str(&match program.input_by {
        InputBy::Whole => format!(
            "\n/* Says where the input is to be written and where the output will be. The input is overwritten. */\n\
             void {name}_init(int8_t **input, const int8_t **output);\n\n\
             /* Runs the model once. */\nvoid {name}_run(void);\n\n#endif\n"
        ),
        InputBy::Parts => by_parts(parts),
    });
    File {
        name: format!("{name}.h"),
        text,
    }
}

/// The functions of a model that asks for its input.
fn by_parts(parts: Parts) -> String {
    let Parts { program, name, .. } = parts;
    let upper = name.upper();
    let size = |at: usize| program.input.dims.get(at).copied().unwrap_or(1);
    format!(
        "\n#define {upper}_INPUT_PARTS 1\n#define {upper}_INPUT_HEIGHT {}\n#define {upper}_INPUT_WIDTH {}\n\
         #define {upper}_INPUT_CHANNELS {}\n\n\
         /* A part of the input: its first row and column, and its size. */\n\
         struct {name}_part {{\n    int32_t row;\n    int32_t column;\n    int32_t height;\n    int32_t width;\n}};\n\n\
         /* Writes a part of the input, row by row with the channels next to each other. Parts overlap, and some bytes are \
         asked for several times. */\n\
         typedef void (*{name}_read)(void *context, const struct {name}_part *part, int8_t *to);\n\n\
         /* Says where the output will be. */\nvoid {name}_init(const int8_t **output);\n\n\
         /* Runs the model once; context is handed on to read. */\nvoid {name}_run({name}_read read, void *context);\n\n\
         #endif\n",
        size(1),
        size(2),
        size(3)
    )
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
