/* What an operator meant where libyaml gave up. CEL and YAML share characters: `!` is a tag, `: ` a mapping, `{` a flow
 * mapping, a leading quote ends at the next one. Each such trap gets one sentence that says how to quote. Load-time only;
 * no state.
 */
#include "core/config/yaml.h"

struct line {
    const char *begin, *end;
    const char *value; /* where its value begins: behind `- ` and `key: ` */
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct line line_at(struct vx_span text, size_t offset)
{
    struct line line = {text.at + offset, text.at + offset, NULL};
    const char *stop = text.at + text.len;
    while (line.begin > text.at && line.begin[-1] != '\n')
        line.begin--;
    while (line.end < stop && *line.end != '\n')
        line.end++;
    while (line.end > line.begin && (blank(line.end[-1]) || line.end[-1] == '\r'))
        line.end--;
    const char *p = line.begin;
    while (p < line.end && (blank(*p) || (*p == '-' && p + 1 < line.end && blank(p[1]))))
        p++;
    line.value = p;
    while (p < line.end && !strchr(":{}[],\"'#", *p))
        p++;
    if (p < line.end && *p == ':' && p + 1 < line.end && blank(p[1])) {
        for (p++; p < line.end && blank(*p);)
            p++;
        line.value = p;
    }
    return line;
}

void yaml_quote(struct vx_span text, struct vx_buf *out)
{
    while (text.len > 0 && blank(text.at[text.len - 1]))
        text.len--;
    char quote = !memchr(text.at, '\'', text.len) ? '\'' : '"';
    if (quote == '"' && (memchr(text.at, '"', text.len) || memchr(text.at, '\\', text.len)))
        vx_buf_str(out, "write `|` in its place and the value on the next line, indented");
    else if (text.len > YAML_HINT_MAX_BYTES)
        vx_buf_str(out, "put it in quotes");
    else
        vx_buf_printf(out, "put it in quotes: %c%.*s%c", quote, VX_SPAN_ARG(text), quote);
}

/* Says that the value of the line must be quoted, and underlines it. */
static void quote_value(struct vx_span text, struct line line, const char *why, size_t *offset, size_t *len,
                        struct vx_buf *message)
{
    struct vx_span value = vx_span(line.value, (size_t)(line.end - line.value));
    *offset = (size_t)(line.value - text.at);
    *len = value.len;
    vx_buf_printf(message, "%s; ", why);
    yaml_quote(value, message);
}

/* A reason in the first character of a value, or NULL. */
static const char *first_character(char c)
{
    switch (c) {
    case '!':
        return "a plain value that begins with `!` is a YAML tag";
    case '&':
        return "a plain value that begins with `&` is a YAML anchor";
    case '*':
        return "a plain value that begins with `*` is a YAML alias";
    case '@':
    case '`':
    case '%':
        return "a plain value cannot begin with this character";
    case '-':
    case '?':
        return "a plain value that begins with `- ` or `? ` is a YAML list or key";
    case '"':
    case '\'':
        return "a value that begins with a quote ends at the next one for YAML";
    case '[':
    case '{':
        return "a plain value that begins with `[` or `{` is a YAML list or mapping";
    default:
        return NULL;
    }
}

/* True when the place stands behind `${` or just behind the `$` of one. */
static bool in_template(const struct line *line, const char *place)
{
    for (const char *p = place < line->end ? place : line->end; p > line->begin; p--) {
        if (p[-1] == '$' && p < line->end && *p == '{')
            return true;
    }
    return false;
}

void yaml_explain(struct vx_span text, const char *problem, const char *context, int context_line, size_t *offset,
                  size_t *len, struct vx_buf *message)
{
    if (*offset > text.len)
        *offset = text.len;
    struct line line = line_at(text, *offset);
    const char *place = text.at + *offset;
    char first = line.value < line.end ? *line.value : 0;
    if ((first == '-' || first == '?') && line.value + 1 < line.end && !blank(line.value[1]))
        first = 0; /* `-x` is no list */
    bool in_flow = strstr(problem, "did not find expected ',' or") != NULL;
    bool template = in_template(&line, place);
    if (strstr(problem, "mapping values are not allowed") && place < line.value) {
        vx_buf_str(message, "a mapping cannot begin here; is the indentation right?");
    } else if (strstr(problem, "mapping values are not allowed")) {
        quote_value(text, line, "`: ` inside a plain value begins a YAML mapping", offset, len, message);
    } else if (strstr(problem, "unknown escape")) {
        vx_buf_str(message,
                   "in double quotes YAML reads `\\` itself: write it twice, or put the text in single quotes");
    } else if (in_flow && template) {
        vx_buf_str(message, "inside `{ }` and `[ ]` the braces of `${...}` are YAML's; put the text in quotes: "
                            "\"...${...}...\"");
    } else if (in_flow && *offset > 0 && *offset < text.len && strchr("[{", *place) && !strchr(" \t\n,[{", place[-1])) {
        vx_buf_str(message, "inside `{ }` and `[ ]` all brackets are YAML's; put the text in quotes");
    } else if (context && (strstr(context, "an alias") || strstr(context, "an anchor"))) {
        vx_buf_printf(message, "%s; put the text in quotes", first_character(strstr(context, "an alias") ? '*' : '&'));
    } else if ((*offset < text.len && *place == '\t') || strstr(problem, "tab character")) {
        vx_buf_str(message, "YAML is not indented with tabs; use spaces");
    } else if (strstr(problem, "control characters")) {
        vx_buf_str(message, "control characters are not allowed; write them as escapes in double quotes: \"\\x07\"");
    } else if (first_character(first) && place > line.value && !in_flow) {
        quote_value(text, line, first_character(first), offset, len, message);
    } else if (place == line.value && place > line.begin && first && strchr("@`%&*-?", first)) {
        quote_value(text, line, first_character(first), offset, len, message);
    } else if (strstr(problem, "found unexpected end of stream") && context && strstr(context, "quoted scalar")) {
        vx_buf_printf(message, "a text whose quotes open on line %d is not closed", context_line);
    } else {
        vx_buf_printf(message, "not YAML: %s", problem);
        if (context)
            vx_buf_printf(message, ", %s that begins on line %d", context, context_line);
        if (in_flow)
            vx_buf_str(message, "; is it not closed, or is a text with quotes, brackets or `: ` in it not quoted?");
        if (strstr(problem, "expected key") || strstr(problem, "expected '-' indicator") ||
            strstr(problem, "expected ':'"))
            vx_buf_str(message, "; is the indentation right?");
    }
}
