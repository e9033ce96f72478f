/* The choice of the instruction set for the first pass of the scanner: best first, made once at run time. Any thread;
 * the choice is one atomic pointer to a row below. */
#include "core/json/index.h"

#include <stdatomic.h>

#include "core/json/scan.h"

struct isa {
    const char *name;
    json_index_fn *index;
    bool (*present)(void);
};

static bool always(void)
{
    return true;
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
}

static const struct isa isas[] = {
#ifdef __x86_64__
    {"avx512", json_index_avx512, has_avx512},
    {"avx2", json_index_avx2, has_avx2},
    {"sse2", json_index_sse2, always},
#endif
    {"portable", json_index_portable, always},
};
enum { ISA_COUNT = sizeof isas / sizeof isas[0] };

static _Atomic(const struct isa *) chosen;

static const struct isa *isa_get(void)
{
    const struct isa *isa = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (isa)
        return isa;
    isa = isas;
    while (!isa->present())
        isa++;
    atomic_store_explicit(&chosen, isa, memory_order_relaxed);
    return isa;
}

json_index_fn *json_index_get(void)
{
    return isa_get()->index;
}

const char *json_scan_isa(void)
{
    return isa_get()->name;
}

bool json_scan_force(const char *isa)
{
    for (int i = 0; i < ISA_COUNT; i++) {
        if (strcmp(isas[i].name, isa) == 0 && isas[i].present()) {
            atomic_store_explicit(&chosen, &isas[i], memory_order_relaxed);
            return true;
        }
    }
    return false;
}
