/* The kernels of this project, for what a library does not do. */
#ifndef EF_PORTABLE_H
#define EF_PORTABLE_H

#include "ef_kernels.h"

void ef_portable_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output);
void ef_portable_depthwise(const struct ef_depthwise *op, const int8_t *input, int8_t *output);
void ef_portable_product(const struct ef_product *op, const int8_t *input, int8_t *output);

#endif
