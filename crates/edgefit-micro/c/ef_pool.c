/* Means and maxima. */
#include "ef_arithmetic.h"
#include "ef_kernels.h"
#include "ef_window.h"

/* sum / count, halves away from zero. */
static int32_t mean(int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return (sum + ((sum > 0) ? half : -half)) / count;
}

static int8_t mean_of(const struct ef_pool *op, const int8_t *channel, const struct ef_span *spans)
{
    const int32_t count = (spans[0].end - spans[0].first) * (spans[1].end - spans[1].first);
    int32_t sum = 0;
    int32_t ky;
    for (ky = spans[0].first; ky < spans[0].end; ky++) {
        const int32_t y = spans[0].start + (ky * op->window.dilation[0]);
        int32_t kx;
        for (kx = spans[1].first; kx < spans[1].end; kx++) {
            const int32_t x = spans[1].start + (kx * op->window.dilation[1]);
            sum += (int32_t)channel[((y * op->input.width) + x) * op->input.channels];
        }
    }
    return (int8_t)mean(sum, (count > 0) ? count : 1);
}

static int8_t maximum_of(const struct ef_pool *op, const int8_t *channel, const struct ef_span *spans)
{
    int8_t most = INT8_MIN;
    int32_t ky;
    for (ky = spans[0].first; ky < spans[0].end; ky++) {
        const int32_t y = spans[0].start + (ky * op->window.dilation[0]);
        int32_t kx;
        for (kx = spans[1].first; kx < spans[1].end; kx++) {
            const int32_t x = spans[1].start + (kx * op->window.dilation[1]);
            const int8_t byte = channel[((y * op->input.width) + x) * op->input.channels];
            if (byte > most) {
                most = byte;
            }
        }
    }
    return most;
}

typedef int8_t (*reduction)(const struct ef_pool *op, const int8_t *channel, const struct ef_span *spans);

static void each(const struct ef_pool *op, const int8_t *input, int8_t *output, reduction reduce)
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
                *result = reduce(op, &input[channel], spans);
                result++;
            }
        }
    }
}

void ef_run_average_pool(const struct ef_pool *op, const int8_t *input, int8_t *output)
{
    each(op, input, output, mean_of);
}

void ef_run_max_pool(const struct ef_pool *op, const int8_t *input, int8_t *output)
{
    each(op, input, output, maximum_of);
}

void ef_run_mean(const struct ef_mean *op, const int8_t *input, int8_t *output)
{
    int32_t channel;
    for (channel = 0; channel < op->channels; channel++) {
        int32_t sum = 0;
        int32_t at;
        int32_t scaled;
        for (at = 0; at < op->positions; at++) {
            sum += (int32_t)input[(at * op->channels) + channel] - op->input_zero_point;
        }
        scaled = ef_scale(sum, op->multiplier.mantissa, op->multiplier.shift);
        output[channel] = ef_clamp(scaled, op->output_zero_point, INT8_MIN, INT8_MAX);
    }
}
