/* A function of each byte. */
#include "ef_kernels.h"

void ef_run_table(const int8_t *table, int32_t bytes, const int8_t *input, int8_t *output)
{
    int32_t at;
    for (at = 0; at < bytes; at++) {
        output[at] = table[(int32_t)input[at] + 128];
    }
}
