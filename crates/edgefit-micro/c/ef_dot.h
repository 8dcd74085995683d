/* Sums of products of bytes: two at a time where the core has the instructions, else one by one. */
#ifndef EF_DOT_H
#define EF_DOT_H

#include <stdint.h>

#include "ef_arithmetic.h"

#if defined(EF_HAS_DSP)
#include <string.h>

/* Four bytes, wherever they lie. */
static inline uint32_t ef_four(const int8_t *bytes)
{
    uint32_t word;
    (void)memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Bytes 0 and 2 of four as halves of a word, plus what is in both halves of offsets. */
static inline int16x2_t ef_even(uint32_t four, int16x2_t offsets)
{
    return __sxtab16(offsets, (int8x4_t)four);
}

/* Bytes 1 and 3, rotated in the same instruction. */
static inline int16x2_t ef_odd(uint32_t four, int16x2_t offsets)
{
    int16x2_t halves;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(halves) : "r"(offsets), "r"(four));
    return halves;
}

/* The same without offsets, as weights have none. */
static inline int16x2_t ef_even_plain(uint32_t four)
{
    return __sxtb16((int8x4_t)four);
}

static inline int16x2_t ef_odd_plain(uint32_t four)
{
    int16x2_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(four));
    return halves;
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
        sum = __smlad(ef_even(x, offsets), ef_even_plain(w), sum);
        sum = __smlad(ef_odd(x, offsets), ef_odd_plain(w), sum);
    }
#endif
    for (; at < count; at++) {
        sum += ((int32_t)input[at] + offset) * (int32_t)weights[at];
    }
    return sum;
}

/* Two rows of weights that are as far apart as distance says, and their sums. */
struct ef_two {
    const int8_t *weights;
    int32_t distance;
    int32_t first;
    int32_t second;
};

/* The same for two rows of weights, so that each input that is read serves twice. */
static inline void ef_dot_two(struct ef_two *two, const int8_t *input, int32_t count, int32_t offset)
{
    const int8_t *weights = two->weights;
    const int8_t *other = &weights[two->distance];
    int32_t first = two->first;
    int32_t second = two->second;
    int32_t at = 0;
#if defined(EF_HAS_DSP)
    const int16x2_t offsets = ef_both(offset);
    for (; at <= (count - 4); at += 4) {
        const uint32_t x = ef_four(&input[at]);
        const uint32_t v = ef_four(&weights[at]);
        const uint32_t w = ef_four(&other[at]);
        const int16x2_t even = ef_even(x, offsets);
        const int16x2_t odd = ef_odd(x, offsets);
        first = __smlad(odd, ef_odd_plain(v), __smlad(even, ef_even_plain(v), first));
        second = __smlad(odd, ef_odd_plain(w), __smlad(even, ef_even_plain(w), second));
    }
#endif
    for (; at < count; at++) {
        const int32_t x = (int32_t)input[at] + offset;
        first += x * (int32_t)weights[at];
        second += x * (int32_t)other[at];
    }
    two->first = first;
    two->second = second;
}

#endif
