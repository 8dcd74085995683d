/* Runs the samples of a file in an emulator, by semihosting: input.bin in, output.bin out, and for each sample the
   ticks of a timer, or the instructions that the core counts, in 64 bits in ticks.bin. */
#include "NAME.h"

/* Operations of semihosting. */
#define OPEN 1
#define WRITE 5
#define READ 6
#define EXIT 24

/* Modes of fopen. */
#define READ_BINARY 1
#define WRITE_BINARY 5

/* Reasons to exit. */
#define DONE 0x20026
#define FAILED 0x20023

void ef_stop(void) __attribute__((aligned(4)));

#if defined(__riscv)
static intptr_t ask(intptr_t operation, const void *arguments)
{
    register intptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;
    __asm__ volatile(".option push\n"
                     ".option norvc\n"
                     ".balign 16\n"
                     "slli x0, x0, 0x1f\n"
                     "ebreak\n"
                     "srai x0, x0, 7\n"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

static void start_counting(void)
{
}

typedef uint64_t ef_count;

/* Both halves, once more where the lower one ran over between them. */
static ef_count counted(void)
{
    uint32_t upper;
    uint32_t lower;
    uint32_t again;
    do {
        __asm__ volatile(".option push\n"
                         ".option arch, +zicsr\n"
                         "csrr %0, minstreth\n"
                         "csrr %1, minstret\n"
                         "csrr %2, minstreth\n"
                         ".option pop"
                         : "=r"(upper), "=r"(lower), "=r"(again));
    } while (upper != again);
    return ((ef_count)upper << 32) | lower;
}
#else
/* The first timer of Arm's design kit: it counts down. */
struct timer {
    volatile uint32_t control;
    volatile uint32_t value;
    volatile uint32_t reload;
};

#define TIMER ((struct timer *)EF_TIMER)

static void start_counting(void)
{
    TIMER->reload = UINT32_MAX;
    TIMER->value = UINT32_MAX;
    TIMER->control = 1U;
}

/* It runs over at the same place as the timer. */
typedef uint32_t ef_count;

static ef_count counted(void)
{
    return UINT32_MAX - TIMER->value;
}

static intptr_t ask(intptr_t operation, const void *arguments)
{
    register intptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
#endif

/* A fault ends here. */
void ef_stop(void)
{
    (void)ask(EXIT, (const void *)FAILED);
    for (;;) {
    }
}

static intptr_t open_file(const char *name, intptr_t letters, intptr_t mode)
{
    intptr_t arguments[3];
    arguments[0] = (intptr_t)name;
    arguments[1] = mode;
    arguments[2] = letters;
    return ask(OPEN, arguments);
}

/* Bytes that were not read or written. */
static intptr_t move(intptr_t operation, intptr_t file, const void *bytes, intptr_t count)
{
    intptr_t arguments[3];
    arguments[0] = file;
    arguments[1] = (intptr_t)bytes;
    arguments[2] = count;
    return ask(operation, arguments);
}

#if defined(UPPER_INPUT_PARTS)
static int8_t sample[UPPER_INPUT_BYTES];

static void give(void *context, const struct NAME_part *part, int8_t *to)
{
    const int32_t bytes = part->width * UPPER_INPUT_CHANNELS;
    int32_t row;
    (void)context;
    for (row = 0; row < part->height; row++) {
        const int32_t first = ((part->row + row) * UPPER_INPUT_WIDTH) + part->column;
        int32_t at;
        for (at = 0; at < bytes; at++) {
            to[(row * bytes) + at] = sample[(first * UPPER_INPUT_CHANNELS) + at];
        }
    }
}
#endif

int main(void)
{
    int8_t *input;
    const int8_t *output;
    const intptr_t from = open_file("input.bin", 9, READ_BINARY);
    const intptr_t to = open_file("output.bin", 10, WRITE_BINARY);
    const intptr_t ticks = open_file("ticks.bin", 9, WRITE_BINARY);
#if defined(UPPER_INPUT_PARTS)
    input = sample;
    NAME_init(&output);
#else
    NAME_init(&input, &output);
#endif
    if ((from < 0) || (to < 0) || (ticks < 0)) {
        ef_stop();
    }
    start_counting();
    while (move(READ, from, input, UPPER_INPUT_BYTES) == 0) {
        const ef_count start = counted();
        uint64_t passed;
#if defined(UPPER_INPUT_PARTS)
        NAME_run(give, (void *)0);
#else
        NAME_run();
#endif
        passed = (ef_count)(counted() - start);
        if (move(WRITE, to, output, UPPER_OUTPUT_BYTES) != 0) {
            ef_stop();
        }
        if (move(WRITE, ticks, &passed, 8) != 0) {
            ef_stop();
        }
    }
    (void)ask(EXIT, (const void *)DONE);
    return 0;
}
