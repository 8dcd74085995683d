/* Sums of products into bytes. */
#ifndef EF_LAYER_H
#define EF_LAYER_H

#include "ef_arithmetic.h"
#include "ef_kernels.h"

/* The byte of a channel; the bias is in the sum. */
static inline int8_t ef_finish(const struct ef_layer *layer, int32_t channel, int32_t sum)
{
    const int32_t scaled = ef_scale(sum, layer->mantissas[channel], (int32_t)layer->shifts[channel]);
    return ef_clamp(scaled, layer->output_zero_point, layer->least, layer->most);
}

#endif
