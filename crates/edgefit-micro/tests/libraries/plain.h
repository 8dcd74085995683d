/* Convolution as it is defined, in the arithmetic of TFLite's int8 specification. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdint.h>

/* Compiled with LIES, no result is right: a test sees by it that the library is called. */
#if defined(LIES)
#define TOLD(byte) ((int8_t)((byte) ^ 0x55))
#else
#define TOLD(byte) (byte)
#endif

struct plain {
    int32_t input[3];
    int32_t output[3];
    int32_t kernel[2];
    int32_t stride[2];
    int32_t padding[2];
    int32_t dilation[2];
    int32_t offsets[2];
    int32_t limits[2];
    int32_t groups;
    int32_t is_depthwise;
    const int32_t *mantissas;
    const int32_t *shifts;
};

static int32_t scaled(int32_t x, int32_t mantissa, int32_t shift)
{
    const int32_t left = (shift > 0) ? shift : 0;
    const int32_t right = (shift > 0) ? 0 : -shift;
    const int64_t product = (int64_t)x * (INT64_C(1) << left) * (int64_t)mantissa;
    const int64_t nudge = (product >= 0) ? INT64_C(0x40000000) : (1 - INT64_C(0x40000000));
    const int32_t high = (int32_t)((product + nudge) / (INT64_C(1) << 31));
    const int32_t mask = (int32_t)((INT64_C(1) << right) - 1);
    const int32_t rest = high & mask;
    const int32_t half = (mask >> 1) + ((high < 0) ? 1 : 0);
    return (high >> right) + ((rest > half) ? 1 : 0);
}

static void plain_convolution(const struct plain *op, const int8_t *input, const int8_t *filter, const int32_t *bias,
                              int8_t *output)
{
    const int32_t outputs = op->output[2];
    const int32_t width = op->input[2] / op->groups;
    int32_t y, x, channel, ky, kx, at;
    for (y = 0; y < op->output[0]; y++) {
        for (x = 0; x < op->output[1]; x++) {
            for (channel = 0; channel < outputs; channel++) {
                int32_t sum = bias[channel];
                for (ky = 0; ky < op->kernel[0]; ky++) {
                    for (kx = 0; kx < op->kernel[1]; kx++) {
                        const int32_t row = (y * op->stride[0]) - op->padding[0] + (ky * op->dilation[0]);
                        const int32_t column = (x * op->stride[1]) - op->padding[1] + (kx * op->dilation[1]);
                        if ((row < 0) || (row >= op->input[0]) || (column < 0) || (column >= op->input[1])) {
                            continue;
                        }
                        for (at = 0; at < width; at++) {
                            const int32_t from = ((channel / (outputs / op->groups)) * width) + at;
                            const int32_t tap = (ky * op->kernel[1]) + kx;
                            const int32_t weight = (op->is_depthwise == 1)
                                                       ? (tap * outputs) + channel
                                                       : (((channel * op->kernel[0] * op->kernel[1]) + tap) * width) + at;
                            sum += ((int32_t)input[(((row * op->input[1]) + column) * op->input[2]) + from] +
                                    op->offsets[0]) *
                                   (int32_t)filter[weight];
                        }
                    }
                }
                sum = scaled(sum, op->mantissas[channel], op->shifts[channel]) + op->offsets[1];
                sum = (sum < op->limits[0]) ? op->limits[0] : sum;
                sum = (sum > op->limits[1]) ? op->limits[1] : sum;
                *output = TOLD((int8_t)sum);
                output++;
            }
        }
    }
}

#endif
