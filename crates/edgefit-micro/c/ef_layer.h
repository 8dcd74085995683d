/* Sums of products into bytes. */
#ifndef EF_LAYER_H
#define EF_LAYER_H

#include "ef_arithmetic.h"
#include "ef_kernels.h"

#if defined(EF_HAS_DSP)
/* For factors of 1/2 and more and for very large sums, which are rare: apart, so that the other way stays short. */
__attribute__((noinline)) static int32_t ef_scale_apart(int32_t x, int32_t mantissa, int32_t shift)
{
    return ef_scale(x, mantissa, shift);
}
#endif

/* The byte of a channel; the bias is in the sum. */
static inline int8_t ef_finish(const struct ef_layer *layer, int32_t channel, int32_t sum)
{
    const int32_t mantissa = layer->mantissas[channel];
    const int32_t shift = (int32_t)layer->shifts[channel];
    int32_t scaled;
#if defined(EF_HAS_DSP)
    /* Within 2^30 of 0 the sum can be doubled. */
    if ((shift < 0) && (((uint32_t)sum + UINT32_C(0x40000000)) < UINT32_C(0x80000000))) {
        /* Both roundings of ef_scale: the upper half of twice the product, then halves away from zero. */
        int32_t high;
        __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(sum * 2), "r"(mantissa));
        scaled = (((high + (high >> 31)) >> (-1 - shift)) + 1) >> 1;
    } else {
        scaled = ef_scale_apart(sum, mantissa, shift);
    }
#else
    scaled = ef_scale(sum, mantissa, shift);
#endif
    return ef_clamp(scaled, layer->output_zero_point, layer->least, layer->most);
}

#endif
