//! A stored sample, and a `main` that runs it.

use super::file::File;
use super::literal::list;
use super::parts::Parts;

/// The program that runs the stored sample: 0 where the output is the one that is stored with it.
const MAIN: &str = "\
/* Runs the stored sample; ends with 0 where every byte is as the reference has it. */
#include \"NAME.h\"
#include \"sample.h\"

#if defined(UPPER_INPUT_PARTS)
static void give(void *context, const struct NAME_part *part, int8_t *to)
{
    const int32_t bytes = part->width * UPPER_INPUT_CHANNELS;
    int32_t row;
    (void)context;
    for (row = 0; row < part->height; row++) {
        const int32_t first = ((part->row + row) * UPPER_INPUT_WIDTH) + part->column;
        int32_t at;
        for (at = 0; at < bytes; at++) {
            to[(row * bytes) + at] = sample_input[(first * UPPER_INPUT_CHANNELS) + at];
        }
    }
}
#endif

int main(void)
{
    const int8_t *output;
    int32_t different = 0;
    int32_t at;
#if defined(UPPER_INPUT_PARTS)
    NAME_init(&output);
    NAME_run(give, (void *)0);
#else
    int8_t *input;
    NAME_init(&input, &output);
    for (at = 0; at < UPPER_INPUT_BYTES; at++) {
        input[at] = sample_input[at];
    }
    NAME_run();
#endif
    for (at = 0; at < UPPER_OUTPUT_BYTES; at++) {
        if (output[at] != sample_output[at]) {
            different = 1;
        }
    }
    return (int)different;
}
";

/// `main.c` and the sample, which is the same for the same program.
pub(super) fn files(parts: Parts) -> [File; 2] {
    let Parts { program, name, .. } = parts;
    let upper = name.upper();
    let input = noise(program.values[program.input.value]);
    let output = program.run(&input);
    let sample = format!(
        "/* A sample of noise, and what the reference makes of it. */\n#ifndef SAMPLE_H\n#define SAMPLE_H\n\n\
         #include <stdint.h>\n\nstatic const int8_t sample_input[{}] = {};\n\n\
         static const int8_t sample_output[{}] = {};\n\n#endif\n",
        input.len(),
        list(&input),
        output.len(),
        list(&output)
    );
    let main = MAIN
        .replace("NAME", &name.to_string())
        .replace("UPPER", &upper);
    [
        File {
            name: "main.c".into(),
            text: main,
        },
        File {
            name: "sample.h".into(),
            text: sample,
        },
    ]
}

/// Bytes of a linear congruential generator (Knuth's MMIX).
fn noise(count: usize) -> Vec<i8> {
    let mut state = 1u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as i8
    };
    (0..count).map(next).collect()
}
