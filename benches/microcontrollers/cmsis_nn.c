/* The kernels of an exported project by CMSIS-NN 4.0.0, to be linked in the place of ef_convolution.c, ef_product.c and
   ef_depthwise.c. */
#include "arm_nnfunctions.h"
#include "ef_kernels.h"

#define MOST_CHANNELS 4096
#define SCRATCH_BYTES 200000

static int32_t shifts[MOST_CHANNELS];
static int8_t scratch[SCRATCH_BYTES];

/* CMSIS-NN has shifts of 32 bits. */
static cmsis_nn_per_channel_quant_params factors(const struct ef_layer *layer, int32_t channels)
{
    cmsis_nn_per_channel_quant_params factors = {(int32_t *)layer->mantissas, shifts};
    int32_t channel;
    for (channel = 0; channel < channels; channel++) {
        shifts[channel] = layer->shifts[channel];
    }
    return factors;
}

static cmsis_nn_tile tile(const int32_t *pair)
{
    const cmsis_nn_tile tile = {pair[1], pair[0]};
    return tile;
}

static cmsis_nn_dims dims(struct ef_image image)
{
    const cmsis_nn_dims dims = {1, image.height, image.width, image.channels};
    return dims;
}

void ef_run_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output)
{
    const struct ef_layer *layer = &op->layer;
    const struct ef_window *window = &op->window;
    const cmsis_nn_context context = {scratch, SCRATCH_BYTES};
    const cmsis_nn_conv_params parameters = {
        -layer->input_zero_point, layer->output_zero_point, tile(window->stride), tile(window->before),
        tile(window->dilation),   {layer->least, layer->most}};
    const cmsis_nn_per_channel_quant_params quantization = factors(layer, op->output.channels);
    const cmsis_nn_dims from = dims(op->input);
    const cmsis_nn_dims to = dims(op->output);
    const cmsis_nn_dims filter = {op->output.channels, window->kernel[0], window->kernel[1], op->input.channels};
    const cmsis_nn_dims bias = {1, 1, 1, op->output.channels};
    (void)arm_convolve_wrapper_s8(&context, &parameters, &quantization, &from, input, &filter, op->weights, &bias,
                                  layer->bias, &to, output);
}

void ef_run_product(const struct ef_product *op, const int8_t *input, int8_t *output)
{
    const struct ef_convolution convolution = {
        {1, op->rows, op->inputs}, {1, op->rows, op->outputs}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}}, 1, op->weights, op->layer};
    ef_run_convolution(&convolution, input, output);
}

void ef_run_depthwise(const struct ef_depthwise *op, const int8_t *input, int8_t *output)
{
    const struct ef_layer *layer = &op->layer;
    const struct ef_window *window = &op->window;
    const cmsis_nn_context context = {scratch, SCRATCH_BYTES};
    const cmsis_nn_dw_conv_params parameters = {-layer->input_zero_point,
                                                layer->output_zero_point,
                                                op->output.channels / op->input.channels,
                                                tile(window->stride),
                                                tile(window->before),
                                                tile(window->dilation),
                                                {layer->least, layer->most}};
    const cmsis_nn_per_channel_quant_params quantization = factors(layer, op->output.channels);
    const cmsis_nn_dims from = dims(op->input);
    const cmsis_nn_dims to = dims(op->output);
    const cmsis_nn_dims filter = {1, window->kernel[0], window->kernel[1], op->output.channels};
    const cmsis_nn_dims bias = {1, 1, 1, op->output.channels};
    (void)arm_depthwise_conv_wrapper_s8(&context, &parameters, &quantization, &from, input, &filter, op->weights, &bias,
                                        layer->bias, &to, output);
}
