/* Softmax with 5 bits before the point of a difference and 12 before that of the sum. */
#include "ef_arithmetic.h"
#include "ef_kernels.h"

/* exp(x) for -1/4 <= x < 0, 31 bits behind the point, by its series around -1/8. */
static int32_t exponential_near_zero(int32_t x)
{
    const int32_t at_eighth = INT32_C(1895147668);
    const int32_t third = INT32_C(715827883);
    const int32_t y = x + (INT32_C(1) << 28);
    const int32_t y2 = ef_high_product(y, y);
    const int32_t y3 = ef_high_product(y2, y);
    const int32_t y4 = ef_high_product(y2, y2);
    const int32_t tail = ef_high_product(ef_divide_by_power(y4, 2) + y3, third) + y2;
    return at_eighth + ef_high_product(at_eighth, y + ef_divide_by_power(tail, 1));
}

/* exp(x) for x <= 0 with 26 bits behind the point; 31 behind that of the result. */
static int32_t exponential(int32_t x)
{
    static const int32_t factors[7] = {
        INT32_C(1672461947), INT32_C(1302514674), INT32_C(790015084), INT32_C(290630308),
        INT32_C(39332535),   INT32_C(720401),     INT32_C(242)};
    const int32_t quarter = INT32_C(1) << 24;
    int32_t result = INT32_MAX;
    if (x != 0) {
        const int32_t within = (x & (quarter - 1)) - quarter;
        const uint32_t remainder = (uint32_t)within - (uint32_t)x;
        int32_t bit;
        result = exponential_near_zero(ef_shift_left(within, 5));
        for (bit = 0; bit < 7; bit++) {
            if ((remainder & (UINT32_C(1) << (24 + bit))) != 0U) {
                result = ef_high_product(result, factors[bit]);
            }
        }
    }
    return result;
}

/* 1 / (1 + x) for 0 <= x < 1, 31 bits behind the point, by Newton's method. */
static int32_t one_over_one_plus(int32_t x)
{
    const int32_t half = (int32_t)(((int64_t)x + (int64_t)INT32_MAX + 1) / 2);
    int32_t y = INT32_C(1515870810) + ef_high_product(half, -INT32_C(1010580540));
    int32_t step;
    for (step = 0; step < 3; step++) {
        const int32_t rest = (INT32_C(1) << 29) - ef_high_product(half, y);
        y += ef_shift_left(ef_high_product(y, rest), 2);
    }
    return ef_shift_left(y, 1);
}

static int32_t scaled(const struct ef_softmax *op, int32_t difference)
{
    return exponential(ef_scale(difference, op->multiplier.mantissa, op->multiplier.shift));
}

void ef_run_softmax(const struct ef_softmax *op, const int8_t *input, int8_t *output)
{
    int32_t row;
    for (row = 0; row < op->rows; row++) {
        const int8_t *from = &input[row * op->width];
        int8_t *to = &output[row * op->width];
        int32_t largest = INT8_MIN;
        int32_t sum = 0;
        int32_t zeros = 0;
        int32_t reciprocal;
        int32_t shift;
        int32_t at;
        for (at = 0; at < op->width; at++) {
            if ((int32_t)from[at] > largest) {
                largest = (int32_t)from[at];
            }
        }
        for (at = 0; at < op->width; at++) {
            const int32_t difference = (int32_t)from[at] - largest;
            if (difference >= op->least_difference) {
                sum += ef_divide_by_power(scaled(op, difference), 12);
            }
        }
        while (((uint32_t)sum << zeros) < UINT32_C(0x80000000)) {
            zeros++;
        }
        reciprocal = one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - UINT32_C(0x80000000)));
        shift = 12 - zeros + 31 - 8;
        for (at = 0; at < op->width; at++) {
            const int32_t difference = (int32_t)from[at] - largest;
            to[at] = INT8_MIN;
            if ((difference >= op->least_difference) && (shift < 32)) {
                const int32_t share = ef_high_product(reciprocal, scaled(op, difference));
                to[at] = ef_clamp(ef_divide_by_power(share, shift), INT8_MIN, INT8_MIN, INT8_MAX);
            }
        }
    }
}
