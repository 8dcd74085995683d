/* The kernels of this project, for what a library does not do. */
#ifndef EF_PORTABLE_H
#define EF_PORTABLE_H

#include "ef_kernels.h"

void ef_portable_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output);
void ef_portable_depthwise(const struct ef_depthwise *op, const int8_t *input, int8_t *output);
void ef_portable_product(const struct ef_product *op, const int8_t *input, int8_t *output);

/* Whether a kernel of one element has padding before or behind the image: libraries leave that out. */
static inline int32_t ef_is_padded_point(const struct ef_convolution *op)
{
    const struct ef_window *window = &op->window;
    const int32_t row = ((op->output.height - 1) * window->stride[0]) - window->before[0];
    const int32_t column = ((op->output.width - 1) * window->stride[1]) - window->before[1];
    const int32_t point = ((window->kernel[0] == 1) && (window->kernel[1] == 1)) ? 1 : 0;
    const int32_t before = ((window->before[0] > 0) || (window->before[1] > 0)) ? 1 : 0;
    const int32_t behind = ((row >= op->input.height) || (column >= op->input.width)) ? 1 : 0;
    return ((point == 1) && ((before == 1) || (behind == 1))) ? 1 : 0;
}

#endif
