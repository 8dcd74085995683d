/* Convolution of each channel for itself. */
#include "ef_dot.h"
#include "ef_kernels.h"
#include "ef_layer.h"
#include "ef_window.h"

#if defined(EF_LIBRARY)
#include "ef_portable.h"
#define ef_run_depthwise ef_portable_depthwise
#endif

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
/* The part of a window that lies within the image: where it begins, its size, and how far apart its rows and
   columns are. */
struct part {
    const int8_t *input;
    const int8_t *weights;
    int32_t rows;
    int32_t columns;
    int32_t row_step;
    int32_t column_step;
    int32_t weights_row_step;
    int16x2_t offsets;
};

static struct part part_of(const struct ef_depthwise *op, const int8_t *input, const struct ef_span *spans)
{
    struct part part;
    const int32_t channels = op->input.channels;
    const int32_t y = spans[0].start + (spans[0].first * op->window.dilation[0]);
    const int32_t x = spans[1].start + (spans[1].first * op->window.dilation[1]);
    const int32_t tap = (spans[0].first * op->window.kernel[1]) + spans[1].first;
    part.input = &input[((y * op->input.width) + x) * channels];
    part.weights = &op->weights[tap * channels];
    part.rows = spans[0].end - spans[0].first;
    part.columns = spans[1].end - spans[1].first;
    part.row_step = op->window.dilation[0] * op->input.width * channels;
    part.column_step = op->window.dilation[1] * channels;
    part.weights_row_step = op->window.kernel[1] * channels;
    part.offsets = ef_both(-op->layer.input_zero_point);
    return part;
}

struct four_sums {
    int32_t a;
    int32_t b;
    int32_t c;
    int32_t d;
};

/* Adds the products of four neighbouring channels at one element of the window. */
static inline void add_four(struct four_sums *sums, const int8_t *input, const int8_t *weights, int16x2_t offsets)
{
    const uint32_t x = ef_four(input);
    const uint32_t w = ef_four(weights);
    const int16x2_t x_even = ef_even(x, offsets);
    const int16x2_t x_odd = ef_odd(x, offsets);
    const int16x2_t w_even = ef_even_plain(w);
    const int16x2_t w_odd = ef_odd_plain(w);
    sums->a = __smlabb(x_even, w_even, sums->a);
    sums->b = __smlabb(x_odd, w_odd, sums->b);
    sums->c = __smlatt(x_even, w_even, sums->c);
    sums->d = __smlatt(x_odd, w_odd, sums->d);
}

/* Four neighbouring channels, where there are as many outputs as inputs. */
static inline void four(const struct ef_depthwise *op, const struct part *part, int32_t channel, int8_t *output)
{
    const int32_t channels = op->input.channels;
    const int32_t step = part->column_step;
    const int16x2_t offsets = part->offsets;
    const int8_t *row = &part->input[channel];
    const int8_t *weights = &part->weights[channel];
    const int32_t *bias = &op->layer.bias[channel];
    struct four_sums sums;
    int32_t rows = part->rows;
    sums.a = bias[0];
    sums.b = bias[1];
    sums.c = bias[2];
    sums.d = bias[3];
    for (;;) {
        if (part->columns == 3) {
            add_four(&sums, row, weights, offsets);
            add_four(&sums, &row[step], &weights[channels], offsets);
            add_four(&sums, &row[2 * step], &weights[2 * channels], offsets);
        } else {
            int32_t kx;
            for (kx = 0; kx < part->columns; kx++) {
                add_four(&sums, &row[kx * step], &weights[kx * channels], offsets);
            }
        }
        rows--;
        if (rows == 0) {
            break;
        }
        row = &row[part->row_step];
        weights = &weights[part->weights_row_step];
    }
    /* All before the first is stored: a byte that is stored might be one of what op points to. */
    sums.a = ef_finish(&op->layer, channel, sums.a);
    sums.b = ef_finish(&op->layer, channel + 1, sums.b);
    sums.c = ef_finish(&op->layer, channel + 2, sums.c);
    sums.d = ef_finish(&op->layer, channel + 3, sums.d);
    output[channel] = (int8_t)sums.a;
    output[channel + 1] = (int8_t)sums.b;
    output[channel + 2] = (int8_t)sums.c;
    output[channel + 3] = (int8_t)sums.d;
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
            if ((op->output.channels == op->input.channels) && (spans[0].first < spans[0].end) &&
                (spans[1].first < spans[1].end)) {
                const struct part part = part_of(op, input, spans);
                for (; channel <= (op->output.channels - 4); channel += 4) {
                    four(op, &part, channel, result);
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
