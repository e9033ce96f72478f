/* A pattern, a zero byte, a subject: the pattern is refused with a place inside of it, or it finds what a slow matcher
 * finds, alone and in a set with another one. */
#include "core/base/utf8.h"
#include "core/cel/regex/regex.h"
#include "matcher.h"

/* libhs takes its time with large patterns. */
enum { PATTERN_MAX = 200, SUBJECT_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_match(void *ctx, uint32_t number)
{
    uint32_t *seen = ctx;
    vx_assert(number < 2 && !(*seen & 1u << number));
    *seen |= 1u << number;
}

static bool in_set(struct vx_arena *arena, const struct cel_regex *regex, struct vx_span subject)
{
    struct cel_slots slots = {0};
    struct cel_scratch *scratch = cel_scratch_new();
    const struct cel_regex *regexes[2];
    uint32_t seen = 0;
    vx_assert(cel_regex_new(arena, VX_SPAN_LITERAL("[bc]"), &regexes[1], NULL) == VX_OK);
    regexes[0] = cel_slots_regex(&slots, arena, regex);
    regexes[1] = cel_slots_regex(&slots, arena, regexes[1]);
    const struct cel_regex_set *set = cel_regex_set_new(&slots, regexes, 2);
    cel_scratch_fit(scratch, &slots);
    cel_regex_set_scan(set, scratch, subject, on_match, &seen);
    vx_assert((seen & 1) == cel_regex_match(regexes[0], scratch, subject));
    vx_assert(seen >> 1 == cel_regex_match(regexes[1], scratch, subject) || regexes[0] == regexes[1]);
    cel_scratch_free(scratch);
    cel_slots_done(&slots);
    return seen & 1;
}

static void compare(struct vx_arena *arena, const struct cel_regex *regex, struct vx_span subject)
{
    struct cel_error error;
    struct vx_span literal;
    bool expected;
    const struct regex_node *node = regex_parse(arena, regex->pattern, &error);
    vx_assert(node != NULL);
    enum cel_regex_plain plain = cel_regex_classify(arena, regex->pattern, &literal);
    vx_assert(plain == regex->plain || regex->plain == CEL_REGEX_NEVER || regex->plain == CEL_REGEX_ALWAYS);
    if (!matcher_search(node, subject, &expected))
        return;
    vx_assert(cel_regex_match(regex, NULL, subject) == expected);
    if (regex->pattern.len % 4 == 0) /* compiling it again takes time */
        vx_assert(in_set(arena, regex, subject) == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vx_arena arena = {0};
    struct cel_error error = {0};
    const struct cel_regex *regex;
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    struct vx_span pattern = vx_span((const char *)data, zero ? (size_t)(zero - data) : size);
    struct vx_span subject = zero ? vx_span((const char *)zero + 1, size - pattern.len - 1) : vx_span("", 0);
    if (pattern.len > PATTERN_MAX || subject.len > SUBJECT_MAX || !vx_utf8_valid(subject))
        return 0;
    if (cel_regex_new(&arena, pattern, &regex, &error) == VX_OK) {
        compare(&arena, regex, subject);
    } else {
        vx_assert(error.offset <= pattern.len && error.len >= 1 && error.offset + error.len <= pattern.len + 1);
        vx_assert(error.message[0]);
    }
    vx_arena_done(&arena);
    return 0;
}
