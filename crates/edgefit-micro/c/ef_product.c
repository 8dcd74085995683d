/* Rows times a matrix: fully connected layers and pointwise convolutions. */
#include "ef_dot.h"
#include "ef_kernels.h"
#include "ef_layer.h"

/* Two rows with two outputs at a time, so that each byte that is read serves twice. */
static void two_by_two(const struct ef_product *op, const int8_t *rows, int32_t channel, int8_t *output)
{
    const int32_t inputs = op->inputs;
    const int32_t offset = -op->layer.input_zero_point;
    const int8_t *a = rows;
    const int8_t *b = &rows[inputs];
    const int8_t *v = &op->weights[channel * inputs];
    const int8_t *w = &v[inputs];
    int32_t av = op->layer.bias[channel];
    int32_t aw = op->layer.bias[channel + 1];
    int32_t bv = av;
    int32_t bw = aw;
    int32_t at = 0;
#if defined(EF_HAS_DSP)
    const int16x2_t offsets = ef_both(offset);
    for (; at <= (inputs - 4); at += 4) {
        const uint32_t v_four = ef_four(&v[at]);
        const uint32_t w_four = ef_four(&w[at]);
        const uint32_t a_four = ef_four(&a[at]);
        const uint32_t b_four = ef_four(&b[at]);
        /* The even halves first: fewer are alive at once than there are registers. */
        const int16x2_t v_even = ef_even_weights(v_four);
        const int16x2_t w_even = ef_even_weights(w_four);
        const int16x2_t a_even = ef_even(a_four, offsets);
        const int16x2_t b_even = ef_even(b_four, offsets);
        int16x2_t v_odd;
        int16x2_t w_odd;
        int16x2_t a_odd;
        int16x2_t b_odd;
        av = __smlad(a_even, v_even, av);
        aw = __smlad(a_even, w_even, aw);
        bv = __smlad(b_even, v_even, bv);
        bw = __smlad(b_even, w_even, bw);
        v_odd = ef_odd_weights(v_four);
        w_odd = ef_odd_weights(w_four);
        a_odd = ef_odd(a_four, offsets);
        b_odd = ef_odd(b_four, offsets);
        av = __smlad(a_odd, v_odd, av);
        aw = __smlad(a_odd, w_odd, aw);
        bv = __smlad(b_odd, v_odd, bv);
        bw = __smlad(b_odd, w_odd, bw);
    }
#endif
    for (; at < inputs; at++) {
        const int32_t x = (int32_t)a[at] + offset;
        const int32_t y = (int32_t)b[at] + offset;
        av += x * (int32_t)v[at];
        aw += x * (int32_t)w[at];
        bv += y * (int32_t)v[at];
        bw += y * (int32_t)w[at];
    }
    output[channel] = ef_finish(&op->layer, channel, av);
    output[channel + 1] = ef_finish(&op->layer, channel + 1, aw);
    output[op->outputs + channel] = ef_finish(&op->layer, channel, bv);
    output[op->outputs + channel + 1] = ef_finish(&op->layer, channel + 1, bw);
}

static void one(const struct ef_product *op, const int8_t *row, int32_t channel, int8_t *output)
{
    const int8_t *weights = &op->weights[channel * op->inputs];
    const int32_t offset = -op->layer.input_zero_point;
    const int32_t sum = ef_dot(row, weights, op->inputs, offset, op->layer.bias[channel]);
    output[channel] = ef_finish(&op->layer, channel, sum);
}

void ef_run_product(const struct ef_product *op, const int8_t *input, int8_t *output)
{
    int32_t row;
    for (row = 0; row < op->rows; row += 2) {
        const int8_t *from = &input[row * op->inputs];
        int8_t *to = &output[row * op->outputs];
        const int32_t pair = ((row + 1) < op->rows) ? 1 : 0;
        int32_t channel = 0;
        if (pair == 1) {
            for (; channel <= (op->outputs - 2); channel += 2) {
                two_by_two(op, from, channel, to);
            }
        }
        for (; channel < op->outputs; channel++) {
            one(op, from, channel, to);
            if (pair == 1) {
                one(op, &from[op->inputs], channel, &to[op->outputs]);
            }
        }
    }
}
