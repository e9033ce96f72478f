/* `veltrix explain`: options in, an explanation out, exit codes. What an explanation says is tests/unit/plan/test_explain.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "program.h"

static const char config[] = "kind: routing\n"
                             "name: r\n"
                             "topics: [in]\n"
                             "rules:\n"
                             "  - { name: big, when: event.amount >= 1000, pipeline: p }\n"
                             "  - { name: eu, when: 'headers.region == \"eu\" && key == \"k\"', drop: true }\n"
                             "otherwise: { dead_letter: true }\n"
                             "dead_letter: in.dlq\n"
                             "---\n"
                             "kind: processing\n"
                             "name: p\n"
                             "stages:\n"
                             "  - emit: { topic: out }\n";

#define BIG                                                                                                            \
    "event of in, without a key, 15 bytes\n"                                                                           \
    "\n"                                                                                                               \
    "routing r: the first rule that matches\n"                                                                         \
    "  matches    big  event.amount >= 1000\n"                                                                         \
    "                    event.amount = 1200 → true\n"                                                               \
    "  not asked  eu\n"                                                                                                \
    "\n"                                                                                                               \
    "→ rule big: pipeline p\n"                                                                                       \
    "\n"                                                                                                               \
    "pipeline p\n"                                                                                                     \
    "  1  emit       out, without a key\n"                                                                             \
    "\n"                                                                                                               \
    "emitted, 1 record\n"                                                                                              \
    "  out, without a key\n"                                                                                           \
    "    {\"amount\":1200}\n"

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, program_dir());
    char path[128];
    static const char *const folders[] = {"one", "two", "bad"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        mkdir(path, 0700);
    }
    program_write(dir, "one/r.yaml", config);
    program_write(dir, "two/r.yaml", config);
    program_write(dir, "two/s.yaml", "{ kind: routing, name: s, topics: [more], otherwise: { drop: true } }\n");
    program_write(dir, "bad/r.yaml", "kind: rooting\nname: r\n");
    program_write(dir, "big.json", "{\"amount\":1200}\r\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_clean(dir);
    return 0;
}

static void the_event_is_what_the_options_say(void **state)
{
    (void)state;
    static const struct {
        const char *command;
        int code;
        const char *out, *err; /* NULL: not compared */
    } cases[] = {
        {"veltrix explain one --event big.json", 0, BIG, ""},
        {"veltrix explain one -t in -e - < big.json", 0, BIG, ""},
        {"veltrix explain two --topic in -e big.json", 0, BIG, ""},
        {"veltrix explain one --key k --header region=us --header region=eu", 0,
         "event of in, key \"k\", a tombstone\n"
         "\n"
         "routing r: the first rule that matches\n"
         "  fails      big  event.amount >= 1000\n"
         "                    event.amount: no event: the value is null\n"
         "  matches    eu   headers.region == \"eu\" && key == \"k\"\n"
         "                    headers.region = \"eu\" → true\n"
         "                    key = \"k\" → true\n"
         "\n"
         "→ rule eu: drop\n"
         "\n"
         "dropped: nothing comes out\n",
         ""},
        {"veltrix explain two --topic more -o json", 0,
         "{\"topic\":\"more\",\"steps\":[{\"routing\":\"s\",\"match\":\"first\",\"rules\":[]},"
         "{\"takes\":{\"routing\":\"s\",\"rule\":null,\"drop\":true}}],"
         "\"decision\":{\"n\":0,\"topic\":\"more\",\"rule\":null,\"outcome\":\"dropped\",\"pipelines\":[],"
         "\"outputs\":[],\"error\":null}}\n",
         ""},
        {"veltrix explain one --color=always -e big.json | grep -c $(printf '\\033')", 0, NULL, ""},
        {"veltrix explain two", 2, "",
         "veltrix: explain: of which topic are the events? Name one with --topic: in, more\n"},
        {"veltrix explain one --topic im", 2, "",
         "veltrix: explain: no routing has the topic `im`; did you mean `in`?\n"},
        {"veltrix explain one --event nosuch", 2, "", "veltrix: nosuch cannot be read: No such file or directory\n"},
        {"veltrix explain one --header =x", 2, "", "veltrix: --header is NAME=VALUE, not `=x`\n"},
        {"veltrix explain one --header region", 2, "", "veltrix: --header is NAME=VALUE, not `region`\n"},
        {"veltrix explain bad", 1, "", NULL},
        {"veltrix explain nosuch", 2, "", NULL},
        {"veltrix explain @x --fleet f", 2, "",
         "veltrix: `@x` is not a release; a release is written @42, and @running is the one in force\n"},
        {"veltrix --server http://127.0.0.1:1 explain @1 --fleet f", 2, "", NULL},
        {"veltrix explain", 2, "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct program_result *r = program_run(dir, cases[i].command);
        if (r->code != cases[i].code || (cases[i].out && strcmp(r->out, cases[i].out) != 0) ||
            (cases[i].err && strcmp(r->err, cases[i].err) != 0))
            fail_msg("%s\n--- exit %d, want %d\n--- stdout\n%s--- stderr\n%s", cases[i].command, r->code, cases[i].code,
                     r->out, r->err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_event_is_what_the_options_say),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
