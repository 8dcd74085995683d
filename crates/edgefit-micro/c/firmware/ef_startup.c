/* What runs before main on a Cortex-M or a 32-bit RISC-V: where the core begins, and memory as C expects it. */
#include <stdint.h>

/* Places that the linker script names. */
extern void ef_stack_top(void);
extern const uint32_t ef_data_load;
extern uint32_t ef_data_start;
extern uint32_t ef_data_end;
extern uint32_t ef_bss_start;
extern uint32_t ef_bss_end;

int main(void);
void ef_reset(void);
/* RISC-V wants the place that faults go to at a multiple of four. */
void ef_stop(void) __attribute__((aligned(4)));

/* Nothing goes on from here. */
__attribute__((weak)) void ef_stop(void)
{
    for (;;) {
    }
}

void ef_reset(void)
{
    const uint32_t *from = &ef_data_load;
    uint32_t *to;
    for (to = &ef_data_start; to < &ef_data_end; to++) {
        *to = *from;
        from++;
    }
    for (to = &ef_bss_start; to < &ef_bss_end; to++) {
        *to = 0U;
    }
    (void)main();
    ef_stop();
}

#if defined(__riscv)
void ef_begin(void);

/* The first instructions: a stack, and a place for faults. */
__attribute__((naked, section(".vectors"), used)) void ef_begin(void)
{
    __asm__ volatile(".option push\n"
                     ".option arch, +zicsr\n"
                     "la sp, ef_stack_top\n"
                     "la t0, ef_stop\n"
                     "csrw mtvec, t0\n"
                     ".option pop\n"
                     "tail ef_reset");
}
#else
__attribute__((section(".vectors"), used)) void (*const ef_vectors[16])(void) = {
    ef_stack_top, ef_reset, ef_stop, ef_stop, ef_stop, ef_stop, ef_stop, ef_stop,
    ef_stop,      ef_stop,  ef_stop, ef_stop, ef_stop, ef_stop, ef_stop, ef_stop};
#endif
