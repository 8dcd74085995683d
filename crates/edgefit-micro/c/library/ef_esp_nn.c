/* Convolutions and products by ESP-NN. */
#include "esp_nn.h"
#include "ef_kernels.h"
#include "ef_portable.h"

static data_dims_t sizes(const struct ef_image *image)
{
    const data_dims_t dims = {image->width, image->height, image->channels, 1};
    return dims;
}

static data_2d_t along(const int32_t pair[2])
{
    const data_2d_t tile = {pair[1], pair[0]};
    return tile;
}

static act_params_t limits(const struct ef_layer *layer)
{
    const act_params_t activation = {layer->least, layer->most};
    return activation;
}

/* The library does not write there. */
static quant_data_t factors(const struct ef_layer *layer)
{
    const quant_data_t params = {(int32_t *)layer->shifts, (int32_t *)layer->mantissas};
    return params;
}

/* Whether the library counts so far: it does so in 16 bits, some of them with a sign. */
static int32_t is_small(const data_dims_t *dims)
{
    return ((dims->channels <= UINT16_MAX) && (dims->height <= INT16_MAX) && (dims->width <= INT16_MAX)) ? 1 : 0;
}

/* Whether the library knows the window: it has no dilation. */
static int32_t is_known(const struct ef_window *window)
{
    return ((window->dilation[0] == 1) && (window->dilation[1] == 1)) ? 1 : 0;
}

/* Whether the library did it: it knows no groups. */
static int32_t convolve(const struct ef_convolution *op, const int8_t *input, int8_t *output)
{
    const struct ef_layer *layer = &op->layer;
    const conv_params_t params = {-layer->input_zero_point,  layer->output_zero_point,
                                  along(op->window.stride),  along(op->window.before),
                                  along(op->window.dilation), limits(layer)};
    const quant_data_t by = factors(layer);
    const data_dims_t from = sizes(&op->input);
    const data_dims_t to = sizes(&op->output);
    const data_dims_t filter = {op->window.kernel[1], op->window.kernel[0], from.channels, 1};
    const int32_t plain = ((op->groups == 1) && (is_known(&op->window) == 1) && (ef_is_padded_point(op) == 0) &&
                           (is_small(&from) == 1) && (is_small(&to) == 1) && (is_small(&filter) == 1))
                              ? 1
                              : 0;
    int32_t done = 0;
    if ((plain == 1) && (esp_nn_get_conv_scratch_size(&from, &filter, &to, &params) <= layer->scratch_bytes)) {
        esp_nn_set_conv_scratch_buf(layer->scratch);
        esp_nn_conv_s8(&from, input, &filter, op->weights, layer->bias, &to, output, &params, &by);
        done = 1;
    }
    return done;
}

void ef_run_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output)
{
    if (convolve(op, input, output) == 0) {
        ef_portable_convolution(op, input, output);
    }
}

void ef_run_depthwise(const struct ef_depthwise *op, const int8_t *input, int8_t *output)
{
    const struct ef_layer *layer = &op->layer;
    const data_dims_t from = sizes(&op->input);
    const data_dims_t to = sizes(&op->output);
    const dw_conv_params_t params = {-layer->input_zero_point,  layer->output_zero_point,
                                     to.channels / from.channels, along(op->window.stride),
                                     along(op->window.before),  along(op->window.dilation),
                                     limits(layer)};
    const quant_data_t by = factors(layer);
    const data_dims_t filter = {op->window.kernel[1], op->window.kernel[0], from.channels, 1};
    if ((is_known(&op->window) == 1) && (is_small(&from) == 1) && (is_small(&to) == 1) && (is_small(&filter) == 1) &&
        (esp_nn_get_depthwise_conv_scratch_size(&from, &filter, &to, &params) <= layer->scratch_bytes)) {
        esp_nn_set_depthwise_conv_scratch_buf(layer->scratch);
        esp_nn_depthwise_conv_s8(&from, input, &filter, op->weights, layer->bias, &to, output, &params, &by);
    } else {
        ef_portable_depthwise(op, input, output);
    }
}

/* A pointwise convolution of an image with a column for each row. */
void ef_run_product(const struct ef_product *op, const int8_t *input, int8_t *output)
{
    const struct ef_convolution pointwise = {{op->rows, 1, op->inputs},
                                             {op->rows, 1, op->outputs},
                                             {{1, 1}, {1, 1}, {1, 1}, {0, 0}},
                                             1,
                                             op->weights,
                                             op->layer};
    if (convolve(&pointwise, input, output) == 0) {
        ef_portable_product(op, input, output);
    }
}
