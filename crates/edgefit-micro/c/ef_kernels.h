/* The integer ops. Images are (height, width, channels), the channels next to each other. */
#ifndef EF_KERNELS_H
#define EF_KERNELS_H

#include <stdint.h>

struct ef_image {
    int32_t height;
    int32_t width;
    int32_t channels;
};

/* Along the height, then along the width. */
struct ef_window {
    int32_t kernel[2];
    int32_t stride[2];
    int32_t dilation[2];
    int32_t before[2]; /* padding before the first element */
};

/* A factor: mantissa * 2^(shift - 31). */
struct ef_multiplier {
    int32_t mantissa;
    int32_t shift;
};

/* A library of kernels wants wide shifts, and memory to work in. */
#if defined(EF_LIBRARY)
typedef int32_t ef_shift;
#else
typedef int8_t ef_shift;
#endif

/* How sums of products become bytes, channel by channel. */
struct ef_layer {
#if defined(EF_LIBRARY)
    int32_t *scratch;
    int32_t scratch_bytes;
#endif
    const int32_t *bias;
    const int32_t *mantissas;
    const ef_shift *shifts;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t least;
    int32_t most;
};

struct ef_convolution {
    struct ef_image input;
    struct ef_image output;
    struct ef_window window;
    int32_t groups;
    const int8_t *weights; /* (output channels, height, width, input channels of a group) */
    struct ef_layer layer;
};

struct ef_depthwise {
    struct ef_image input;
    struct ef_image output;
    struct ef_window window;
    const int8_t *weights; /* (height, width, output channels) */
    struct ef_layer layer;
};

/* Rows times a matrix: a pointwise convolution has a row for each position. The zero point of the input is in the
   bias. */
struct ef_product {
    int32_t rows;
    int32_t inputs;
    int32_t outputs;
    const int8_t *weights; /* (outputs, inputs) */
    struct ef_layer layer;
};

/* Sizes of a result, and how far apart neighbours lie in each operand; 0 where it is repeated. */
struct ef_broadcast {
    int32_t sizes[4];
    int32_t strides[2][4];
};

struct ef_add {
    struct ef_broadcast broadcast;
    int32_t input_zero_points[2];
    struct ef_multiplier input_multipliers[2];
    struct ef_multiplier multiplier;
    int32_t output_zero_point;
    int32_t least;
    int32_t most;
};

struct ef_multiply {
    struct ef_broadcast broadcast;
    int32_t input_zero_points[2];
    struct ef_multiplier multiplier;
    int32_t output_zero_point;
    int32_t least;
    int32_t most;
};

struct ef_pool {
    struct ef_image input;
    struct ef_image output;
    struct ef_window window;
};

struct ef_mean {
    int32_t positions;
    int32_t channels;
    int32_t input_zero_point;
    int32_t output_zero_point;
    struct ef_multiplier multiplier;
};

struct ef_pad {
    struct ef_image input;
    struct ef_image output;
    int32_t before[3]; /* rows, columns, channels */
    int8_t fill;
};

struct ef_concatenation {
    int32_t repeats;
    int32_t count;       /* inputs */
    const int32_t *runs; /* bytes that each gives at a time */
};

struct ef_transposition {
    int32_t sizes[4];
    int32_t strides[4];
};

struct ef_resize {
    struct ef_image input;
    int32_t height;
    int32_t width;
    const uint16_t *rows;
    const uint16_t *columns;
};

/* Runs of bytes: where the first begins, and the distance to the next. */
struct ef_rows {
    int32_t rows;
    int32_t bytes;
    int32_t input[2];
    int32_t output[2];
};

struct ef_softmax {
    int32_t rows;
    int32_t width;
    struct ef_multiplier multiplier;
    int32_t least_difference;
};

void ef_run_convolution(const struct ef_convolution *op, const int8_t *input, int8_t *output);
void ef_run_depthwise(const struct ef_depthwise *op, const int8_t *input, int8_t *output);
void ef_run_product(const struct ef_product *op, const int8_t *input, int8_t *output);
void ef_run_add(const struct ef_add *op, const int8_t *a, const int8_t *b, int8_t *output);
void ef_run_multiply(const struct ef_multiply *op, const int8_t *a, const int8_t *b, int8_t *output);
void ef_run_average_pool(const struct ef_pool *op, const int8_t *input, int8_t *output);
void ef_run_max_pool(const struct ef_pool *op, const int8_t *input, int8_t *output);
void ef_run_mean(const struct ef_mean *op, const int8_t *input, int8_t *output);
void ef_run_pad(const struct ef_pad *op, const int8_t *input, int8_t *output);
void ef_run_concatenation(const struct ef_concatenation *op, const int8_t *const *inputs, int8_t *output);
void ef_run_transposition(const struct ef_transposition *op, const int8_t *input, int8_t *output);
void ef_run_resize(const struct ef_resize *op, const int8_t *input, int8_t *output);
void ef_run_rows(const struct ef_rows *op, const int8_t *input, int8_t *output);
void ef_run_softmax(const struct ef_softmax *op, const int8_t *input, int8_t *output);
/* The first entry of the table is for -128. */
void ef_run_table(const int8_t *table, int32_t bytes, const int8_t *input, int8_t *output);

#endif
