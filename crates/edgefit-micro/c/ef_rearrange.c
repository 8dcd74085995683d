/* Ops that only move bytes. */
#include <string.h>

#include "ef_kernels.h"

void ef_run_pad(const struct ef_pad *op, const int8_t *input, int8_t *output)
{
    const int32_t bytes = op->output.height * op->output.width * op->output.channels;
    int32_t at;
    int32_t y;
    for (at = 0; at < bytes; at++) {
        output[at] = op->fill;
    }
    for (y = 0; y < op->input.height; y++) {
        int32_t x;
        for (x = 0; x < op->input.width; x++) {
            const int32_t from = (y * op->input.width) + x;
            const int32_t to = ((y + op->before[0]) * op->output.width) + x + op->before[1];
            (void)memcpy(&output[(to * op->output.channels) + op->before[2]], &input[from * op->input.channels],
                         (size_t)op->input.channels);
        }
    }
}

void ef_run_concatenation(const struct ef_concatenation *op, const int8_t *const *inputs, int8_t *output)
{
    int8_t *to = output;
    int32_t repeat;
    for (repeat = 0; repeat < op->repeats; repeat++) {
        int32_t input;
        for (input = 0; input < op->count; input++) {
            const int32_t run = op->runs[input];
            (void)memcpy(to, &inputs[input][repeat * run], (size_t)run);
            to = &to[run];
        }
    }
}

void ef_run_transposition(const struct ef_transposition *op, const int8_t *input, int8_t *output)
{
    int8_t *result = output;
    int32_t i;
    for (i = 0; i < op->sizes[0]; i++) {
        int32_t j;
        for (j = 0; j < op->sizes[1]; j++) {
            int32_t k;
            for (k = 0; k < op->sizes[2]; k++) {
                const int8_t *from = &input[(i * op->strides[0]) + (j * op->strides[1]) + (k * op->strides[2])];
                int32_t l;
                for (l = 0; l < op->sizes[3]; l++) {
                    *result = from[l * op->strides[3]];
                    result++;
                }
            }
        }
    }
}

void ef_run_resize(const struct ef_resize *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->input.channels;
    int8_t *to = output;
    int32_t y;
    for (y = 0; y < op->height; y++) {
        int32_t x;
        for (x = 0; x < op->width; x++) {
            const int32_t from = ((int32_t)op->rows[y] * op->input.width) + (int32_t)op->columns[x];
            (void)memcpy(to, &input[from * channels], (size_t)channels);
            to = &to[channels];
        }
    }
}

void ef_run_rows(const struct ef_rows *op, const int8_t *input, int8_t *output)
{
    const int8_t *from = &input[op->input[0]];
    int8_t *to = &output[op->output[0]];
    int32_t row;
    for (row = 0; row < op->rows; row++) {
        (void)memcpy(&to[row * op->output[1]], &from[row * op->input[1]], (size_t)op->bytes);
    }
}
