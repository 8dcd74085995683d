/* Convolution of each channel for itself. */
#include "ef_dot.h"
#include "ef_kernels.h"
#include "ef_layer.h"
#include "ef_window.h"

/* One output channel at one position. */
static int8_t one(const struct ef_depthwise *op, const int8_t *input, int32_t channel, const struct ef_span *spans)
{
    const int32_t outputs = op->output.channels;
    const int32_t channels = op->input.channels;
    const int32_t from = channel / (outputs / channels);
    const int32_t offset = -op->layer.input_zero_point;
    int32_t sum = op->layer.bias[channel];
    int32_t ky;
    for (ky = spans[0].first; ky < spans[0].end; ky++) {
        const int32_t y = spans[0].start + (ky * op->window.dilation[0]);
        int32_t kx;
        for (kx = spans[1].first; kx < spans[1].end; kx++) {
            const int32_t x = spans[1].start + (kx * op->window.dilation[1]);
            const int32_t tap = (ky * op->window.kernel[1]) + kx;
            const int32_t byte = (int32_t)input[(((y * op->input.width) + x) * channels) + from];
            sum += (byte + offset) * (int32_t)op->weights[(tap * outputs) + channel];
        }
    }
    return ef_finish(&op->layer, channel, sum);
}

#if defined(EF_HAS_DSP)
/* Four neighbouring channels, where there are as many outputs as inputs. */
static void four(const struct ef_depthwise *op, const int8_t *input, int32_t channel, const struct ef_span *spans, int8_t *output)
{
    const int32_t channels = op->input.channels;
    const int16x2_t offsets = ef_both(-op->layer.input_zero_point);
    const int32_t step = op->window.dilation[1] * channels;
    const int32_t row_step = op->window.dilation[0] * op->input.width * channels;
    const int32_t tap_step = op->window.kernel[1] * channels;
    const int32_t columns = spans[1].end - spans[1].first;
    const int32_t x = spans[1].start + (spans[1].first * op->window.dilation[1]);
    const int32_t y = spans[0].start + (spans[0].first * op->window.dilation[0]);
    const int32_t tap = (spans[0].first * op->window.kernel[1]) + spans[1].first;
    const int8_t *row = &input[(((y * op->input.width) + x) * channels) + channel];
    const int8_t *taps = &op->weights[(tap * channels) + channel];
    const int32_t *bias = &op->layer.bias[channel];
    int32_t sum_0 = bias[0];
    int32_t sum_1 = bias[1];
    int32_t sum_2 = bias[2];
    int32_t sum_3 = bias[3];
    int32_t rows;
    for (rows = spans[0].end - spans[0].first; rows > 0; rows--) {
        const int8_t *from = row;
        const int8_t *weights = taps;
        int32_t kx;
        for (kx = columns; kx > 0; kx--) {
            const uint32_t x_four = ef_four(from);
            const uint32_t w_four = ef_four(weights);
            const int16x2_t x_even = ef_even(x_four, offsets);
            const int16x2_t x_odd = ef_odd(x_four, offsets);
            const int16x2_t w_even = ef_even_weights(w_four);
            const int16x2_t w_odd = ef_odd_weights(w_four);
            sum_0 = __smlabb(x_even, w_even, sum_0);
            sum_1 = __smlabb(x_odd, w_odd, sum_1);
            sum_2 = __smlatt(x_even, w_even, sum_2);
            sum_3 = __smlatt(x_odd, w_odd, sum_3);
            /* Not beyond the last, which may be the end of the array. */
            if (kx > 1) {
                from = &from[step];
                weights = &weights[channels];
            }
        }
        if (rows > 1) {
            row = &row[row_step];
            taps = &taps[tap_step];
        }
    }
    output[channel] = ef_finish(&op->layer, channel, sum_0);
    output[channel + 1] = ef_finish(&op->layer, channel + 1, sum_1);
    output[channel + 2] = ef_finish(&op->layer, channel + 2, sum_2);
    output[channel + 3] = ef_finish(&op->layer, channel + 3, sum_3);
}
#endif

void ef_run_depthwise(const struct ef_depthwise *op, const int8_t *input, int8_t *output)
{
    int8_t *result = output;
    int32_t y;
    for (y = 0; y < op->output.height; y++) {
        struct ef_span spans[2];
        int32_t x;
        spans[0] = ef_inside(&op->window, 0, y, op->input.height);
        for (x = 0; x < op->output.width; x++) {
            int32_t channel = 0;
            spans[1] = ef_inside(&op->window, 1, x, op->input.width);
#if defined(EF_HAS_DSP)
            if ((op->output.channels == op->input.channels) && (spans[0].first < spans[0].end) && (spans[1].first < spans[1].end)) {
                for (; channel <= (op->output.channels - 4); channel += 4) {
                    four(op, input, channel, spans, result);
                }
            }
#endif
            for (; channel < op->output.channels; channel++) {
                result[channel] = one(op, input, channel, spans);
            }
            result = &result[op->output.channels];
        }
    }
}
