/* Every message that core/config can print is printed by a case of tests/bad, or asserted by a test beside this one: the
 * sources are searched for literals that are sentences, and each must be found there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"

static void read_into(const char *path, struct vx_buf *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    for (size_t got = 1; got > 0; out->len += got)
        got = fread(vx_buf_reserve(out, 65536), 1, 65536, file);
    fclose(file);
    vx_buf_str(out, "\n");
}

/* All that the cases print, and the tests that assert messages of limits and folders. */
static void read_corpus(struct vx_buf *out)
{
    char path[1024];
    DIR *dir = opendir(VELTRIX_SOURCE_DIR "/tests/bad");
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/tests/bad/%s/expected.txt", VELTRIX_SOURCE_DIR, entry->d_name);
        read_into(path, out);
    }
    closedir(dir);
    read_into(VELTRIX_SOURCE_DIR "/tests/unit/config/test_limits.c", out);
    read_into(VELTRIX_SOURCE_DIR "/tests/unit/config/test_folder.c", out);
    read_into(VELTRIX_SOURCE_DIR "/tests/unit/config/test_settings.c", out);
}

/* Takes the string literal at *p (behind its opening quote), adjacent ones included; moves *p behind. */
static void literal(const char **p, struct vx_buf *out)
{
    const char *at = *p;
    for (;;) {
        while (*at && *at != '"') {
            if (*at == '\\') {
                at++;
                vx_buf_char(out, *at == 'n' ? '\n' : *at == 't' ? '\t' : *at);
            } else {
                vx_buf_char(out, *at);
            }
            at++;
        }
        at++;
        const char *next = at;
        while (*next == ' ' || *next == '\n')
            next++;
        if (*next != '"')
            break;
        at = next + 1;
    }
    *p = at;
}

static bool is_sentence(const char *text)
{
    int words = 1;
    for (const char *p = text; *p; p++)
        words += *p == ' ' && p[1] >= 'a' && p[1] <= 'z';
    return words >= 3;
}

/* The longest part of a format between its conversions. */
static struct vx_span fixed_part(const char *format)
{
    struct vx_span best = {format, 0};
    for (const char *begin = format; *begin;) {
        const char *end = begin + strcspn(begin, "%");
        if ((size_t)(end - begin) > best.len)
            best = vx_span(begin, (size_t)(end - begin));
        if (!*end)
            break;
        end++;
        end += strspn(end, ".*0123456789+-");
        while (*end == 'l' || *end == 'z')
            end++;
        begin = *end ? end + 1 : end;
    }
    return best;
}

/* Words of libyaml and libconfuse that the sources look for; and what is said when libconfuse fails without a word, for
 * which no input is known. */
static const char *const libraries[] = {"no such option", "mapping values are not allowed",
                                        "found unexpected end of stream",
                                        "is not a settings file: lines of `key = value` and `section { ... }`"};

static int check_file(const char *name, const struct vx_buf *corpus)
{
    char path[1024];
    struct vx_buf source = {0};
    int missing = 0;
    snprintf(path, sizeof path, "%s/core/config/%s", VELTRIX_SOURCE_DIR, name);
    read_into(path, &source);
    bool comment = false;
    for (const char *p = vx_buf_text(&source); *p;) {
        if (p[0] == '/' && p[1] == '*')
            comment = true;
        if (p[0] == '*' && p[1] == '/')
            comment = false;
        if (*p == '\'' && !comment) {
            p += p[1] == '\\' ? 4 : 3;
            continue;
        }
        if (*p++ != '"' || comment)
            continue;
        struct vx_buf text = {0};
        literal(&p, &text);
        struct vx_span part = fixed_part(vx_buf_text(&text));
        for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
            if (strcmp(vx_buf_text(&text), libraries[i]) == 0)
                vx_buf_clear(&text);
        }
        if (is_sentence(vx_buf_text(&text)) && !memmem(corpus->at, corpus->len, part.at, part.len)) {
            print_message("%s: no case prints \"%s\"\n", name, vx_buf_text(&text));
            missing++;
        }
        vx_buf_done(&text);
    }
    vx_buf_done(&source);
    return missing;
}

static void every_message_has_a_case(void **state)
{
    (void)state;
    /* not messages: help texts of rows and the schema, the diff for people */
    static const char *const others[] = {"tables.c",         "tables_test.c", "diff_print.c",
                                         "settings_print.c", "schema.c",      "settings_shared.c"};
    struct vx_buf corpus = {0};
    int missing = 0, files = 0;
    read_corpus(&corpus);
    DIR *dir = opendir(VELTRIX_SOURCE_DIR "/core/config");
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        bool skip = !vx_span_ends_with(vx_span_str(entry->d_name), VX_SPAN_LITERAL(".c"));
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            skip |= strcmp(entry->d_name, others[i]) == 0;
        if (skip)
            continue;
        missing += check_file(entry->d_name, &corpus);
        files++;
    }
    closedir(dir);
    vx_buf_done(&corpus);
    assert_true(files > 15);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_message_has_a_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
