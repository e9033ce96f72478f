/* Characters, escapes and sets of characters in regular expressions. Load time, any one thread.
 *
 * What a set is, is decided here once and for all: (?i) adds the other cases of what is named (Unicode's simple folding)
 * before a negation takes effect; \d \w \s and the POSIX names are ASCII, \p names are Unicode's.
 */
#include "core/cel/regex/regex_parser.h"

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

static int hex_value(char c)
{
    if (regex_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct regex_node *regex_set_node(struct regex_parser *p, struct regex_set set, size_t offset)
{
    struct regex_node *node = regex_leaf(p->arena, set.count ? REGEX_SET : REGEX_NEVER, (uint32_t)offset);
    node->set = set;
    return node;
}

/* Adds a named group to a class: folded if asked for, then negated if asked for. */
static void add_group(struct regex_parser *p, struct regex_set *set, struct regex_set group, bool negated)
{
    regex_set_tidy(&group);
    if (p->flags & REGEX_FOLD)
        group = regex_set_folded(p->arena, &group);
    if (negated)
        group = regex_set_negated(p->arena, &group);
    regex_set_merge(p->arena, set, &group);
}

struct regex_node *regex_literal(struct regex_parser *p, uint32_t rune, size_t offset)
{
    struct regex_set set = {0}, one = {0};
    regex_set_add(p->arena, &one, rune, rune);
    add_group(p, &set, one, false);
    regex_set_tidy(&set);
    return regex_set_node(p, set, offset);
}

struct ascii_group {
    const char *name;
    uint32_t count;
    struct regex_range ranges[4];
};

static void add_ascii(struct regex_parser *p, struct regex_set *set, const struct ascii_group *from, bool negated)
{
    struct regex_set group = {0};
    for (uint32_t i = 0; i < from->count; i++)
        regex_set_add(p->arena, &group, from->ranges[i].lo, from->ranges[i].hi);
    add_group(p, set, group, negated);
}

bool regex_take_perl(struct regex_parser *p, struct regex_set *set)
{
    static const struct ascii_group groups[] = {
        {"d", 1, {{'0', '9'}}},
        {"s", 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
        {"w", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    };
    char c = regex_peek(p, 1);
    if (regex_peek(p, 0) != '\\')
        return false;
    for (size_t i = 0; i < 3; i++) {
        if ((c | 0x20) != groups[i].name[0])
            continue;
        p->at += 2;
        add_ascii(p, set, &groups[i], c != groups[i].name[0]);
        return true;
    }
    return false;
}

/* [:alpha:] and its kin, inside a class. 1: taken, 0: it is none, -1: refused. */
static int take_posix(struct regex_parser *p, struct regex_set *set)
{
    static const struct ascii_group groups[] = {
        {"alnum", 3, {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
        {"alpha", 2, {{'A', 'Z'}, {'a', 'z'}}},
        {"ascii", 1, {{0, 0x7f}}},
        {"blank", 2, {{'\t', '\t'}, {' ', ' '}}},
        {"cntrl", 2, {{0, 0x1f}, {0x7f, 0x7f}}},
        {"digit", 1, {{'0', '9'}}},
        {"graph", 1, {{'!', '~'}}},
        {"lower", 1, {{'a', 'z'}}},
        {"print", 1, {{' ', '~'}}},
        {"punct", 4, {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
        {"space", 2, {{'\t', '\r'}, {' ', ' '}}},
        {"upper", 1, {{'A', 'Z'}}},
        {"word", 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
        {"xdigit", 3, {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
    };
    size_t from = p->at;
    const char *start = p->text.at + from + 2;
    const char *end = p->text.len - from > 2 && regex_peek(p, 0) == '[' && regex_peek(p, 1) == ':'
                          ? memmem(start, p->text.len - from - 2, ":]", 2)
                          : NULL;
    if (!end)
        return 0;
    bool negated = *start == '^';
    struct vx_span name = vx_span(start + negated, (size_t)(end - start) - negated);
    p->at = (size_t)(end + 2 - p->text.at);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (!vx_span_is(name, groups[i].name))
            continue;
        add_ascii(p, set, &groups[i], negated);
        return 1;
    }
    regex_refuse(p, from, "unknown class");
    return -1;
}

int regex_take_unicode(struct regex_parser *p, struct regex_set *set)
{
    size_t from = p->at;
    if (regex_peek(p, 0) != '\\' || (regex_peek(p, 1) | 0x20) != 'p')
        return 0;
    bool negated = regex_peek(p, 1) == 'P';
    p->at += 2;
    if (regex_ended(p)) {
        regex_refuse(p, from, "a name is missing, as in \\p{Greek}");
        return -1;
    }
    struct vx_span name = vx_span(p->text.at + p->at, 0);
    if (regex_peek(p, 0) != '{') {
        regex_take_rune(p);
        name.len = (size_t)(p->text.at + p->at - name.at);
    } else {
        const char *end = memchr(name.at, '}', p->text.len - p->at);
        if (!end) {
            p->at = p->text.len;
            regex_refuse(p, from, "missing } behind the name");
            return -1;
        }
        name = vx_span(name.at + 1, (size_t)(end - name.at) - 1);
        p->at = (size_t)(end + 1 - p->text.at);
    }
    if (name.len && name.at[0] == '^') {
        negated = !negated;
        name = vx_span(name.at + 1, name.len - 1);
    }
    struct regex_set group;
    if (!name.len || !regex_set_named(p->arena, name, &group)) {
        const char *near = regex_set_nearest(name);
        cel_error_set(p->error, from, p->at - from,
                      near ? "unknown Unicode class `%.*s`; did you mean `%s`?" : "unknown Unicode class `%.*s`",
                      CEL_QUOTE(name), near);
        return -1;
    }
    add_group(p, set, group, negated);
    return 1;
}

/* \x41 or \x{10FFFF}, behind the x. */
static bool take_hex(struct regex_parser *p, size_t from, uint32_t *rune)
{
    uint32_t value = 0;
    size_t digits = 0;
    bool braces = regex_peek(p, 0) == '{';
    p->at += braces;
    while (hex_value(regex_peek(p, 0)) >= 0 && (braces || digits < 2) && value <= REGEX_RUNE_MAX) {
        value = value * 16 + (uint32_t)hex_value(regex_peek(p, 0));
        digits++;
        p->at++;
    }
    if (value > REGEX_RUNE_MAX)
        return regex_refuse(p, from, "no code point is above 10FFFF");
    if (braces ? digits == 0 || regex_peek(p, 0) != '}' : digits < 2)
        return regex_refuse(p, from, "not a code point in hexadecimal, as in \\x41 or \\x{1F600}");
    p->at += braces;
    *rune = value;
    return true;
}

bool regex_take_escape(struct regex_parser *p, uint32_t *rune)
{
    static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    size_t from = p->at++;
    char c = regex_peek(p, 0);
    if (regex_ended(p))
        return regex_refuse(p, from, "nothing is behind the backslash");
    const char *named = c ? strchr(names, c) : NULL;
    *rune = regex_take_rune(p);
    if (named) {
        *rune = (uint32_t)values[named - names];
    } else if (c == '0' || (is_octal(c) && is_octal(regex_peek(p, 0)))) {
        *rune -= '0';
        for (int i = 1; i < 3 && is_octal(regex_peek(p, 0)); i++)
            *rune = *rune * 8 + (uint32_t)(p->text.at[p->at++] - '0');
    } else if (regex_is_digit(c)) {
        return regex_refuse(p, from, "back-references are not supported");
    } else if (c == 'x') {
        return take_hex(p, from, rune);
    } else if (regex_is_letter(c) || *rune >= 0x80) {
        return regex_refuse(p, from, "unknown escape");
    }
    return true;
}

static bool take_class_rune(struct regex_parser *p, size_t open, uint32_t *rune)
{
    if (regex_ended(p))
        return cel_error_set(p->error, open, p->text.len - open, "missing closing ]");
    if (regex_peek(p, 0) == '\\')
        return regex_take_escape(p, rune);
    *rune = regex_take_rune(p);
    return true;
}

/* One member of a class. */
static bool take_member(struct regex_parser *p, size_t open, struct regex_set *set)
{
    size_t from = p->at;
    uint32_t lo, hi;
    int taken = take_posix(p, set);
    if (taken == 0)
        taken = regex_take_unicode(p, set);
    if (taken != 0)
        return taken > 0;
    if (regex_take_perl(p, set))
        return true;
    if (!take_class_rune(p, open, &lo))
        return false;
    hi = lo;
    if (regex_peek(p, 0) == '-' && p->at + 1 < p->text.len && regex_peek(p, 1) != ']') {
        p->at++;
        if (!take_class_rune(p, open, &hi))
            return false;
        if (hi < lo)
            return regex_refuse(p, from, "the range ends before it begins");
    }
    struct regex_set range = {0};
    regex_set_add(p->arena, &range, lo, hi);
    add_group(p, set, range, false);
    return true;
}

struct regex_node *regex_take_class(struct regex_parser *p)
{
    size_t open = p->at++;
    struct regex_set set = {0};
    bool negated = regex_peek(p, 0) == '^';
    p->at += negated;
    for (bool first = true; first || regex_peek(p, 0) != ']'; first = false) {
        if (!take_member(p, open, &set))
            return NULL;
    }
    p->at++;
    regex_set_tidy(&set);
    return regex_set_node(p, negated ? regex_set_negated(p->arena, &set) : set, open);
}
