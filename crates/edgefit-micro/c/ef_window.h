/* Which elements of a window lie within the image. */
#ifndef EF_WINDOW_H
#define EF_WINDOW_H

#include <stdint.h>

/* Elements of a window along one axis: those from first until before end are within the image. */
struct ef_span {
    int32_t start; /* place of element 0, which may lie before the image */
    int32_t first;
    int32_t end;
};

static inline struct ef_span ef_inside(const struct ef_window *window, int32_t axis, int32_t at, int32_t size)
{
    struct ef_span span;
    const int32_t dilation = window->dilation[axis];
    span.start = (at * window->stride[axis]) - window->before[axis];
    span.first = 0;
    span.end = window->kernel[axis];
    if (span.start < 0) {
        span.first = (dilation - 1 - span.start) / dilation;
    }
    if ((span.start + ((span.end - 1) * dilation)) >= size) {
        span.end = (span.start < size) ? ((size - span.start + dilation - 1) / dilation) : 0;
    }
    if (span.end < span.first) {
        span.end = span.first;
    }
    return span;
}

#endif
