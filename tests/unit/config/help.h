/* What the tests of core/config share: loading a text, reading a file, a small random generator. */
#ifndef VX_TEST_CONFIG_HELP_H
#define VX_TEST_CONFIG_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/config/config.h"

/* Loads one text as a release; NULL when it is refused. With `found`, the findings are appended as text. */
static inline struct config_set *load_config(struct vx_span text, struct vx_buf *found)
{
    struct config_source source = {"test.yaml", text, 1};
    struct config_set *set = NULL;
    struct vx_diags diags = {0};
    enum vx_status status = config_load(&source, 1, &set, &diags);
    assert_true((status == VX_OK) == (set != NULL));
    assert_true((status == VX_OK) == (diags.error_count == 0));
    if (found)
        vx_diags_print(&diags, found, false);
    vx_diags_done(&diags);
    return set;
}

/* The same for a text that must be right. */
static inline struct config_set *load_good(const char *text)
{
    struct vx_buf found = {0};
    struct config_set *set = load_config(vx_span_str(text), &found);
    if (!set)
        print_message("%s", vx_buf_text(&found));
    assert_non_null(set);
    vx_buf_done(&found);
    return set;
}

/* The findings of a text, which the caller frees. */
static inline char *findings(const char *text)
{
    struct vx_buf found = {0};
    config_set_free(load_config(vx_span_str(text), &found));
    return vx_buf_take(&found);
}

static inline bool read_whole(const char *path, struct vx_buf *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    for (size_t got = 1; got > 0; out->len += got)
        got = fread(vx_buf_reserve(out, 65536), 1, 65536, file);
    fclose(file);
    vx_buf_str(out, "");
    return true;
}

/* xorshift64 (G. Marsaglia 2003): the same sequence on every machine. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(random_next(state) >> 33) % limit;
}

#endif
