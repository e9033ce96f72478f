/* Random rule sets and events for the rule index, and what finds out whether it agrees with the plain loop: for the
 * property test and the fuzzer. A case that fails is made small and printed as a golden folder. One thread. */
#ifndef VX_TESTS_UNIT_PLAN_INDEX_CASE_H
#define VX_TESTS_UNIT_PLAN_INDEX_CASE_H

#include "core/base/buf.h"

/* Where decisions come from: bytes first (a fuzzer's), then a generator with `seed`; with seed 0 zeroes. */
struct index_draw {
    const uint8_t *at, *end;
    uint64_t seed;
};

/* Makes a rule set of up to `rules_max` rules, and asks index and loop about `events` events. True when they agree; false
 * with the failure, made small, as a golden folder in `report`. *cases counts questions. */
bool index_case_run(struct index_draw *draw, uint32_t rules_max, uint32_t events, struct vx_buf *report,
                    uint64_t *cases);

#endif
