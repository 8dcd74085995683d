/* A program that runs the model on bytes from somewhere: what the linker needs to know of a firmware. */
#include "NAME.h"

/* Where firmware would read a sensor, and write what it found. */
volatile int8_t ef_from;
volatile int8_t ef_to;

#if defined(UPPER_INPUT_PARTS)
static void give(void *context, const struct NAME_part *part, int8_t *to)
{
    const int32_t bytes = part->height * part->width * UPPER_INPUT_CHANNELS;
    int32_t at;
    (void)context;
    for (at = 0; at < bytes; at++) {
        to[at] = ef_from;
    }
}
#endif

int main(void)
{
    const int8_t *output;
#if defined(UPPER_INPUT_PARTS)
    NAME_init(&output);
#else
    int8_t *input;
    NAME_init(&input, &output);
#endif
    for (;;) {
        int32_t at;
#if defined(UPPER_INPUT_PARTS)
        NAME_run(give, (void *)0);
#else
        for (at = 0; at < UPPER_INPUT_BYTES; at++) {
            input[at] = ef_from;
        }
        NAME_run();
#endif
        for (at = 0; at < UPPER_OUTPUT_BYTES; at++) {
            ef_to = output[at];
        }
    }
}
