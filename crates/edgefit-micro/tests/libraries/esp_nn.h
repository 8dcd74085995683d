/* Stands in for ESP-NN: the names and types of its interface that projects call. */
#ifndef ESP_NN_H
#define ESP_NN_H

#include <stdint.h>

typedef struct data_dims { int32_t width; int32_t height; int32_t channels; int32_t extra; } data_dims_t;
typedef struct data_2d { int32_t width; int32_t height; } data_2d_t;
typedef struct act_params { int32_t min; int32_t max; } act_params_t;
typedef struct quant_data { int32_t *shift; int32_t *mult; } quant_data_t;
typedef struct conv_params {
    int32_t in_offset;
    int32_t out_offset;
    data_2d_t stride;
    data_2d_t padding;
    data_2d_t dilation;
    act_params_t activation;
} conv_params_t;
typedef struct dw_conv_params {
    int32_t in_offset;
    int32_t out_offset;
    int32_t ch_mult;
    data_2d_t stride;
    data_2d_t padding;
    data_2d_t dilation;
    act_params_t activation;
} dw_conv_params_t;

int esp_nn_get_conv_scratch_size(const data_dims_t *input, const data_dims_t *filter, const data_dims_t *output,
                                 const conv_params_t *params);
void esp_nn_set_conv_scratch_buf(const void *buf);
void esp_nn_conv_s8(const data_dims_t *input_dims, const int8_t *input, const data_dims_t *filter_dims, const int8_t *filter,
                    const int32_t *bias, const data_dims_t *output_dims, int8_t *output, const conv_params_t *params,
                    const quant_data_t *quant);
int esp_nn_get_depthwise_conv_scratch_size(const data_dims_t *input, const data_dims_t *filter, const data_dims_t *output,
                                           const dw_conv_params_t *params);
void esp_nn_set_depthwise_conv_scratch_buf(const void *buf);
void esp_nn_depthwise_conv_s8(const data_dims_t *input_dims, const int8_t *input, const data_dims_t *filter_dims,
                              const int8_t *filter, const int32_t *bias, const data_dims_t *output_dims, int8_t *output,
                              const dw_conv_params_t *params, const quant_data_t *quant);

#endif
