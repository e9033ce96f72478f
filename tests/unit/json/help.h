/* What the tests of core/json share: paths written as text, random texts from a fixed seed, memory with a border that
 * must not be crossed. Each test program is one thread. */
#ifndef JSON_TEST_HELP_H
#define JSON_TEST_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/json/scan.h"

enum { HELP_STEPS_MAX = 16 };

struct help_path {
    struct json_step steps[HELP_STEPS_MAX];
    struct json_path path;
    char text[128];
};

/* `a.b[0].c`; a step that needs other characters than these is written `<any text>`. */
static inline struct json_path help_path(struct help_path *to, const char *text)
{
    size_t count = 0;
    snprintf(to->text, sizeof to->text, "%s", text);
    for (char *p = to->text; *p;) {
        assert_true(count < HELP_STEPS_MAX);
        struct json_step *step = &to->steps[count++];
        *step = (struct json_step){.is_index = *p == '['};
        if (*p == '.')
            p++;
        if (step->is_index) {
            step->index = (uint32_t)strtoul(p + 1, &p, 10);
            p++;
        } else {
            size_t len = *p == '<' ? strcspn(++p, ">") : strcspn(p, ".[");
            step->key = vx_span(p, len);
            p += len + (p[len] == '>');
        }
    }
    to->path = (struct json_path){to->steps, count};
    return to->path;
}

/* xorshift64*: the same numbers on every machine. */
static inline uint64_t help_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static inline size_t help_below(uint64_t *state, size_t limit)
{
    return (size_t)((help_random(state) >> 33) % limit);
}

/* A copy of `text` that ends where unreadable memory begins. One at a time. */
static inline struct vx_span help_guarded(const void *text, size_t len)
{
    static char *border;
    enum { ROOM_BYTES = 1 << 16 };
    if (!border) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *at = mmap(NULL, ROOM_BYTES + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(at != MAP_FAILED);
        border = at + page + ROOM_BYTES;
        assert_int_equal(mprotect(border, page, PROT_NONE), 0);
        assert_int_equal(mprotect(at, page, PROT_NONE), 0);
    }
    assert_true(len <= ROOM_BYTES);
    if (len)
        memcpy(border - len, text, len);
    return vx_span(border - len, len);
}

/* The same at the beginning: what stands before it cannot be read. `len` up to a page. */
static inline struct vx_span help_guarded_before(const void *text, size_t len)
{
    static char *begin;
    if (!begin) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(at != MAP_FAILED);
        assert_int_equal(mprotect(at, page, PROT_NONE), 0);
        begin = at + page;
    }
    if (len)
        memcpy(begin, text, len);
    return vx_span(begin, len);
}

static const char *const help_isas[] = {"avx512", "avx2", "sse2", "portable"};
enum { HELP_ISA_COUNT = sizeof help_isas / sizeof help_isas[0] };

#endif
