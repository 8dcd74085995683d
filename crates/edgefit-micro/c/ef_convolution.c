/* Convolution, in groups or not. */
#include "ef_dot.h"
#include "ef_kernels.h"
#include "ef_layer.h"
#include "ef_window.h"

#if defined(EF_LIBRARY)
#include "ef_portable.h"
#define ef_run_convolution ef_portable_convolution
#endif

/* Adds to two sums what an output channel and the next have at one position. */
static void add_to(struct ef_two *two, const struct ef_convolution *op, const int8_t *input, int32_t channel,
                   const struct ef_span *spans)
{
    const struct ef_span *rows = &spans[0];
    const struct ef_span *columns = &spans[1];
    const int32_t channels = op->input.channels;
    const int32_t width = channels / op->groups;
    const int32_t group = channel / (op->output.channels / op->groups);
    const int32_t dilation = op->window.dilation[1];
    const int32_t offset = -op->layer.input_zero_point;
    const int32_t count = columns->end - columns->first;
    const int32_t row_weights = op->window.kernel[1] * width;
    const int8_t *weights = &two->weights[columns->first * width];
    const int32_t x = columns->start + (columns->first * dilation);
    const int32_t whole = ((count > 0) && (dilation == 1) && (op->groups == 1)) ? 1 : 0;
    int32_t ky;
    for (ky = rows->first; ky < rows->end; ky++) {
        const int32_t y = rows->start + (ky * op->window.dilation[0]);
        const int32_t place = (y * op->input.width) + x;
        const int8_t *row = &weights[ky * row_weights];
        if (whole == 1) {
            /* What the window covers of a row lies in one piece. */
            two->weights = row;
            ef_dot_two(two, &input[place * channels], count * width, offset);
        } else {
            int32_t kx;
            for (kx = 0; kx < count; kx++) {
                two->weights = &row[kx * width];
                ef_dot_two(two, &input[((place + (kx * dilation)) * channels) + (group * width)], width, offset);
            }
        }
    }
}

void ef_run_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output)
{
    const int32_t channels = op->output.channels;
    int8_t *result = output;
    int32_t y;
    for (y = 0; y < op->output.height; y++) {
        struct ef_span spans[2];
        int32_t x;
        spans[0] = ef_inside(&op->window, 0, y, op->input.height);
        for (x = 0; x < op->output.width; x++) {
            int32_t channel = 0;
            spans[1] = ef_inside(&op->window, 1, x, op->input.width);
            while (channel < channels) {
                /* Two of one group read the same inputs. */
                const int32_t both = ((op->groups == 1) && ((channel + 1) < channels)) ? 1 : 0;
                const int32_t weights = op->window.kernel[0] * op->window.kernel[1] * (op->input.channels / op->groups);
                struct ef_two two;
                two.weights = &op->weights[channel * weights];
                two.distance = both * weights;
                two.first = op->layer.bias[channel];
                two.second = op->layer.bias[channel + both];
                add_to(&two, op, input, channel, spans);
                result[channel] = ef_finish(&op->layer, channel, two.first);
                if (both == 1) {
                    result[channel + 1] = ef_finish(&op->layer, channel + 1, two.second);
                }
                channel += 1 + both;
            }
            result = &result[channels];
        }
    }
}
