/* Tables of function calls and what they give. Every row runs three times: folded by the checker, evaluated as it
 * stands by the evaluator, and with each string literal as an escaped string of an event (is_json), which has to be
 * decoded.
 *
 *     {"'tacocat'.charAt(3)", "\"o\""}          the value, as a CEL literal
 *     {"'tacocat'.charAt(9)", "error: index…"}  it fails, with these words
 */
#ifndef VX_TEST_CEL_FUNCTIONS_H
#define VX_TEST_CEL_FUNCTIONS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event.h"

struct function_row {
    const char *expr, *expected;
};

void check_functions(const struct function_row *rows, size_t count);
#define CHECK(rows) check_functions(rows, sizeof rows / sizeof *rows)

/* What `expr` gives, with the place of an error left out; folded or not. Owned by the harness until the next call. */
const char *give_text(const char *expr, bool folded);

#endif
