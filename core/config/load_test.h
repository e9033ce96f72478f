/* Test documents: their rows and how they are loaded. Private to core/config. */
#ifndef VX_CONFIG_LOAD_TEST_H
#define VX_CONFIG_LOAD_TEST_H

#include "core/config/load.h"
#include "core/config/tests.h"

/* What several keys fill, before it is known to be one of them. */
struct test_bytes {
    const struct config_node *node; /* NULL: not given */
    struct vx_span bytes;           /* at == NULL: null */
};
struct test_headers {
    struct cel_header *at;
    size_t count;
};
struct test_event {
    struct test_bytes value, key;
    struct test_headers headers;
    int64_t timestamp_ms, partition, offset;
};
struct test_output {
    const char *topic;
    struct test_bytes value, key;
    struct test_headers headers;
};

extern const struct vx_field config_test_rows[]; /* of a whole document */

load_fn load_given_json, load_given_text, load_given_base64, load_test_headers;
load_fn load_given, load_expect, load_outputs, load_expected_dead_letter, load_cases;

/* What rows cannot say of a document, after its rows are loaded; then `test` has its cases. */
void load_test(struct loader *l, const struct config_node *root, struct config_test *test);
/* Tests of a set: names that come twice, topics and rules that are not there. */
void check_tests(struct loader *l, const struct config_set *set);

#endif
