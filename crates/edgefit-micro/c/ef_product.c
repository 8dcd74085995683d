/* Rows times a matrix: fully connected layers and pointwise convolutions. */
#include "ef_dot.h"
#include "ef_kernels.h"
#include "ef_layer.h"

#if defined(EF_LIBRARY)
#include "ef_portable.h"
#define ef_run_product ef_portable_product
#endif

/* Two rows with two outputs at a time, so that each byte that is read serves twice. */
static void two_by_two(const struct ef_product *op, const int8_t *rows, int32_t channel, int8_t *output)
{
    const int32_t inputs = op->inputs;
    const int8_t *a = rows;
    const int8_t *v = &op->weights[channel * inputs];
    int32_t av = op->layer.bias[channel];
    int32_t aw = op->layer.bias[channel + 1];
    int32_t bv = av;
    int32_t bw = aw;
    int32_t left = inputs;
    int8_t *below = &output[op->outputs];
#if defined(EF_HAS_DSP)
    for (; left >= 4; left -= 4) {
        const uint32_t v_four = ef_four(v);
        const uint32_t w_four = ef_four(&v[inputs]);
        const uint32_t a_four = ef_four(a);
        const uint32_t b_four = ef_four(&a[inputs]);
        int16x2_t of_v = ef_even_plain(v_four);
        int16x2_t of_w = ef_even_plain(w_four);
        int16x2_t x = ef_even_plain(a_four);
        av = __smlad(x, of_v, av);
        aw = __smlad(x, of_w, aw);
        x = ef_even_plain(b_four);
        bv = __smlad(x, of_v, bv);
        bw = __smlad(x, of_w, bw);
        of_v = ef_odd_plain(v_four);
        of_w = ef_odd_plain(w_four);
        x = ef_odd_plain(a_four);
        av = __smlad(x, of_v, av);
        aw = __smlad(x, of_w, aw);
        x = ef_odd_plain(b_four);
        bv = __smlad(x, of_v, bv);
        bw = __smlad(x, of_w, bw);
        a = &a[4];
        v = &v[4];
    }
#endif
    for (; left > 0; left--) {
        const int32_t x = (int32_t)a[0];
        const int32_t y = (int32_t)a[inputs];
        const int32_t of_v = (int32_t)v[0];
        const int32_t of_w = (int32_t)v[inputs];
        av += x * of_v;
        aw += x * of_w;
        bv += y * of_v;
        bw += y * of_w;
        a = &a[1];
        v = &v[1];
    }
    /* All before the first is stored: a byte that is stored might be one of what op points to. */
    av = ef_finish(&op->layer, channel, av);
    bv = ef_finish(&op->layer, channel, bv);
    aw = ef_finish(&op->layer, channel + 1, aw);
    bw = ef_finish(&op->layer, channel + 1, bw);
    output[channel] = (int8_t)av;
    output[channel + 1] = (int8_t)aw;
    below[channel] = (int8_t)bv;
    below[channel + 1] = (int8_t)bw;
}

static void one(const struct ef_product *op, const int8_t *row, int32_t channel, int8_t *output)
{
    const int8_t *weights = &op->weights[channel * op->inputs];
    const int32_t sum = ef_dot(row, weights, op->inputs, 0, op->layer.bias[channel]);
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
