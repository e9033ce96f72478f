/* The rule index against the plain loop: the input decides which rules and events are made (tests/unit/plan/index_case.h).
 * What disagrees is printed as a golden folder. */
#include <stdio.h>

#include "core/base/err.h"
#include "core/base/hash.h"
#include "index_case.h"

enum { RULES = 40, EVENTS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vx_buf report = {0};
    uint64_t cases = 0, hash = vx_hash64(vx_span((const char *)data, size));
    struct index_draw draw = {data, data + size, hash | 1}; /* what the input leaves open follows from it too */
    if (!index_case_run(&draw, RULES, EVENTS, &report, &cases)) {
        fprintf(stderr, "%s", vx_buf_text(&report));
        vx_die(__FILE__, __LINE__, "index and loop agree");
    }
    vx_buf_done(&report);
    return 0;
}
