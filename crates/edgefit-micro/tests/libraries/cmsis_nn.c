/* Stands in for CMSIS-NN's kernels, which know no groups before version 6. */
#include <string.h>

#include "arm_nnfunctions.h"
#include "plain.h"

int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params *params, const cmsis_nn_dims *input,
                                                const cmsis_nn_dims *filter, const cmsis_nn_dims *output)
{
    const int32_t columns = filter->w * filter->h * input->c;
    (void)params;
    (void)output;
    return 4 * ((columns + 3) / 4) * 4;
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context *ctx, const cmsis_nn_conv_params *params,
                                            const cmsis_nn_per_channel_quant_params *quant, const cmsis_nn_dims *input_dims,
                                            const int8_t *input, const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                            const cmsis_nn_dims *bias_dims, const int32_t *bias,
                                            const cmsis_nn_dims *output_dims, int8_t *output)
{
    /* As in arm_convolve_1x1_s8_fast, which knows no padding behind: a result for each position of the input. */
    const int is_fast = (filter_dims->h == 1) && (filter_dims->w == 1) && (params->stride.h == 1) &&
                        (params->stride.w == 1) && (params->padding.h == 0) && (params->padding.w == 0);
    const cmsis_nn_dims *places = (is_fast == 1) ? input_dims : output_dims;
    const struct plain op = {{input_dims->h, input_dims->w, input_dims->c},
                             {places->h, places->w, output_dims->c},
                             {filter_dims->h, filter_dims->w},
                             {params->stride.h, params->stride.w},
                             {params->padding.h, params->padding.w},
                             {params->dilation.h, params->dilation.w},
                             {params->input_offset, params->output_offset},
                             {params->activation.min, params->activation.max},
                             1,
                             0,
                             quant->multiplier,
                             quant->shift};
    if ((bias_dims->c != output_dims->c) || (filter_dims->n != output_dims->c)) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    memset(ctx->buf, 0, (size_t)arm_convolve_wrapper_s8_get_buffer_size(params, input_dims, filter_dims, output_dims));
    plain_convolution(&op, input, filter, bias, output);
    return ARM_CMSIS_NN_SUCCESS;
}

int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params *params, const cmsis_nn_dims *input,
                                                      const cmsis_nn_dims *filter, const cmsis_nn_dims *output)
{
    (void)params;
    (void)output;
    return input->c * filter->w * filter->h * 2;
}

arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(const cmsis_nn_context *ctx, const cmsis_nn_dw_conv_params *params,
                                                  const cmsis_nn_per_channel_quant_params *quant,
                                                  const cmsis_nn_dims *input_dims, const int8_t *input,
                                                  const cmsis_nn_dims *filter_dims, const int8_t *filter,
                                                  const cmsis_nn_dims *bias_dims, const int32_t *bias,
                                                  const cmsis_nn_dims *output_dims, int8_t *output)
{
    const struct plain op = {{input_dims->h, input_dims->w, input_dims->c},
                             {output_dims->h, output_dims->w, output_dims->c},
                             {filter_dims->h, filter_dims->w},
                             {params->stride.h, params->stride.w},
                             {params->padding.h, params->padding.w},
                             {params->dilation.h, params->dilation.w},
                             {params->input_offset, params->output_offset},
                             {params->activation.min, params->activation.max},
                             input_dims->c,
                             1,
                             quant->multiplier,
                             quant->shift};
    if ((bias_dims->c != output_dims->c) || (params->ch_mult != (output_dims->c / input_dims->c))) {
        return ARM_CMSIS_NN_ARG_ERROR;
    }
    memset(ctx->buf, 0, (size_t)(input_dims->c * filter_dims->w * filter_dims->h * 2));
    plain_convolution(&op, input, filter, bias, output);
    return ARM_CMSIS_NN_SUCCESS;
}
