/* A test's event and what an expression makes of it, as one line of text:
 *
 *     42                                  the value, as a CEL literal
 *     error 6: no such key: amount        the evaluation failed, at byte 6
 *     refused 6+3: unknown variable …     it was refused at load, bytes 6 to 9
 */
#ifndef VX_TEST_CEL_EVENT_H
#define VX_TEST_CEL_EVENT_H

#include "core/cel/cel.h"
#include "core/cel/template.h"

struct event {
    const char *json; /* NULL: a tombstone */
    const char *key;  /* NULL: none */
    const struct cel_header *headers;
    size_t header_count;
};

/* The expression's value; owned by the harness until the next call. */
const char *eval_text(const char *text, const struct event *ev);
/* The same for a text with `${…}` inside. */
const char *template_text(const char *text, const struct event *ev);
/* Only the error of loading, or "ok"; `len` bytes of text. */
const char *load_text(const char *text, size_t len);
/* As a condition: "true", "false" or "failed". */
const char *test_text(const char *text, const struct event *ev);

#endif
