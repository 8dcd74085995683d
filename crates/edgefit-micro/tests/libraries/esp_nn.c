/* Stands in for ESP-NN's kernels, which know neither groups nor dilation, count channels in 16 bits, and leave out the
   padding of pointwise kernels. */
#include "esp_nn.h"
#include "plain.h"

int esp_nn_get_conv_scratch_size(const data_dims_t *input, const data_dims_t *filter, const data_dims_t *output,
                                 const conv_params_t *params)
{
    (void)input;
    (void)filter;
    (void)output;
    (void)params;
    return 0;
}

void esp_nn_set_conv_scratch_buf(const void *buf)
{
    (void)buf;
}

void esp_nn_conv_s8(const data_dims_t *input_dims, const int8_t *input, const data_dims_t *filter_dims, const int8_t *filter,
                    const int32_t *bias, const data_dims_t *output_dims, int8_t *output, const conv_params_t *params,
                    const quant_data_t *quant)
{
    const int32_t padded = ((filter_dims->height != 1) || (filter_dims->width != 1)) ? 1 : 0;
    const struct plain op = {{input_dims->height, input_dims->width, (uint16_t)input_dims->channels},
                             {output_dims->height, output_dims->width, (uint16_t)output_dims->channels},
                             {filter_dims->height, filter_dims->width},
                             {params->stride.height, params->stride.width},
                             {padded * params->padding.height, padded * params->padding.width},
                             {1, 1},
                             {params->in_offset, params->out_offset},
                             {params->activation.min, params->activation.max},
                             1,
                             0,
                             quant->mult,
                             quant->shift};
    plain_convolution(&op, input, filter, bias, output);
}

int esp_nn_get_depthwise_conv_scratch_size(const data_dims_t *input, const data_dims_t *filter, const data_dims_t *output,
                                           const dw_conv_params_t *params)
{
    (void)input;
    (void)filter;
    (void)output;
    (void)params;
    return 0;
}

void esp_nn_set_depthwise_conv_scratch_buf(const void *buf)
{
    (void)buf;
}

void esp_nn_depthwise_conv_s8(const data_dims_t *input_dims, const int8_t *input, const data_dims_t *filter_dims,
                              const int8_t *filter, const int32_t *bias, const data_dims_t *output_dims, int8_t *output,
                              const dw_conv_params_t *params, const quant_data_t *quant)
{
    const struct plain op = {{input_dims->height, input_dims->width, input_dims->channels},
                             {output_dims->height, output_dims->width, output_dims->channels},
                             {filter_dims->height, filter_dims->width},
                             {params->stride.height, params->stride.width},
                             {params->padding.height, params->padding.width},
                             {1, 1},
                             {params->in_offset, params->out_offset},
                             {params->activation.min, params->activation.max},
                             input_dims->channels,
                             1,
                             quant->mult,
                             quant->shift};
    plain_convolution(&op, input, filter, bias, output);
}
