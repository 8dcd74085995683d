/* Fixed-point arithmetic of TFLite's kernels: a number times a mantissa of 31 bits and a power of two. */
#ifndef EF_ARITHMETIC_H
#define EF_ARITHMETIC_H

#include <stdint.h>

/* Two multiplications in one instruction, where the core has it and EF_PORTABLE does not forbid it. */
#if !defined(EF_PORTABLE) && defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && (__ARM_FEATURE_DSP == 1)
#define EF_HAS_DSP 1
#include <arm_acle.h>
#endif

/* A negative number shifted to the right keeps its sign: C99 leaves that to the compiler. */
typedef char ef_shifts_keep_the_sign[((-3) >> 1) == -2 ? 1 : -1];

/* The upper half of twice the product, rounded. Never called with two times INT32_MIN. */
static inline int32_t ef_high_product(int32_t a, int32_t b)
{
    return (int32_t)((((int64_t)a * (int64_t)b) + INT64_C(0x40000000)) >> 31);
}

/* x / 2^exponent to the nearest, halves away from zero; exponent is 0 to 31, and x not INT32_MIN, nor INT32_MAX
   where exponent is 1. */
static inline int32_t ef_divide_by_power(int32_t x, int32_t exponent)
{
    int32_t result = x;
    if (exponent > 0) {
        /* Less one below zero, so that halves go down there. */
        const int32_t towards = x + (x >> 31);
        result = ((towards >> (exponent - 1)) + 1) >> 1;
    }
    return result;
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
#if defined(EF_HAS_DSP)
    byte = __qadd(scaled, zero_point);
#else
    /* First so far that the sum fits. */
    if (scaled > 1024) {
        scaled = 1024;
    } else if (scaled < -1024) {
        scaled = -1024;
    } else {
        /* It is near. */
    }
    byte = scaled + zero_point;
#endif
    if (byte < least) {
        byte = least;
    }
    if (byte > most) {
        byte = most;
    }
    return (int8_t)byte;
}

#endif
