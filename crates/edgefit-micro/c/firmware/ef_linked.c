/* A program that runs the model on bytes from somewhere: what the linker needs to know of a firmware. */
#include "NAME.h"

/* Where firmware would read a sensor, and write what it found. */
volatile int8_t ef_from;
volatile int8_t ef_to;

int main(void)
{
    int8_t *input;
    const int8_t *output;
    NAME_init(&input, &output);
    for (;;) {
        int32_t at;
        for (at = 0; at < UPPER_INPUT_BYTES; at++) {
            input[at] = ef_from;
        }
        NAME_run();
        for (at = 0; at < UPPER_OUTPUT_BYTES; at++) {
            ef_to = output[at];
        }
    }
}
