/* Fixed-point arithmetic of TFLite's kernels: a number times a mantissa of 31 bits and a power of two. */
#ifndef EF_ARITHMETIC_H
#define EF_ARITHMETIC_H

#include <stdint.h>

/* A negative number shifted to the right keeps its sign: C99 leaves that to the compiler. */
typedef char ef_shifts_keep_the_sign[((-3) >> 1) == -2 ? 1 : -1];

/* The upper half of twice the product, rounded. Never called with two times INT32_MIN. */
static inline int32_t ef_high_product(int32_t a, int32_t b)
{
    return (int32_t)((((int64_t)a * (int64_t)b) + INT64_C(0x40000000)) >> 31);
}

/* x / 2^exponent to the nearest, halves away from zero; exponent is 0 to 31. */
static inline int32_t ef_divide_by_power(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << exponent) - UINT32_C(1));
    const int32_t threshold = (mask >> 1) + ((x < 0) ? 1 : 0);
    return (x >> exponent) + (((x & mask) > threshold) ? 1 : 0);
}

/* x * 2^exponent, saturated; exponent is 0 to 30. */
static inline int32_t ef_shift_left(int32_t x, int32_t exponent)
{
    const int64_t wide = (int64_t)x * (INT64_C(1) << exponent);
    int32_t result = (int32_t)wide;
    if (wide > INT32_MAX) {
        result = INT32_MAX;
    } else if (wide < INT32_MIN) {
        result = INT32_MIN;
    } else {
        /* It fits. */
    }
    return result;
}

/* x * mantissa * 2^(shift - 31), rounded twice; shift is -31 to 30. */
static inline int32_t ef_scale(int32_t x, int32_t mantissa, int32_t shift)
{
    int32_t result;
    if (shift > 0) {
        result = ef_high_product(ef_shift_left(x, shift), mantissa);
    } else {
        result = ef_divide_by_power(ef_high_product(x, mantissa), -shift);
    }
    return result;
}

/* The byte for a scaled number above a zero point, within limits. */
static inline int8_t ef_clamp(int32_t scaled, int32_t zero_point, int32_t least, int32_t most)
{
    int32_t byte;
    /* First so far that the sum fits. */
    if (scaled > 1024) {
        scaled = 1024;
    } else if (scaled < -1024) {
        scaled = -1024;
    } else {
        /* It is near. */
    }
    byte = scaled + zero_point;
    if (byte < least) {
        byte = least;
    }
    if (byte > most) {
        byte = most;
    }
    return (int8_t)byte;
}

#endif
