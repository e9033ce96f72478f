/* What a row of a field table means: which texts it takes, what it stores, how it is described.
 *
 * Both syntaxes (libyaml for configs, libconfuse for settings) come here for every scalar, so that a duration or a name
 * is spelled the same way in all files. Load-time only; any one thread; no state.
 */
#include "core/config/field.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/base/diag.h"
#include "core/base/utf8.h"

enum { NAMES_MAX = 64 };

const struct vx_field *field_find(const struct vx_field *fields, struct vx_span name)
{
    for (; fields->name; fields++) {
        if (vx_span_is(name, fields->name))
            return fields;
    }
    return NULL;
}

const char *field_nearest(const struct vx_field *fields, struct vx_span name)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (; fields->name && count < NAMES_MAX; fields++) {
        if (fields->type != VX_FIELD_LATER)
            names[count++] = fields->name;
    }
    return vx_nearest(name, names, count);
}

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool field_name_valid(struct vx_span name)
{
    if (name.len == 0 || name.len > VX_NAME_MAX_BYTES || strchr("._-", name.at[0]))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!name_byte(name.at[i]))
            return false;
    }
    return true;
}

bool field_topic_valid(struct vx_span topic)
{
    if (topic.len == 0 || topic.len > VX_TOPIC_MAX_BYTES || vx_span_is(topic, ".") || vx_span_is(topic, ".."))
        return false;
    for (size_t i = 0; i < topic.len; i++) {
        if (!name_byte(topic.at[i]) && !(topic.at[i] >= 'A' && topic.at[i] <= 'Z'))
            return false;
    }
    return true;
}

/* A decimal int64 and nothing else; `used` is how many bytes it took. */
static bool load_int(struct vx_span text, int64_t *out, size_t *used)
{
    char digits[24];
    size_t n = 0;
    while (n < text.len && ((text.at[n] >= '0' && text.at[n] <= '9') || (n == 0 && text.at[0] == '-')))
        n++;
    if (n == 0 || n >= sizeof digits || text.at[n - 1] == '-')
        return false;
    memcpy(digits, text.at, n);
    digits[n] = 0;
    errno = 0;
    long long value = strtoll(digits, NULL, 10);
    if (errno)
        return false;
    *out = value;
    *used = n;
    return true;
}

static const struct {
    const char *unit;
    int64_t ms;
} units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

bool field_duration_load(struct vx_span text, int64_t *ms)
{
    int64_t value;
    size_t used;
    if (!load_int(text, &value, &used) || value < 0)
        return false;
    struct vx_span unit = vx_span(text.at + used, text.len - used);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!vx_span_is(unit, units[i].unit))
            continue;
        if (__builtin_mul_overflow(value, units[i].ms, &value))
            return false;
        *ms = value;
        return true;
    }
    return false;
}

void field_duration_print(int64_t ms, struct vx_buf *out)
{
    size_t i = 0;
    while (ms == 0 ? i < 2 : ms % units[i].ms != 0)
        i++;
    vx_buf_printf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
}

static bool in_range(const struct vx_field *field, int64_t value)
{
    return (field->min == 0 && field->max == 0) || (value >= field->min && value <= field->max);
}

static bool load_list(const struct vx_field *field, struct vx_span text, struct vx_arena *arena, struct vx_strings *out)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == ',';
    struct vx_strings list = {VX_ARENA_ARRAY(arena, const char *, count), 0};
    for (size_t begin = 0; begin < text.len;) {
        size_t end = begin;
        while (end < text.len && text.at[end] != ',')
            end++;
        struct vx_span item = vx_span(text.at + begin, end - begin);
        if (field->type == VX_FIELD_TOPICS && !field_topic_valid(item))
            return false;
        list.at[list.count++] = vx_arena_span(arena, item).at;
        begin = end + 1;
    }
    *out = list;
    return true;
}

bool field_load(const struct vx_field *field, struct vx_span text, struct vx_arena *arena, void *base)
{
    void *member = (char *)base + field->offset;
    int64_t number;
    size_t used;
    switch (field->type) {
    case VX_FIELD_NAME:
    case VX_FIELD_TOPIC:
    case VX_FIELD_STRING:
        if ((field->type == VX_FIELD_NAME && !field_name_valid(text)) ||
            (field->type == VX_FIELD_TOPIC && !field_topic_valid(text)) || !vx_utf8_valid(text) ||
            (text.len && memchr(text.at, 0, text.len)))
            return false;
        *(const char **)member = vx_arena_span(arena, text).at;
        return true;
    case VX_FIELD_BOOL:
        if (!vx_span_is(text, "true") && !vx_span_is(text, "false"))
            return false;
        *(bool *)member = vx_span_is(text, "true");
        return true;
    case VX_FIELD_INT:
        if (!load_int(text, &number, &used) || used != text.len || !in_range(field, number))
            return false;
        *(int64_t *)member = number;
        return true;
    case VX_FIELD_DURATION:
        if (!field_duration_load(text, &number) || !in_range(field, number))
            return false;
        *(int64_t *)member = number;
        return true;
    case VX_FIELD_ENUM:
        for (int i = 0; field->choices[i]; i++) {
            if (vx_span_is(text, field->choices[i])) {
                *(int *)member = i;
                return true;
            }
        }
        return false;
    case VX_FIELD_STRINGS:
    case VX_FIELD_TOPICS:
        return load_list(field, text, arena, member);
    default:
        return false;
    }
}

void field_defaults(const struct vx_field *fields, struct vx_arena *arena, void *base)
{
    for (; fields->name; fields++) {
        if (fields->type == VX_FIELD_SECTION)
            field_defaults(fields->section, arena, (char *)base + fields->offset);
        else if (fields->fallback)
            vx_assert(field_load(fields, vx_span_str(fields->fallback), arena, base));
    }
}

void field_expect(const struct vx_field *field, struct vx_buf *out)
{
    bool bounded = field->min != 0 || field->max != 0;
    switch (field->type) {
    case VX_FIELD_NAME:
        vx_buf_printf(out, "a name (at most %d of a-z, 0-9, `.`, `_` and `-`; a letter or digit first)",
                      VX_NAME_MAX_BYTES);
        break;
    case VX_FIELD_TOPIC:
        vx_buf_printf(out, "a topic name (at most %d of a-z, A-Z, 0-9, `.`, `_` and `-`)", VX_TOPIC_MAX_BYTES);
        break;
    case VX_FIELD_BOOL:
        vx_buf_str(out, "true or false");
        break;
    case VX_FIELD_INT:
        vx_buf_str(out, "a number");
        if (bounded)
            vx_buf_printf(out, " from %" PRId64 " to %" PRId64, field->min, field->max);
        break;
    case VX_FIELD_DURATION:
        vx_buf_str(out, "a duration such as 250ms, 1s, 10m or 1h");
        if (bounded) {
            vx_buf_str(out, ", from ");
            field_duration_print(field->min, out);
            vx_buf_str(out, " to ");
            field_duration_print(field->max, out);
        }
        break;
    case VX_FIELD_ENUM:
        vx_buf_str(out, "one of ");
        for (int i = 0; field->choices[i]; i++)
            vx_buf_printf(out, "%s`%s`", i ? ", " : "", field->choices[i]);
        break;
    case VX_FIELD_STRINGS:
        vx_buf_str(out, "a list of texts");
        break;
    case VX_FIELD_TOPICS:
        vx_buf_str(out, "a list of topic names");
        break;
    case VX_FIELD_MAP:
    case VX_FIELD_SECTION:
        vx_buf_str(out, "a section");
        break;
    default:
        vx_buf_str(out, "a text");
    }
}

void field_hint(const struct vx_field *field, struct vx_span text, struct vx_buf *out)
{
    if (field->type != VX_FIELD_ENUM)
        return;
    size_t count = 0;
    while (field->choices[count])
        count++;
    const char *near = vx_nearest(text, field->choices, count);
    if (near)
        vx_buf_printf(out, "; did you mean `%s`?", near);
}
