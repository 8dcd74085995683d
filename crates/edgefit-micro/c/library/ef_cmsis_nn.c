/* Convolutions and products by CMSIS-NN. */
#include "arm_nnfunctions.h"
#include "ef_kernels.h"
#include "ef_portable.h"

static cmsis_nn_dims sizes(const struct ef_image *image)
{
    const cmsis_nn_dims dims = {1, image->height, image->width, image->channels};
    return dims;
}

static cmsis_nn_tile along(const int32_t pair[2])
{
    const cmsis_nn_tile tile = {pair[1], pair[0]};
    return tile;
}

static cmsis_nn_activation limits(const struct ef_layer *layer)
{
    const cmsis_nn_activation activation = {layer->least, layer->most};
    return activation;
}

static cmsis_nn_context context(const struct ef_layer *layer)
{
    const cmsis_nn_context scratch = {layer->scratch, layer->scratch_bytes};
    return scratch;
}

/* The library does not write there. */
static cmsis_nn_per_channel_quant_params factors(const struct ef_layer *layer)
{
    const cmsis_nn_per_channel_quant_params params = {(int32_t *)layer->mantissas, (int32_t *)layer->shifts};
    return params;
}

/* Whether the library did it: versions before 6 know no groups. */
static int32_t convolve(const struct ef_convolution *op, const int8_t *input, int8_t *output)
{
    const struct ef_layer *layer = &op->layer;
    const cmsis_nn_conv_params params = {-layer->input_zero_point,  layer->output_zero_point,
                                         along(op->window.stride),  along(op->window.before),
                                         along(op->window.dilation), limits(layer)};
    const cmsis_nn_per_channel_quant_params by = factors(layer);
    const cmsis_nn_dims from = sizes(&op->input);
    const cmsis_nn_dims to = sizes(&op->output);
    const cmsis_nn_dims filter = {to.c, op->window.kernel[0], op->window.kernel[1], from.c};
    const cmsis_nn_dims bias = {1, 1, 1, to.c};
    const cmsis_nn_context scratch = context(layer);
    int32_t done = 0;
    if ((op->groups == 1) && (ef_is_padded_point(op) == 0) &&
        (arm_convolve_wrapper_s8_get_buffer_size(&params, &from, &filter, &to) <= scratch.size)) {
        const arm_cmsis_nn_status status =
            arm_convolve_wrapper_s8(&scratch, &params, &by, &from, input, &filter, op->weights, &bias, layer->bias,
                                    &to, output);
        done = (status == ARM_CMSIS_NN_SUCCESS) ? 1 : 0;
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
    const cmsis_nn_dims from = sizes(&op->input);
    const cmsis_nn_dims to = sizes(&op->output);
    const cmsis_nn_dw_conv_params params = {-layer->input_zero_point,  layer->output_zero_point,
                                            to.c / from.c,             along(op->window.stride),
                                            along(op->window.before),  along(op->window.dilation),
                                            limits(layer)};
    const cmsis_nn_per_channel_quant_params by = factors(layer);
    const cmsis_nn_dims filter = {1, op->window.kernel[0], op->window.kernel[1], to.c};
    const cmsis_nn_dims bias = {1, 1, 1, to.c};
    const cmsis_nn_context scratch = context(layer);
    arm_cmsis_nn_status status = ARM_CMSIS_NN_NO_IMPL_ERROR;
    if (arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &from, &filter, &to) <= scratch.size) {
        status = arm_depthwise_conv_wrapper_s8(&scratch, &params, &by, &from, input, &filter, op->weights, &bias,
                                               layer->bias, &to, output);
    }
    if (status != ARM_CMSIS_NN_SUCCESS) {
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
