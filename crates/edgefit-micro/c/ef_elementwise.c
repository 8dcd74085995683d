/* Sums and products of two values, broadcast. */
#include "ef_arithmetic.h"
#include "ef_kernels.h"

/* Bits by which the operands of a sum are shifted before they are scaled. */
#define SUM_SHIFT 20

typedef int8_t (*combination)(const void *op, int32_t a, int32_t b);

/* What of two operands meets, and what is made of it. */
struct meeting {
    const struct ef_broadcast *broadcast;
    combination combine;
    const void *op;
};

static void each(const struct meeting *meeting, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct ef_broadcast *broadcast = meeting->broadcast;
    const int32_t *sizes = broadcast->sizes;
    const int32_t *left = broadcast->strides[0];
    const int32_t *right = broadcast->strides[1];
    int8_t *result = output;
    int32_t i;
    for (i = 0; i < sizes[0]; i++) {
        int32_t j;
        for (j = 0; j < sizes[1]; j++) {
            int32_t k;
            for (k = 0; k < sizes[2]; k++) {
                const int8_t *x = &a[(i * left[0]) + (j * left[1]) + (k * left[2])];
                const int8_t *y = &b[(i * right[0]) + (j * right[1]) + (k * right[2])];
                int32_t l;
                for (l = 0; l < sizes[3]; l++) {
                    *result = meeting->combine(meeting->op, (int32_t)x[l * left[3]], (int32_t)y[l * right[3]]);
                    result++;
                }
            }
        }
    }
}

static inline int32_t scaled(const struct ef_add *op, int32_t operand, int32_t byte)
{
    const int32_t above = byte - op->input_zero_points[operand];
    const struct ef_multiplier *multiplier = &op->input_multipliers[operand];
    return ef_scale(above * (INT32_C(1) << SUM_SHIFT), multiplier->mantissa, multiplier->shift);
}

static int8_t sum_of(const void *context, int32_t a, int32_t b)
{
    const struct ef_add *op = context;
    const int32_t sum = scaled(op, 0, a) + scaled(op, 1, b);
    const int32_t result = ef_scale(sum, op->multiplier.mantissa, op->multiplier.shift);
    return ef_clamp(result, op->output_zero_point, op->least, op->most);
}

static int8_t product_of(const void *context, int32_t a, int32_t b)
{
    const struct ef_multiply *op = context;
    const int32_t product = (a - op->input_zero_points[0]) * (b - op->input_zero_points[1]);
    const int32_t result = ef_scale(product, op->multiplier.mantissa, op->multiplier.shift);
    return ef_clamp(result, op->output_zero_point, op->least, op->most);
}

void ef_run_add(const struct ef_add *op, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct meeting meeting = {&op->broadcast, sum_of, op};
    each(&meeting, a, b, output);
}

void ef_run_multiply(const struct ef_multiply *op, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct meeting meeting = {&op->broadcast, product_of, op};
    each(&meeting, a, b, output);
}
