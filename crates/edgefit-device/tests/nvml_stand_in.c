/*
 * A stand-in for NVML: the functions that edgefit asks, answered with fixed figures. The tests
 * build one library for each case, with these macros:
 *
 *   GPUS          how many GPUs are counted (1)
 *   NAME          name of every GPU
 *   FAIL_IN       functions that fail, by the beginning of their names
 *   FAIL_WITH     what they return
 *   FAIL_GPU      the one GPU for which they fail; all, if not given
 *   FILL          byte that fills every text, leaving no room for a NUL
 *   EVERY_NUMBER  what every number is
 *   FREE_BYTES    free memory
 *   REASONS       bits of what throttles
 *   PROCESS       the one process that runs on every GPU
 *
 * A function that is renamed, as by -DnvmlShutdown=absent, is a missing symbol.
 */
#include <string.h>

typedef struct gpu {
    unsigned index;
} *device_t;

typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} memory_t;

typedef struct {
    unsigned gpu, memory;
} utilization_t;

typedef struct {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
} process_t;

#ifndef GPUS
#define GPUS 1
#endif
#ifndef NAME
#define NAME "NVIDIA Stand-In"
#endif
#ifndef FAIL_IN
#define FAIL_IN "none"
#endif
#ifndef FAIL_WITH
#define FAIL_WITH 999
#endif
#ifndef FAIL_GPU
#define FAIL_GPU gpu
#endif
#ifdef EVERY_NUMBER
#define NUMBER(figure) EVERY_NUMBER
#else
#define NUMBER(figure) figure
#endif
#ifndef FREE_BYTES
#define FREE_BYTES NUMBER(5000000000)
#endif
#ifndef REASONS
#define REASONS 0x44
#endif

#ifndef PROCESS
#define PROCESS 4242
#endif

#define ANSWER(gpu)                                                                                \
    if (fails(__func__, gpu))                                                                      \
    return FAIL_WITH

static int fails(const char *function, unsigned gpu)
{
    return !strncmp(function, FAIL_IN, strlen(FAIL_IN)) && gpu == (FAIL_GPU);
}

static struct gpu gpus[256];

static int write_text(const char *text, char *room, unsigned length)
{
#ifdef FILL
    (void)text;
    memset(room, FILL, length);
#else
    strncpy(room, text, length);
#endif
    return 0;
}

int nvmlInit_v2(void)
{
    for (unsigned index = 0; index < 256; index++)
        gpus[index].index = index;
    ANSWER(0);
    return 0;
}

int nvmlShutdown(void)
{
    ANSWER(0);
    return 0;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    ANSWER(0);
    strncpy(version, "580.82.07", length);
    return 0;
}

int nvmlSystemGetNVMLVersion(char *version, unsigned length)
{
    ANSWER(0);
    return write_text("13.580.82.07", version, length);
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    if (!strcmp(FAIL_IN, __func__))
        return FAIL_WITH;
    *count = GPUS;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device_t *device)
{
    if (index > 255)
        return 2;
    if (!strcmp(FAIL_IN, __func__))
        ANSWER(index);
    *device = &gpus[index];
    return 0;
}

int nvmlDeviceGetName(device_t device, char *name, unsigned length)
{
    ANSWER(device->index);
    return write_text(NAME, name, length);
}

int nvmlDeviceGetUUID(device_t device, char *uuid, unsigned length)
{
    ANSWER(device->index);
    return write_text("GPU-00000000-1111-2222-3333-444444444444", uuid, length);
}

int nvmlDeviceGetCudaComputeCapability(device_t device, int *major, int *minor)
{
    ANSWER(device->index);
    *major = NUMBER(8);
    *minor = NUMBER(7);
    return 0;
}

int nvmlDeviceGetMemoryInfo_v2(device_t device, memory_t *memory)
{
    ANSWER(device->index);
    if (memory->version != (sizeof *memory | 2 << 24))
        return 25;
    memory->total = NUMBER(8000000000);
    memory->reserved = 0;
    memory->free = FREE_BYTES;
    memory->used = NUMBER(3000000000);
    return 0;
}

int nvmlDeviceGetClockInfo(device_t device, unsigned type, unsigned *clock)
{
    ANSWER(device->index);
    *clock = NUMBER(type == 0 ? 1410 : type == 2 ? 5001 : 0);
    return 0;
}

int nvmlDeviceGetMaxClockInfo(device_t device, unsigned type, unsigned *clock)
{
    ANSWER(device->index);
    *clock = NUMBER(type == 0 ? 1980 : type == 2 ? 7001 : 0);
    return 0;
}

int nvmlDeviceGetTotalEnergyConsumption(device_t device, unsigned long long *millijoules)
{
    static unsigned long long energy;
    ANSWER(device->index);
    *millijoules = energy += 500;
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(device_t device, unsigned *count, process_t *processes)
{
    ANSWER(device->index);
    if (*count < 1) {
        *count = 1;
        return 7;
    }
    *count = 1;
    processes[0] = (process_t){PROCESS, 700000000, -1, -1};
    return 0;
}

int nvmlDeviceGetUtilizationRates(device_t device, utilization_t *utilization)
{
    ANSWER(device->index);
    utilization->gpu = NUMBER(42);
    utilization->memory = NUMBER(17);
    return 0;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(device_t device, unsigned long long *reasons)
{
    ANSWER(device->index);
    *reasons = REASONS;
    return 0;
}

int nvmlDeviceGetTemperature(device_t device, unsigned sensor, unsigned *celsius)
{
    ANSWER(device->index);
    if (sensor)
        return 2;
    *celsius = NUMBER(61);
    return 0;
}

#define FIGURE(function, figure)                                                                   \
    int function(device_t device, unsigned *value)                                                 \
    {                                                                                              \
        ANSWER(device->index);                                                                     \
        *value = NUMBER(figure);                                                                   \
        return 0;                                                                                  \
    }

FIGURE(nvmlDeviceGetNumGpuCores, 1024)
FIGURE(nvmlDeviceGetPowerUsage, 123456)
FIGURE(nvmlDeviceGetEnforcedPowerLimit, 250000)
FIGURE(nvmlDeviceGetCurrPcieLinkGeneration, 3)
FIGURE(nvmlDeviceGetCurrPcieLinkWidth, 8)
FIGURE(nvmlDeviceGetMaxPcieLinkGeneration, 4)
FIGURE(nvmlDeviceGetMaxPcieLinkWidth, 16)
