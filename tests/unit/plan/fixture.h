/* Tables from a YAML text, for the unit tests of core/plan. */
#ifndef VX_TESTS_UNIT_PLAN_FIXTURE_H
#define VX_TESTS_UNIT_PLAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/plan/decide.h"

static inline struct config_set *set_of(const char *yaml)
{
    struct config_source source = {"config.yaml", vx_span_str(yaml), 1};
    struct vx_diags diags = {0};
    struct vx_buf text = {0};
    struct config_set *set = NULL;
    if (config_load(&source, 1, &set, &diags)) {
        vx_diags_print(&diags, &text, false);
        fail_msg("%s", vx_buf_text(&text));
    }
    vx_diags_done(&diags);
    return set;
}

static inline struct table *table_of(const char *yaml)
{
    struct config_set *set = set_of(yaml);
    struct vx_diags diags = {0};
    struct table *t = NULL;
    assert_int_equal(table_new(set, 42, &t, &diags), VX_OK);
    assert_int_equal(diags.count, 0);
    config_set_free(set);
    vx_diags_done(&diags);
    return t;
}

/* A routing `r` of these conditions, all of which drop. */
static inline struct table *table_of_conditions(const char *const *conditions, size_t count, bool all)
{
    struct vx_buf yaml = {0};
    vx_buf_printf(&yaml, "kind: routing\nname: r\ntopics: [in]\n%srules:\n", all ? "match: all\n" : "");
    for (size_t i = 0; i < count; i++)
        vx_buf_printf(&yaml, "  - { name: r%zu, when: '%s', drop: true }\n", i, conditions[i]);
    vx_buf_str(&yaml, "otherwise: { drop: true }\n");
    struct table *t = table_of(vx_buf_text(&yaml));
    vx_buf_done(&yaml);
    return t;
}

/* The event of this value on the topic `in`. */
static inline struct decision decide_value(struct decider *d, const struct table *t, struct vx_span value)
{
    struct cel_event ev = {.topic = VX_SPAN_LITERAL("in"), .value = value};
    struct decision out;
    decide(d, t, &ev, &out);
    return out;
}

#endif
