/* RE2's syntax → tree. Load time, any one thread; the tree lives in the caller's arena.
 *
 * What RE2 accepts is accepted and means the same (flags, classes, Unicode groups, \Q…\E, limits of repetition); captures
 * are groups, and greedy or not makes no difference, because the only question is whether there is a match. What RE2
 * refuses is refused, at the same place. The grammar was taken from RE2's syntax page.
 *
 *     alternatives ── branch | branch      branch ── atom repetition, …      atom ── ( … )  [ … ]  \x  .  ^  $  a
 */
#include "core/cel/regex/regex_parser.h"

/* Children while they are being collected. */
struct nodes {
    struct regex_node **at;
    uint32_t count, room;
};

static struct regex_node *parse_alternatives(struct regex_parser *p);

static void push(struct regex_parser *p, struct nodes *nodes, struct regex_node *node)
{
    if (nodes->count == nodes->room) {
        uint32_t room = nodes->room ? 2 * nodes->room : 8;
        struct regex_node **at = VX_ARENA_ARRAY(p->arena, struct regex_node *, room);
        if (nodes->count)
            memcpy(at, nodes->at, nodes->count * sizeof *at);
        nodes->at = at;
        nodes->room = room;
    }
    nodes->at[nodes->count++] = node;
}

static bool looking_at(const struct regex_parser *p, const char *text)
{
    return vx_span_starts_with(vx_span(p->text.at + p->at, p->text.len - p->at), vx_span_str(text));
}

bool regex_refuse(struct regex_parser *p, size_t from, const char *what)
{
    size_t len = p->at > from ? p->at - from : 1;
    if (p->at == from)
        return cel_error_set(p->error, from, len, "%s", what);
    return cel_error_set(p->error, from, len, "%s: `%.*s`", what, CEL_QUOTE(vx_span(p->text.at + from, p->at - from)));
}

/* ---- groups ---- */

/* (?i-s:  or  (?i-s)  ; *opens says which. False when refused. */
static bool take_flags(struct regex_parser *p, bool *opens)
{
    size_t from = p->at;
    uint32_t flags = p->flags;
    bool off = false, pending = false; /* behind `-`, and no flag yet */
    for (p->at += 2; !regex_ended(p);) {
        char c = regex_peek(p, 0);
        uint32_t flag = c == 'i' ? REGEX_FOLD : c == 'm' ? REGEX_LINES : c == 's' ? REGEX_DOT_ALL : REGEX_UNGREEDY;
        regex_take_rune(p);
        if (c == ':' || c == ')') {
            if (pending)
                break;
            *opens = c == ':';
            p->flags = flags;
            return true;
        }
        if (c == '-' && !off) {
            off = pending = true;
        } else if (c == 'i' || c == 'm' || c == 's' || c == 'U') {
            flags = off ? flags & ~flag : flags | flag;
            pending = false;
        } else {
            break;
        }
    }
    return regex_refuse(p, from,
                        regex_ended(p) && p->text.at[p->at - 1] != ')' ? "missing closing )" : "unknown kind of group");
}

/* (?P<name>  or  (?<name>  */
static bool take_name(struct regex_parser *p, size_t name)
{
    size_t from = p->at;
    const char *end = memchr(p->text.at + name, '>', p->text.len - name);
    p->at = end ? (size_t)(end + 1 - p->text.at) : p->text.len;
    bool good = end && p->at - 1 > name;
    for (size_t i = name; good && i < p->at - 1; i++) {
        char c = p->text.at[i];
        good = regex_is_letter(c) || regex_is_digit(c) || c == '_';
    }
    return good || regex_refuse(p, from, "the name of a group is letters, digits and _");
}

/* What opens a group, or sets flags. False when refused. */
static bool take_opening(struct regex_parser *p, bool *opens)
{
    size_t from = p->at;
    *opens = true;
    if (looking_at(p, "(?P<"))
        return take_name(p, from + 4);
    if (looking_at(p, "(?=") || looking_at(p, "(?!") || looking_at(p, "(?<=") || looking_at(p, "(?<!")) {
        p->at += 3;
        return regex_refuse(p, from, "look-ahead and look-behind are not supported");
    }
    if (looking_at(p, "(?<"))
        return take_name(p, from + 3);
    if (looking_at(p, "(?"))
        return take_flags(p, opens);
    p->at++;
    return true;
}

/* From an opening parenthesis on. *node stays NULL for (?i), which is not an atom. */
static bool parse_group(struct regex_parser *p, struct regex_node **node)
{
    size_t open = p->at;
    uint32_t outer = p->flags;
    bool opens;
    if (!take_opening(p, &opens))
        return false;
    if (!opens)
        return true;
    if (++p->depth > REGEX_DEPTH_MAX)
        return cel_error_set(p->error, open, 1, "groups are nested too deep: at most %d", REGEX_DEPTH_MAX);
    *node = parse_alternatives(p);
    p->depth--;
    if (!*node)
        return false;
    if (regex_ended(p))
        return cel_error_set(p->error, open, 1, "missing closing )");
    p->at++;
    p->flags = outer;
    return true;
}

/* ---- repetition ---- */

/* A number without leading zeroes; too big a one is REGEX_REPEAT_MAX + 1. */
static bool take_number(struct regex_parser *p, uint32_t *number)
{
    if (!regex_is_digit(regex_peek(p, 0)) || (regex_peek(p, 0) == '0' && regex_is_digit(regex_peek(p, 1))))
        return false;
    for (*number = 0; regex_is_digit(regex_peek(p, 0)); p->at++) {
        *number = *number * 10 + (uint32_t)(regex_peek(p, 0) - '0');
        if (*number > REGEX_REPEAT_MAX)
            *number = REGEX_REPEAT_MAX + 1;
    }
    return true;
}

/* * + ? {n} {n,} {n,m}; false, with nothing taken, when it is none of them (`{` is then a character). */
static bool take_counts(struct regex_parser *p, uint32_t *min, uint32_t *max)
{
    size_t from = p->at;
    char c = regex_peek(p, 0);
    *min = c == '+';
    *max = c == '?' ? 1 : REGEX_ENDLESS;
    if (c != '{') {
        p->at += c == '*' || c == '+' || c == '?';
        return p->at > from;
    }
    p->at++;
    if (take_number(p, min)) {
        *max = *min;
        if (regex_peek(p, 0) == ',') {
            p->at++;
            *max = REGEX_ENDLESS;
            if (regex_peek(p, 0) != '}' && !take_number(p, max))
                *max = 0;
        }
        if (regex_peek(p, 0) == '}') {
            p->at++;
            return true;
        }
    }
    p->at = from;
    return false;
}

/* The product of nested counts must stay within `most`, as in RE2. */
static bool counts_fit(const struct regex_node *node, uint32_t most)
{
    if (node->kind == REGEX_REPEAT && !(node->max == REGEX_ENDLESS && node->min < 2)) {
        uint32_t count = node->max == REGEX_ENDLESS ? node->min : node->max;
        if (count > most)
            return false;
        if (count > 0)
            most /= count;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        if (!counts_fit(node->children[i], most))
            return false;
    }
    return true;
}

static bool apply_counts(struct regex_parser *p, struct nodes *atoms, bool again, size_t from, uint32_t min,
                         uint32_t max)
{
    if (min > REGEX_REPEAT_MAX || (max != REGEX_ENDLESS && (max > REGEX_REPEAT_MAX || min > max)))
        return regex_refuse(p, from, "not a count of repetitions (0 to 1000, in order)");
    if (regex_peek(p, 0) == '?')
        p->at++;
    if (again)
        return regex_refuse(p, from, "a repetition of a repetition; put the first one into (?:…)");
    if (!atoms->count)
        return regex_refuse(p, from, "nothing to repeat stands before");
    struct regex_node *node = regex_leaf(p->arena, REGEX_REPEAT, (uint32_t)from);
    node->min = min;
    node->max = max;
    node->count = 1;
    node->children = VX_ARENA_NEW(p->arena, struct regex_node *);
    node->children[0] = atoms->at[atoms->count - 1];
    if ((min > 1 || (max > 1 && max != REGEX_ENDLESS)) && !counts_fit(node, REGEX_REPEAT_MAX))
        return regex_refuse(p, from, "nested counts of repetitions multiply to more than 1000");
    atoms->at[atoms->count - 1] = node;
    return true;
}

/* ---- atoms ---- */

static struct regex_node *dot(struct regex_parser *p)
{
    struct regex_set set = {0};
    if (p->flags & REGEX_DOT_ALL) {
        regex_set_add(p->arena, &set, 0, REGEX_RUNE_MAX);
    } else {
        regex_set_add(p->arena, &set, 0, '\n' - 1);
        regex_set_add(p->arena, &set, '\n' + 1, REGEX_RUNE_MAX);
    }
    return regex_set_node(p, set, p->at++);
}

/* \Q…\E: characters as they are; without \E up to the end. */
static void take_quoted(struct regex_parser *p, struct nodes *atoms)
{
    for (p->at += 2; !regex_ended(p);) {
        size_t from = p->at;
        if (looking_at(p, "\\E")) {
            p->at += 2;
            return;
        }
        uint32_t rune = regex_take_rune(p);
        push(p, atoms, regex_literal(p, rune, from));
    }
}

static bool parse_backslash(struct regex_parser *p, struct nodes *atoms)
{
    static const struct {
        char name;
        enum regex_kind kind;
    } places[] = {{'A', REGEX_TEXT_BEGIN}, {'z', REGEX_TEXT_END}, {'b', REGEX_WORD}, {'B', REGEX_NOT_WORD}};
    size_t from = p->at;
    struct regex_set set = {0};
    uint32_t rune;
    for (size_t i = 0; i < 4; i++) {
        if (regex_peek(p, 1) == places[i].name) {
            p->at += 2;
            push(p, atoms, regex_leaf(p->arena, places[i].kind, (uint32_t)from));
            return true;
        }
    }
    if (regex_peek(p, 1) == 'Q') {
        take_quoted(p, atoms);
        return true;
    }
    if (regex_peek(p, 1) == 'C' || regex_peek(p, 1) == 'Z') {
        bool byte = regex_peek(p, 1) == 'C';
        p->at += 2;
        return regex_refuse(p, from,
                            byte ? "single bytes are not supported" : "unknown escape; the end of the text is \\z");
    }
    int taken = regex_take_unicode(p, &set);
    if (taken < 0)
        return false;
    if (taken || regex_take_perl(p, &set)) {
        regex_set_tidy(&set);
        push(p, atoms, regex_set_node(p, set, from));
        return true;
    }
    if (!regex_take_escape(p, &rune))
        return false;
    push(p, atoms, regex_literal(p, rune, from));
    return true;
}

static bool parse_atom(struct regex_parser *p, struct nodes *atoms)
{
    size_t from = p->at;
    struct regex_node *node = NULL;
    bool lines = p->flags & REGEX_LINES;
    switch (regex_peek(p, 0)) {
    case '(':
        if (!parse_group(p, &node))
            return false;
        break;
    case '[':
        node = regex_take_class(p);
        if (!node)
            return false;
        break;
    case '\\':
        return parse_backslash(p, atoms);
    case '.':
        node = dot(p);
        break;
    case '^':
        p->at++;
        node = regex_leaf(p->arena, lines ? REGEX_LINE_BEGIN : REGEX_TEXT_BEGIN, (uint32_t)from);
        break;
    case '$':
        p->at++;
        node = regex_leaf(p->arena, lines ? REGEX_LINE_END : REGEX_TEXT_END, (uint32_t)from);
        break;
    default:
        node = regex_literal(p, regex_take_rune(p), from);
    }
    if (node)
        push(p, atoms, node);
    return true;
}

static struct regex_node *parse_branch(struct regex_parser *p)
{
    struct nodes atoms = {0};
    bool repeated = false; /* the last thing read was a repetition */
    while (!regex_ended(p) && regex_peek(p, 0) != '|' && regex_peek(p, 0) != ')') {
        size_t from = p->at;
        uint32_t min, max;
        if (take_counts(p, &min, &max)) {
            if (!apply_counts(p, &atoms, repeated, from, min, max))
                return NULL;
            repeated = true;
        } else if (parse_atom(p, &atoms)) {
            repeated = false;
        } else {
            return NULL;
        }
    }
    struct regex_node *node = regex_leaf(p->arena, REGEX_CONCAT, (uint32_t)p->at);
    node->children = atoms.at;
    node->count = atoms.count;
    return node;
}

static struct regex_node *parse_alternatives(struct regex_parser *p)
{
    struct nodes branches = {0};
    do {
        p->at += branches.count > 0; /* the bar */
        struct regex_node *branch = parse_branch(p);
        if (!branch)
            return NULL;
        push(p, &branches, branch);
    } while (regex_peek(p, 0) == '|' && !regex_ended(p));
    if (branches.count == 1)
        return branches.at[0];
    struct regex_node *node = regex_leaf(p->arena, REGEX_ALT, branches.at[0]->offset);
    node->children = branches.at;
    node->count = branches.count;
    return node;
}

struct regex_node *regex_parse(struct vx_arena *arena, struct vx_span text, struct cel_error *error)
{
    struct regex_parser p = {.arena = arena, .text = vx_span(text.at ? text.at : "", text.len), .error = error};
    if (!vx_utf8_valid(p.text)) {
        cel_error_set(error, 0, text.len, "the pattern is not UTF-8");
        return NULL;
    }
    struct regex_node *node = parse_alternatives(&p);
    if (node && !regex_ended(&p)) {
        cel_error_set(error, p.at, 1, "unexpected )");
        return NULL;
    }
    return node;
}
