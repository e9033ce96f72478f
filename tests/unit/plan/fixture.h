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

#endif
