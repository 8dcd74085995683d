/* Convolution, in groups or not. */
#include "ef_dot.h"
#include "ef_kernels.h"
#include "ef_layer.h"
#include "ef_window.h"

/* The sum of one output channel at one position. */
static int32_t sum_at(const struct ef_convolution *op, const int8_t *input, int32_t channel, const struct ef_span *spans)
{
    const struct ef_span *rows = &spans[0];
    const struct ef_span *columns = &spans[1];
    const int32_t channels = op->input.channels;
    const int32_t width = channels / op->groups;
    const int32_t group = channel / (op->output.channels / op->groups);
    const int32_t dilation = op->window.dilation[1];
    const int32_t offset = -op->layer.input_zero_point;
    const int32_t count = columns->end - columns->first;
    int32_t sum = op->layer.bias[channel];
    int32_t ky;
    for (ky = rows->first; ky < rows->end; ky++) {
        const int32_t y = rows->start + (ky * op->window.dilation[0]);
        const int32_t x = columns->start + (columns->first * dilation);
        const int32_t row = (((channel * op->window.kernel[0]) + ky) * op->window.kernel[1]) + columns->first;
        const int8_t *weights = &op->weights[row * width];
        if ((count > 0) && (dilation == 1) && (op->groups == 1)) {
            /* What the window covers of a row lies in one piece. */
            const int8_t *from = &input[((y * op->input.width) + x) * channels];
            sum = ef_dot(from, weights, count * width, offset, sum);
        } else {
            int32_t kx;
            for (kx = 0; kx < count; kx++) {
                const int32_t place = (y * op->input.width) + x + (kx * dilation);
                const int8_t *from = &input[(place * channels) + (group * width)];
                sum = ef_dot(from, &weights[kx * width], width, offset, sum);
            }
        }
    }
    return sum;
}

void ef_run_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output)
{
    int8_t *result = output;
    int32_t y;
    for (y = 0; y < op->output.height; y++) {
        struct ef_span spans[2];
        int32_t x;
        spans[0] = ef_inside(&op->window, 0, y, op->input.height);
        for (x = 0; x < op->output.width; x++) {
            int32_t channel;
            spans[1] = ef_inside(&op->window, 1, x, op->input.width);
            for (channel = 0; channel < op->output.channels; channel++) {
                *result = ef_finish(&op->layer, channel, sum_at(op, input, channel, spans));
                result++;
            }
        }
    }
}
