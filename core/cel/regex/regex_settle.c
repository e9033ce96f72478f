/* Anchors to the edges. libhs takes \A only where nothing can have been matched before it and \z only where nothing can
 * follow; ^ and $ of lines mean something else there at the end of a text. RE2 takes them anywhere. So the tree is
 * rewritten until every anchor is at an edge, or decided:
 *
 *     a(x|^)y   →  axy                 behind `a` there is no beginning
 *     (x*|,)\Ay →  \Ay                 whatever is before a beginning is empty
 *     (?m)^a    →  (?:\A|\n)a          in a search it does no harm to take the newline along
 *     (?m)\n^a  →  \na                 what is before the line's beginning ends in a newline
 *
 * Load time, any one thread. The beginning is done first, then the end by the same code, with sequences read backwards.
 * What is said below of the beginning holds for the end turned around. Invariant: search with the result finds a match in
 * exactly the texts in which search with the original does.
 */
#include "core/cel/syntax/lexer.h"
#include "core/cel/regex/regex_tree.h"

/* What is known of the place where a sub-expression begins. */
enum edge {
    EDGE_OPEN,   /* nothing: it may be anywhere in the text, and nothing was matched before */
    EDGE_TEXT,   /* the text begins here */
    EDGE_LINE,   /* a newline was matched right before */
    EDGE_MIDDLE, /* something was matched before, which is not known to be a newline */
};

struct settler {
    struct vx_arena *arena;
    bool backwards; /* the end of the text is what matters */
    enum regex_kind text, line;
    uint32_t budget; /* nodes that may still be made */
    struct cel_error *error;
    bool failed;
};

static struct regex_node *settle(struct settler *s, struct regex_node *node, enum edge edge);

static struct regex_node *give_up(struct settler *s, const struct regex_node *node, const char *why)
{
    if (!s->failed)
        cel_error_set(s->error, node->offset, 1, "%s", why);
    s->failed = true;
    return regex_leaf(s->arena, REGEX_NEVER, node->offset);
}

static struct regex_node *empty(struct settler *s)
{
    return regex_leaf(s->arena, REGEX_EMPTY, 0);
}

/* `a` then `b`, where then means towards the middle of the expression. */
static struct regex_node *then(struct settler *s, struct regex_node *a, struct regex_node *b)
{
    struct regex_node *both[2] = {s->backwards ? b : a, s->backwards ? a : b};
    return regex_concat(s->arena, both, 2);
}

static struct regex_node *either(struct settler *s, struct regex_node *a, struct regex_node *b)
{
    struct regex_node *both[2] = {a, b};
    return regex_alt(s->arena, both, 2);
}

/* The child number `i` of a sequence, from the edge on. */
static struct regex_node *item(struct settler *s, const struct regex_node *node, uint32_t i)
{
    return node->children[s->backwards ? node->count - 1 - i : i];
}

/* The items of a sequence from number `from` up to but not with `to`, from the edge on. */
static struct regex_node *slice(struct settler *s, const struct regex_node *node, uint32_t from, uint32_t to)
{
    return regex_concat(s->arena, node->children + (s->backwards ? node->count - to : from), to - from);
}

static bool has_anchor(const struct settler *s, const struct regex_node *node)
{
    return regex_holds(node, s->text) || regex_holds(node, s->line);
}

/* The same shape with other children. */
static struct regex_node *rebuild(struct settler *s, const struct regex_node *node, struct regex_node **children)
{
    return node->kind == REGEX_ALT      ? regex_alt(s->arena, children, node->count)
           : node->kind == REGEX_CONCAT ? regex_concat(s->arena, children, node->count)
                                        : regex_repeat(s->arena, children[0], node->min, node->max);
}

static struct regex_node *newline(struct settler *s)
{
    struct regex_node *node = regex_leaf(s->arena, REGEX_SET, 0);
    regex_set_add(s->arena, &node->set, '\n', '\n');
    return node;
}

/* What is left of `node` where it matches the empty text: the places it asks for. */
static struct regex_node *emptied(struct settler *s, struct regex_node *node)
{
    if (node->kind == REGEX_SET || node->kind == REGEX_NEVER)
        return regex_leaf(s->arena, REGEX_NEVER, node->offset);
    if (!node->count)
        return node;
    if (node->kind == REGEX_REPEAT && node->min == 0)
        return empty(s);
    struct regex_node **children = VX_ARENA_ARRAY(s->arena, struct regex_node *, node->count);
    for (uint32_t i = 0; i < node->count; i++)
        children[i] = emptied(s, node->children[i]);
    return rebuild(s, node, children);
}

/* Where it matches something that ends (backwards: begins) with a newline. */
static struct regex_node *ending(struct settler *s, struct regex_node *node)
{
    struct regex_node *out = regex_leaf(s->arena, REGEX_NEVER, node->offset);
    if (node->kind == REGEX_SET)
        return regex_set_has(&node->set, '\n') ? newline(s) : out;
    if (node->kind == REGEX_ALT) {
        for (uint32_t i = 0; i < node->count; i++)
            out = either(s, out, ending(s, node->children[i]));
    } else if (node->kind == REGEX_CONCAT) {
        struct regex_node *tail = empty(s); /* what the newline is before, when that is empty */
        for (uint32_t i = node->count; i-- > 0 && tail->kind != REGEX_NEVER;) {
            struct regex_node *one = ending(s, item(s, node, i));
            out = either(s, out, then(s, then(s, slice(s, node, 0, i), one), tail));
            tail = then(s, emptied(s, item(s, node, i)), tail);
        }
    } else if (node->kind == REGEX_REPEAT) {
        struct regex_node *child = node->children[0], *last = ending(s, child);
        uint32_t min = node->min ? node->min - 1 : 0, max = node->max == REGEX_ENDLESS ? node->max : node->max - 1;
        out = then(s, regex_repeat(s->arena, child, min, max), last);
        if (min > 0 && regex_nullable(child))
            out = either(s, out,
                         then(s, then(s, regex_repeat(s->arena, child, 0, max == REGEX_ENDLESS ? max : max - 1), last),
                              emptied(s, child)));
    }
    return out;
}

static struct regex_node *settle_anchor(struct settler *s, struct regex_node *node, enum edge edge)
{
    bool line = node->kind == s->line;
    if (edge == EDGE_OPEN && line)
        return either(s, regex_leaf(s->arena, s->text, node->offset), newline(s));
    if (edge == EDGE_OPEN)
        return node;
    return edge == EDGE_TEXT || (edge == EDGE_LINE && line) ? empty(s)
                                                            : regex_leaf(s->arena, REGEX_NEVER, node->offset);
}

/* Each of the alternatives, between `first` and `rest`. */
static struct regex_node *distribute(struct settler *s, struct regex_node *first, struct regex_node *alt,
                                     struct regex_node *rest)
{
    struct regex_node *out = regex_leaf(s->arena, REGEX_NEVER, alt->offset);
    for (uint32_t i = 0; i < alt->count; i++)
        out = either(s, out, settle(s, then(s, first, then(s, alt->children[i], rest)), EDGE_OPEN));
    return out;
}

/* `first` takes no character and has no anchor, `rest` begins with something that has: that comes first. */
static struct regex_node *settle_behind(struct settler *s, struct regex_node *first, struct regex_node *rest)
{
    struct regex_node *next = rest, *after = empty(s);
    if (rest->kind == REGEX_CONCAT) {
        next = item(s, rest, 0);
        after = slice(s, rest, 1, rest->count);
    }
    if (next->kind == s->text || next->kind == s->line)
        return settle(s, then(s, next, then(s, first, after)), EDGE_OPEN);
    if (next->kind == REGEX_ALT)
        return distribute(s, first, next, after);
    if (next->max == 1)
        return either(s, settle(s, then(s, first, after), EDGE_OPEN),
                      settle(s, then(s, first, then(s, next->children[0], after)), EDGE_OPEN));
    return give_up(s, next, "an anchor inside a repetition behind \\b cannot be translated");
}

/* `first` takes no character and may have anchors, at an open edge; so may `rest`. */
static struct regex_node *settle_places(struct settler *s, struct regex_node *first, struct regex_node *rest)
{
    if (first->kind == REGEX_ALT)
        return distribute(s, empty(s), first, rest);
    if (first->kind == s->text)
        return then(s, first, settle(s, rest, EDGE_TEXT));
    if (first->kind == s->line)
        return either(s, then(s, regex_leaf(s->arena, s->text, first->offset), settle(s, rest, EDGE_TEXT)),
                      then(s, newline(s), settle(s, rest, EDGE_LINE)));
    return settle_behind(s, first, rest);
}

static struct regex_node *settle_concat(struct settler *s, struct regex_node *node, enum edge edge)
{
    uint32_t split = 0; /* `first` is all that has no anchor, or the one item that has */
    while (split < node->count && !has_anchor(s, item(s, node, split)))
        split++;
    split += split == 0;
    struct regex_node *first = slice(s, node, 0, split), *rest = slice(s, node, split, node->count);
    if (!regex_consumes(first) && has_anchor(s, rest) && edge == EDGE_OPEN)
        return settle_places(s, first, rest);
    struct regex_node *settled = settle(s, first, edge);
    if (settled->kind == REGEX_NEVER)
        return settled;
    if (!has_anchor(s, rest))
        return then(s, settled, rest);
    if (!regex_consumes(first))
        return then(s, settled, settle(s, rest, edge));
    struct regex_node *out = then(s, settled, settle(s, rest, EDGE_MIDDLE));
    if (regex_holds(rest, s->line))
        out = either(s, out, then(s, settle(s, ending(s, first), edge), settle(s, rest, EDGE_LINE)));
    if (regex_nullable(first))
        out = either(s, out, settle(s, then(s, emptied(s, first), rest), edge));
    return out;
}

/* The first node of that kind; there is one. */
static const struct regex_node *find(const struct regex_node *node, enum regex_kind kind)
{
    while (node->kind != kind) {
        uint32_t i = 0;
        while (!regex_holds(node->children[i], kind))
            i++;
        node = node->children[i];
    }
    return node;
}

/* Only the first time around can be at the beginning. */
static struct regex_node *settle_repeat(struct settler *s, struct regex_node *node, enum edge edge)
{
    struct regex_node *child = node->children[0], *first = settle(s, child, edge);
    uint32_t min = node->min ? node->min - 1 : 0, max = node->max == REGEX_ENDLESS ? node->max : node->max - 1;
    if (node->max == 1)
        return node->min == 0 ? either(s, empty(s), first) : first;
    if (regex_holds(child, s->line))
        return give_up(s, find(child, s->line), "^ and $ of lines cannot be translated inside a repetition");
    struct regex_node *next = settle(s, child, EDGE_MIDDLE);
    struct regex_node *out = then(s, first, regex_repeat(s->arena, next, min, max));
    if (min > 0 && regex_nullable(child)) { /* one that is empty counts for all of `min` */
        struct regex_node *more = then(s, first, regex_repeat(s->arena, next, 0, max == REGEX_ENDLESS ? max : max - 1));
        out = either(s, out, then(s, settle(s, emptied(s, child), edge), either(s, empty(s), more)));
    }
    return node->min == 0 ? either(s, empty(s), out) : out;
}

static struct regex_node *settle(struct settler *s, struct regex_node *node, enum edge edge)
{
    if (s->failed || !has_anchor(s, node))
        return node;
    if (s->budget < node->count + 1)
        return give_up(s, node, "too many anchors inside the expression");
    s->budget -= node->count + 1;
    if (node->kind == REGEX_CONCAT)
        return settle_concat(s, node, edge);
    if (node->kind == REGEX_REPEAT)
        return settle_repeat(s, node, edge);
    if (node->kind == REGEX_ALT) {
        struct regex_node **children = VX_ARENA_ARRAY(s->arena, struct regex_node *, node->count);
        for (uint32_t i = 0; i < node->count; i++)
            children[i] = settle(s, node->children[i], edge);
        return regex_alt(s->arena, children, node->count);
    }
    return settle_anchor(s, node, edge);
}

/* \B holds between the bytes of one character. Where it could be all that matches, the search is made to begin at a
 * character: at the beginning of the text, or behind a whole one. */
static struct regex_node *align(struct settler *s, struct regex_node *node)
{
    if (!regex_holds(node, REGEX_NOT_WORD) || !regex_nullable(node))
        return node;
    struct regex_node *any = regex_leaf(s->arena, REGEX_SET, 0);
    regex_set_add(s->arena, &any->set, 0, REGEX_RUNE_MAX);
    struct regex_node *begin = either(s, regex_leaf(s->arena, REGEX_TEXT_BEGIN, 0), any);
    return then(s, begin, node);
}

struct regex_node *regex_settle(struct vx_arena *arena, struct regex_node *node, struct cel_error *error)
{
    struct settler s = {
        .arena = arena, .text = REGEX_TEXT_BEGIN, .line = REGEX_LINE_BEGIN, .budget = REGEX_NODES_MAX, .error = error};
    node = settle(&s, align(&s, node), EDGE_OPEN);
    s.backwards = true;
    s.text = REGEX_TEXT_END;
    s.line = REGEX_LINE_END;
    node = settle(&s, node, EDGE_OPEN);
    return s.failed ? NULL : regex_simplified(arena, node);
}
