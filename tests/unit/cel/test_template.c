/* Text with `${…}` inside: what it gives, what is refused, what is known about it before any event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event.h"

static void text_and_expressions_alternate(void **state)
{
    (void)state;
    static const struct {
        const char *text, *event, *expected;
    } rows[] = {
        {"plain", "{}", "\"plain\""},
        {"", "{}", "\"\""},
        {"fraud-${event.country}", "{\"country\":\"de\"}", "\"fraud-de\""},
        {"${event.a}${event.b}", "{\"a\":1,\"b\":\"x\"}", "\"1x\""},
        {"${event.a}", "{\"a\":[1]}", "[1]"},
        {"${event.a}", "{\"a\":null}", "null"},
        {"${ event.a }", "{\"a\":1.5}", "1.5"},
        {" ${event.a}", "{\"a\":1.5}", "\" 1.5\""},
        {"a-${event.a}-b", "{\"a\":true}", "\"a-true-b\""},
        {"a-${event.a}-b", "{\"a\":2.0}", "\"a-2-b\""},
        {"a-${event.a}", "{\"a\":\"q\\\"\\u00e9\"}", "\"a-q\\\"\303\251\""},
        {"$${event.a}", "{}", "\"${event.a}\""},
        {"x$${y}${event.a}$${z}", "{\"a\":1}", "\"x${y}1${z}\""},
        {"$$${event.a}", "{\"a\":1}", "\"$${event.a}\""},
        {"$a $ {b} 5$", "{}", "\"$a $ {b} 5$\""},
        {"${{\"}\": event.a}[\"}\"]}!", "{\"a\":1}", "\"1!\""},
        {"${event.a == '}' ? \"{\" : r'}'}", "{\"a\":1}", "\"}\""},
        {"${'a' + \"b\"}-${1 + 1}-${topic}", "{}", "\"ab-2-games\""},
        {"t-${timestamp}", "{}", "\"t-2009-02-13T23:31:30.123Z\""},
        {"v-${value}", "{}", "\"v-{}\""},
        {"a-${event.b}", "{}", "error 10: no such key: b"},
        {"${event.b}", "{}", "error 8: no such key: b"},
        {"a-${event.b}", "{\"b\":null}", "error 4: null cannot be part of a text"},
        {"a-${event.b}", "{\"b\":1e400}", "error 4: NaN and infinity cannot be part of a text"},
        {"a-${event.b}", "{\"b\":{}}", "error 4: map cannot be part of a text"},
        {"a-${event.a}-${event.b}", "{\"a\":1,\"b\":[]}", "error 15: list cannot be part of a text"},
        {"a-${event.a}", NULL, "error 10: no event: the value is null"},
        {"${", "{}", "refused 0+2: `${` is not closed by `}`"},
        {"a ${event.a", "{}", "refused 2+2: `${` is not closed by `}`"},
        {"a ${event.a and it's", "{}", "refused 2+2: `${` is not closed by `}`"},
        {"a ${'event.a}", "{}", "refused 4+1: unterminated string"},
        {"a ${{1: 2}", "{}", "refused 2+2: `${` is not closed by `}`"},
        {"a ${}", "{}", "refused 2+3: `${}` holds no expression"},
        {"a ${  }", "{}", "refused 2+5: `${}` holds no expression"},
        {"a ${event.a +}", "{}", "refused 13+1: expected an expression after `+`"},
        {"a ${evnt.a}", "{}", "refused 4+4: unknown variable `evnt`; did you mean `event`?"},
        {"a ${event.a} ${topic + 1}", "{}",
         "refused 21+1: no matching overload for string + int; there is int + int, string + string"},
        {"a ${null}", "{}", "refused 4+4: null cannot be part of a text"},
        {"a ${headers}", "{}", "refused 4+7: map(string, string) cannot be part of a text"},
        {"a ${[event.a]}", "{}", "refused 4+9: list(dyn) cannot be part of a text"},
        {"${headers}", "{}", "{}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *got = template_text(rows[i].text, &(struct event){.json = rows[i].event});
        if (strcmp(got, rows[i].expected) != 0)
            print_error("%s\n", rows[i].text);
        assert_string_equal(got, rows[i].expected);
    }
}

static void bytes_in_a_text_must_be_utf8(void **state)
{
    (void)state;
    assert_string_equal(template_text("k-${key_bytes}", &(struct event){.json = "{}", .key = "\xff"}),
                        "error 4: bytes that are not UTF-8 cannot be part of a text");
    assert_string_equal(template_text("k-${key_bytes}", &(struct event){.json = "{}", .key = "abc"}), "\"k-abc\"");
    assert_string_equal(template_text("k-${key}", &(struct event){.json = "{}"}),
                        "error 4: null cannot be part of a text");
}

static void constants_prefixes_and_reads_are_known_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *text, *constant, *prefix;
        bool single, event, topic;
    } rows[] = {
        {"plain", "plain", "plain", false, false, false},
        {"", "", "", false, false, false},
        {"$${x}", "${x}", "${x}", false, false, false},
        {"a-${1 + 1}-b", "a-2-b", "a-2-b", false, false, false},
        {"fraud-${event.c}-x", NULL, "fraud-", false, true, false},
        {"a$${b}-${topic}", NULL, "a${b}-", false, false, true},
        {"${'x'}y${event.c}", NULL, "xy", false, true, false},
        {"${event.c}-x", NULL, "", false, true, false},
        {"${event.c}", NULL, "", true, true, false},
        {"${1}", NULL, "", true, false, false},
        {"${false && event.c == 1}", NULL, "", true, false, false},
        {"${topic}${event.c}", NULL, "", false, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vx_arena arena = {0};
        const struct cel_template *t;
        struct cel_error error;
        assert_int_equal(cel_template_parse(&arena, vx_span_str(rows[i].text), cel_env_event(), &t, &error), VX_OK);
        struct vx_span constant = cel_template_constant(t), prefix = cel_template_prefix(t);
        assert_int_equal(constant.at != NULL, rows[i].constant != NULL);
        assert_true(!rows[i].constant || vx_span_is(constant, rows[i].constant));
        assert_true(vx_span_is(prefix, rows[i].prefix));
        assert_int_equal(cel_template_single(t) != NULL, rows[i].single);
        assert_int_equal(cel_template_reads(t, "event"), rows[i].event);
        assert_int_equal(cel_template_reads(t, "topic"), rows[i].topic);
        vx_arena_done(&arena);
    }
}

static void count_slot(void *ctx, uint32_t slot)
{
    *(uint32_t *)ctx |= 1u << slot;
}

static void a_program_tells_its_slots(void **state)
{
    (void)state;
    struct vx_arena arena = {0};
    struct cel_slots slots = {0};
    struct cel_error error;
    const struct cel_template *t;
    uint32_t seen = 0;
    assert_int_equal(cel_template_parse(&arena, VX_SPAN_LITERAL("${event.a}-${event.b + event.a}-${has(event.c.d)}"),
                                        cel_env_event(), &t, &error),
                     VX_OK);
    cel_template_slots(cel_template_compile(&arena, t, &slots), count_slot, &seen);
    assert_int_equal(slots.count, 4); /* a, b, c.d and its parent c */
    assert_int_equal(seen, 15);
    cel_slots_done(&slots);
    vx_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_expressions_alternate),
        cmocka_unit_test(bytes_in_a_text_must_be_utf8),
        cmocka_unit_test(constants_prefixes_and_reads_are_known_at_load),
        cmocka_unit_test(a_program_tells_its_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
