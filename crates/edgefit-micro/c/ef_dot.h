/* Sums of products of bytes: two at a time where the core has the instructions, else one by one. */
#ifndef EF_DOT_H
#define EF_DOT_H

#include <stdint.h>

#if defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1)
#define EF_HAS_DSP 1
#include <arm_acle.h>
#include <string.h>

/* Four bytes, wherever they lie. */
static inline uint32_t ef_four(const int8_t *bytes)
{
    uint32_t word;
    (void)memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Bytes 0 and 2 of four, each above the zero point whose negative is in both halves of offsets. */
static inline int16x2_t ef_even(uint32_t four, int16x2_t offsets)
{
    return __sxtab16(offsets, (int8x4_t)four);
}

/* Bytes 1 and 3. */
static inline int16x2_t ef_odd(uint32_t four, int16x2_t offsets)
{
    return __sxtab16(offsets, (int8x4_t)((four >> 8) | (four << 24)));
}

/* A number in both halves. */
static inline int16x2_t ef_both(int32_t number)
{
    const uint32_t half = (uint32_t)number & UINT32_C(0xFFFF);
    return (int16x2_t)(half | (half << 16));
}
#endif

/* The sum with the products of count inputs, above the zero point -offset, and weights. */
static inline int32_t ef_dot(const int8_t *input, const int8_t *weights, int32_t count, int32_t offset, int32_t sum)
{
    int32_t at = 0;
#if defined(EF_HAS_DSP)
    const int16x2_t offsets = ef_both(offset);
    for (; at <= (count - 4); at += 4) {
        const uint32_t x = ef_four(&input[at]);
        const uint32_t w = ef_four(&weights[at]);
        sum = __smlad(ef_even(x, offsets), ef_even(w, 0), sum);
        sum = __smlad(ef_odd(x, offsets), ef_odd(w, 0), sum);
    }
#endif
    for (; at < count; at++) {
        sum += ((int32_t)input[at] + offset) * (int32_t)weights[at];
    }
    return sum;
}

#endif
