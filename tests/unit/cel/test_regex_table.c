/* Regular expressions against Go's regexp package, which is RE2's language: every pattern and input of
 * tests/data/regex/table.jsonl (made by table.go beside it). What is refused here and not there has its reason below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/cel/regex/regex.h"

/* Patterns that Go takes and we refuse. */
static const struct {
    const char *pattern;
    const char *reason;
} refused[] = {
    /* Go takes other spellings of Unicode's names than RE2 does */
    {"\\p{greek}", "unknown Unicode class `greek`; did you mean `Greek`?"},
    {"\\p{Letter}", "unknown Unicode class `Letter`"},
    /* what libhs cannot do */
    {"(?m)(^a\\n)*b", "^ and $ of lines cannot be translated inside a repetition"},
};

static bool is_refused(const char *pattern, const char *message)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcmp(refused[i].pattern, pattern) == 0) {
            assert_string_equal(refused[i].reason, message);
            return true;
        }
    }
    return false;
}

static struct vx_span span_of(const json_t *text)
{
    return vx_span(json_string_value(text), json_string_length(text));
}

/* Compares all inputs of a row; returns how many. */
static size_t compare(const struct cel_regex *regex, struct cel_scratch *scratch, const json_t *row)
{
    const json_t *inputs = json_object_get(row, "inputs");
    const char *match = json_string_value(json_object_get(row, "match"));
    size_t count = json_array_size(inputs);
    assert_int_equal(strlen(match), count);
    for (size_t i = 0; i < count; i++) {
        struct vx_span input = span_of(json_array_get(inputs, i));
        bool found = cel_regex_match(regex, scratch, input);
        if (found != (match[i] == '1'))
            fail_msg("`%.*s` on `%.*s`: %d, but %c in Go", VX_SPAN_ARG(regex->pattern), VX_SPAN_ARG(input), found,
                     match[i]);
        assert_int_equal(cel_regex_match(regex, NULL, input), found);
    }
    return count;
}

static void every_pattern_and_input_is_as_in_go(void **state)
{
    (void)state;
    FILE *file = fopen(VELTRIX_TEST_DATA "/regex/table.jsonl", "r");
    char *line = NULL;
    size_t room = 0, patterns = 0, cases = 0;
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    struct cel_scratch *scratch = cel_scratch_new();
    assert_non_null(file);
    while (getline(&line, &room, file) > 0) {
        const struct cel_regex *regex;
        struct cel_error error;
        json_error_t why;
        json_t *row = json_loads(line, JSON_ALLOW_NUL, &why);
        assert_non_null(row);
        struct vx_span pattern = span_of(json_object_get(row, "pattern"));
        const json_t *refusal = json_object_get(row, "error");
        patterns++;
        if (cel_regex_new(&arena, pattern, &regex, &error) != VX_OK) {
            if (!refusal && !is_refused(pattern.at, error.message))
                fail_msg("`%s` is refused, but not in Go: %s", pattern.at, error.message);
            assert_true(error.offset <= pattern.len && error.len >= 1);
        } else {
            if (refusal)
                fail_msg("`%s` is taken, but not in Go: %s", pattern.at, json_string_value(refusal));
            regex = cel_slots_regex(&slots, &arena, regex);
            struct cel_slots own = {0};
            cel_slots_regex(&own, &arena, regex);
            cel_scratch_fit(scratch, &own);
            cases += compare(regex, scratch, row);
            cel_slots_done(&own);
        }
        json_decref(row);
    }
    assert_true(patterns >= 350 && cases >= 12000);
    cel_scratch_free(scratch);
    cel_slots_done(&slots);
    vx_arena_done(&arena);
    free(line);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_pattern_and_input_is_as_in_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
