/* The parser: precedence climbing over cel-spec's grammar (doc/langdef.md, "Syntax").
 *
 * Load time, any one thread. Nodes live in the expression's arena. Nesting is bounded by CEL_DEPTH_MAX (parentheses,
 * brackets, ternaries, runs of `!` and `-`); chains of operators and of fields are built in loops and may be as long
 * as the text. The first error ends it; NULL goes up through every function.
 *
 *     expr     = or [ "?" or ":" expr ]           or  = and { "||" and }         and = relation { "&&" relation }
 *     relation, sum, product: left-associative    unary = { "!" | "-" } member
 *     member   = primary { "." [ "?" ] name | "." name "(" args ")" | "[" [ "?" ] expr "]" }
 *     list, map: an entry that begins with "?" is an optional one
 */
#include "core/base/utf8.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/syntax/tree.h"

struct parser {
    struct vx_arena *arena;
    struct cel_lexer lexer;
    struct cel_token token; /* the next one, not yet consumed */
    struct vx_span before;  /* the text of the last one consumed; empty at the start */
    size_t end;             /* where it ended */
    unsigned depth;
};

static struct tree *parse_expr(struct parser *p);
static struct tree *parse_unary(struct parser *p);

/* Consumes the token; false when the next one is faulty. */
static bool advance(struct parser *p)
{
    p->before = vx_span(p->lexer.text.at + p->token.offset, p->token.len);
    p->end = p->token.offset + p->token.len;
    return cel_lexer_next(&p->lexer, &p->token);
}

static struct tree *fail(struct parser *p, const char *expected)
{
    struct vx_span found = vx_span(p->lexer.text.at + p->token.offset, p->token.len);
    size_t offset = p->token.offset;
    if (p->token.kind == TOKEN_END && p->before.len == 0)
        cel_error_set(p->lexer.error, 0, 1, "the expression is empty");
    else if (p->token.kind == TOKEN_END)
        cel_error_set(p->lexer.error, offset, 1, "expected %s after `%.*s`", expected, CEL_QUOTE(p->before));
    else if (p->before.len == 0)
        cel_error_set(p->lexer.error, offset, found.len, "expected %s, not `%.*s`", expected, CEL_QUOTE(found));
    else
        cel_error_set(p->lexer.error, offset, found.len, "expected %s after `%.*s`, not `%.*s`", expected,
                      CEL_QUOTE(p->before), CEL_QUOTE(found));
    return NULL;
}

static bool expect(struct parser *p, enum cel_token_kind kind, const char *what)
{
    if (p->token.kind == kind)
        return advance(p);
    fail(p, what);
    return false;
}

static struct tree *new_node(struct parser *p, enum tree_kind kind, size_t begin, size_t offset, size_t len)
{
    struct tree *node = VX_ARENA_NEW(p->arena, struct tree);
    node->kind = (uint8_t)kind;
    node->begin = (uint32_t)begin;
    node->offset = (uint32_t)offset;
    node->len = (uint32_t)len;
    node->end = (uint32_t)p->end;
    return node;
}

/* Room doubles whenever the count is a power of two. */
static void add_arg(struct parser *p, struct tree *node, struct tree *arg)
{
    if ((node->count & (node->count - 1)) == 0) {
        struct tree **more = VX_ARENA_ARRAY(p->arena, struct tree *, node->count ? 2 * node->count : 1);
        if (node->count)
            memcpy(more, node->args, node->count * sizeof *more);
        node->args = more;
    }
    node->args[node->count++] = arg;
    node->end = (uint32_t)p->end;
}

static bool deeper(struct parser *p)
{
    if (++p->depth <= CEL_DEPTH_MAX)
        return true;
    return cel_error_set(p->lexer.error, p->token.offset, p->token.len, "nested deeper than %d levels", CEL_DEPTH_MAX);
}

/* An element, or a key and its value; an optional one, with `?` in front, is a SPREAD. */
static bool parse_item(struct parser *p, struct tree *node)
{
    struct cel_token mark = p->token;
    bool optional = mark.kind == TOKEN_QUESTION && (node->kind == TREE_LIST || node->kind == TREE_MAP);
    if (optional && !advance(p))
        return false;
    struct tree *item = parse_expr(p), *spread;
    if (!item)
        return false;
    if (node->kind == TREE_MAP) {
        add_arg(p, node, item);
        if (!expect(p, TOKEN_COLON, "`:` and a value") || !(item = parse_expr(p)))
            return false;
    }
    if (optional) {
        spread = new_node(p, TREE_SPREAD, item->begin, mark.offset, 1);
        add_arg(p, spread, item);
        item = spread;
    }
    add_arg(p, node, item);
    return true;
}

/* Reads `item, item, …` and `close`, which `what` names; lists and maps may have a comma before it. */
static bool parse_args(struct parser *p, struct tree *node, enum cel_token_kind close, const char *what)
{
    bool more = p->token.kind != close;
    while (more) {
        if (!parse_item(p, node))
            return false;
        more = p->token.kind == TOKEN_COMMA;
        if (more && !advance(p))
            return false;
        if (p->token.kind == close && node->kind != TREE_CALL)
            more = false;
    }
    if (!expect(p, close, what))
        return false;
    node->end = (uint32_t)p->end;
    return true;
}

/* has(e.f) is a macro: its argument is a place, not a value. */
static struct tree *make_has(struct parser *p, struct tree *call)
{
    struct tree *place = call->count == 1 ? call->args[0] : NULL;
    if (!place || place->kind != TREE_SELECT || place->optional) {
        cel_error_set(p->lexer.error, call->offset, call->end - call->offset,
                      place && place->kind == TREE_CALL && place->style == STYLE_INDEX
                          ? "has() takes a field, as in has(event.a.b); for a key in brackets write: key in map"
                      : place && place->optional
                          ? "has() takes a field, as in has(event.a.b); of an optional field write: event.?a.hasValue()"
                          : "has() takes a field, as in has(event.a.b)");
        return NULL;
    }
    place->kind = TREE_HAS;
    place->begin = call->begin;
    place->end = call->end;
    return place;
}

/* Behind a name: `(` args `)`. `node` has its name and, for a method, its receiver. */
static struct tree *parse_call(struct parser *p, struct tree *node)
{
    if (!advance(p) || !parse_args(p, node, TOKEN_CLOSE, "`)` or `,`"))
        return NULL;
    if (node->style == STYLE_RECEIVER)
        return cel_macro_make(p->arena, node, p->lexer.error);
    return vx_span_is(node->name, "has") ? make_has(p, node) : node;
}

static bool is_reserved(struct vx_span name)
{
    static const char *const words[] = {"as",        "break",  "const",  "continue", "else", "for",
                                        "function",  "if",     "import", "let",      "loop", "package",
                                        "namespace", "return", "var",    "void",     "while"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (vx_span_is(name, words[i]))
            return true;
    }
    return false;
}

static struct tree *parse_name(struct parser *p)
{
    struct cel_token name = p->token;
    if (!advance(p))
        return NULL;
    struct tree *node = new_node(p, TREE_NAME, name.offset, name.offset, name.len);
    node->name = name.name;
    if (p->token.kind == TOKEN_OPEN) {
        node->kind = TREE_CALL;
        node->style = STYLE_GLOBAL;
        return parse_call(p, node);
    }
    bool yes = vx_span_is(name.name, "true");
    if (yes || vx_span_is(name.name, "false")) {
        node->kind = TREE_CONST;
        node->value = (struct cel_value){.type = CEL_BOOL, .boolean = yes};
    } else if (vx_span_is(name.name, "null")) {
        node->kind = TREE_CONST;
        node->value.type = CEL_NULL;
    } else if (is_reserved(name.name) || vx_span_is(name.name, "in")) {
        cel_error_set(p->lexer.error, name.offset, name.len, "`%.*s` is a reserved word", CEL_QUOTE(name.name));
        return NULL;
    } else if (p->token.kind == TOKEN_OPEN_MAP) {
        cel_error_set(p->lexer.error, name.offset, name.len, "there are no messages here: `%.*s{` makes none",
                      CEL_QUOTE(name.name));
        return NULL;
    }
    return node;
}

/* A literal; an int needs its sign to know whether it fits. */
static struct tree *parse_literal(struct parser *p, bool negative, size_t begin)
{
    struct cel_token token = p->token;
    const uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (token.kind == TOKEN_INT && token.value.u > limit) {
        cel_error_set(p->lexer.error, token.offset, token.len, "the number does not fit an int (64 bits, signed)");
        return NULL;
    }
    if (!advance(p))
        return NULL;
    struct tree *node = new_node(p, TREE_CONST, begin, begin, token.offset + token.len - begin);
    node->value = token.value;
    if (token.kind == TOKEN_INT) {
        node->value.type = CEL_INT;
        node->value.i = (int64_t)(negative ? 0 - token.value.u : token.value.u);
    } else if (negative) {
        node->value.d = -token.value.d;
    }
    return node;
}

static struct tree *parse_primary(struct parser *p)
{
    size_t begin = p->token.offset;
    enum cel_token_kind kind = p->token.kind;
    struct tree *node;
    switch (kind) {
    case TOKEN_INT:
    case TOKEN_VALUE:
        return parse_literal(p, false, begin);
    case TOKEN_DOT: /* `.name`: a name at the root, which is where all names are */
        if (!advance(p))
            return NULL;
        node = p->token.kind == TOKEN_NAME ? parse_name(p) : fail(p, "a name");
        if (node)
            node->rooted = true;
        return node;
    case TOKEN_NAME:
        return parse_name(p);
    case TOKEN_OPEN:
        if (!advance(p) || !(node = parse_expr(p)) || !expect(p, TOKEN_CLOSE, "`)`"))
            return NULL;
        node->begin = (uint32_t)begin;
        node->end = (uint32_t)p->end;
        return node;
    case TOKEN_OPEN_LIST:
    case TOKEN_OPEN_MAP:
        if (!advance(p))
            return NULL;
        node = new_node(p, kind == TOKEN_OPEN_LIST ? TREE_LIST : TREE_MAP, begin, begin, 1);
        if (!parse_args(p, node, kind == TOKEN_OPEN_LIST ? TOKEN_CLOSE_LIST : TOKEN_CLOSE_MAP,
                        kind == TOKEN_OPEN_LIST ? "`]` or `,`" : "`}` or `,`"))
            return NULL;
        return node;
    default:
        return fail(p, "an expression");
    }
}

static struct tree *parse_field(struct parser *p, struct tree *inside)
{
    if (!advance(p))
        return NULL;
    bool optional = p->token.kind == TOKEN_QUESTION;
    if (optional && !advance(p))
        return NULL;
    if (p->token.kind != TOKEN_NAME && p->token.kind != TOKEN_QUOTED)
        return fail(p, "the name of a field");
    struct cel_token name = p->token;
    if (!advance(p))
        return NULL;
    struct tree *node = new_node(p, TREE_SELECT, inside->begin, name.offset, name.len);
    node->name = name.name;
    node->optional = optional;
    add_arg(p, node, inside);
    if (p->token.kind != TOKEN_OPEN || name.kind != TOKEN_NAME || optional)
        return node;
    node->kind = TREE_CALL;
    node->style = STYLE_RECEIVER;
    return parse_call(p, node);
}

static struct tree *parse_index(struct parser *p, struct tree *inside)
{
    struct cel_token open = p->token;
    if (!advance(p))
        return NULL;
    bool optional = p->token.kind == TOKEN_QUESTION;
    if (optional && !advance(p))
        return NULL;
    struct tree *index = parse_expr(p);
    if (!index || !expect(p, TOKEN_CLOSE_LIST, "`]`"))
        return NULL;
    struct tree *node = new_node(p, TREE_CALL, inside->begin, open.offset, p->end - open.offset);
    node->style = STYLE_INDEX;
    node->name = optional ? VX_SPAN_LITERAL("[?]") : VX_SPAN_LITERAL("[]");
    node->optional = optional;
    add_arg(p, node, inside);
    add_arg(p, node, index);
    return node;
}

static struct tree *parse_member(struct parser *p, struct tree *node)
{
    while (node && (p->token.kind == TOKEN_DOT || p->token.kind == TOKEN_OPEN_LIST))
        node = p->token.kind == TOKEN_DOT ? parse_field(p, node) : parse_index(p, node);
    return node;
}

static struct tree *parse_unary(struct parser *p)
{
    struct cel_token sign = p->token;
    if (sign.kind != TOKEN_NOT && sign.kind != TOKEN_MINUS)
        return parse_member(p, parse_primary(p));
    if (!deeper(p) || !advance(p))
        return NULL;
    bool number = p->token.kind == TOKEN_INT || (p->token.kind == TOKEN_VALUE && p->token.value.type == CEL_DOUBLE);
    struct tree *node;
    if (sign.kind == TOKEN_MINUS && number) {
        node = parse_member(p, parse_literal(p, true, sign.offset));
    } else {
        struct tree *arg = parse_unary(p);
        if (!arg)
            return NULL;
        node = new_node(p, TREE_CALL, sign.offset, sign.offset, 1);
        node->style = STYLE_PREFIX;
        node->name = sign.kind == TOKEN_NOT ? VX_SPAN_LITERAL("!") : VX_SPAN_LITERAL("-");
        add_arg(p, node, arg);
    }
    p->depth--;
    return node;
}

/* How tightly an infix operator of functions binds; 0: it is none. */
static int binding(const struct cel_token *token)
{
    switch (token->kind) {
    case TOKEN_EQ:
    case TOKEN_NE:
    case TOKEN_LT:
    case TOKEN_LE:
    case TOKEN_GT:
    case TOKEN_GE:
        return 1;
    case TOKEN_NAME:
        return vx_span_is(token->name, "in") ? 1 : 0;
    case TOKEN_PLUS:
    case TOKEN_MINUS:
        return 2;
    case TOKEN_STAR:
    case TOKEN_SLASH:
    case TOKEN_PERCENT:
        return 3;
    default:
        return 0;
    }
}

static struct tree *parse_infix(struct parser *p, int tightness)
{
    struct tree *left = tightness > 3 ? parse_unary(p) : parse_infix(p, tightness + 1);
    while (left && tightness <= 3 && binding(&p->token) == tightness) {
        struct cel_token token = p->token;
        if (!advance(p))
            return NULL;
        struct tree *right = tightness == 3 ? parse_unary(p) : parse_infix(p, tightness + 1);
        if (!right)
            return NULL;
        struct tree *node = new_node(p, TREE_CALL, left->begin, token.offset, token.len);
        node->style = STYLE_INFIX;
        node->name = vx_span(p->lexer.text.at + token.offset, token.len);
        add_arg(p, node, left);
        add_arg(p, node, right);
        left = node;
    }
    return left;
}

static struct tree *parse_logic(struct parser *p, enum cel_token_kind kind)
{
    struct tree *left = kind == TOKEN_OR ? parse_logic(p, TOKEN_AND) : parse_infix(p, 1), *node = left;
    while (left && p->token.kind == kind) {
        struct cel_token token = p->token;
        if (!advance(p))
            return NULL;
        struct tree *right = kind == TOKEN_OR ? parse_logic(p, TOKEN_AND) : parse_infix(p, 1);
        if (!right)
            return NULL;
        if (node == left) {
            node = new_node(p, kind == TOKEN_OR ? TREE_OR : TREE_AND, left->begin, token.offset, token.len);
            add_arg(p, node, left);
        }
        add_arg(p, node, right);
    }
    return node;
}

static struct tree *parse_expr(struct parser *p)
{
    if (!deeper(p))
        return NULL;
    struct tree *node = parse_logic(p, TOKEN_OR);
    if (node && p->token.kind == TOKEN_QUESTION) {
        struct tree *cond = new_node(p, TREE_COND, node->begin, p->token.offset, p->token.len);
        struct tree *yes = NULL, *no = NULL;
        if (!advance(p) || !(yes = parse_logic(p, TOKEN_OR)) || !expect(p, TOKEN_COLON, "`:`") || !(no = parse_expr(p)))
            return NULL;
        add_arg(p, cond, node);
        add_arg(p, cond, yes);
        add_arg(p, cond, no);
        node = cond;
    }
    p->depth--;
    return node;
}

/* Something stands behind a whole expression: most often an operator of another language. */
static void fail_behind(struct parser *p)
{
    static const struct {
        const char *word, *meant;
    } words[] = {{"and", "&&"}, {"or", "||"}, {"AND", "&&"}, {"OR", "||"}, {"is", "=="}, {"like", "contains()"}};
    struct vx_span found = vx_span(p->lexer.text.at + p->token.offset, p->token.len);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (vx_span_is(found, words[i].word)) {
            cel_error_set(p->lexer.error, p->token.offset, found.len, "`%s` is not an operator; did you mean `%s`?",
                          words[i].word, words[i].meant);
            return;
        }
    }
    fail(p, "an operator or the end");
}

struct tree *cel_parse_tree(struct vx_arena *arena, struct vx_span text, struct cel_error *error)
{
    struct parser parser = {.arena = arena, .lexer = {.arena = arena, .text = text, .error = error}}, *p = &parser;
    if (text.len > CEL_TEXT_MAX_BYTES) {
        cel_error_set(error, CEL_TEXT_MAX_BYTES, 1, "an expression has at most %d bytes", CEL_TEXT_MAX_BYTES);
        return NULL;
    }
    for (size_t at = 0; at < text.len;) {
        int len;
        if (vx_utf8_decode(text.at + at, text.at + text.len, &len) < 0) {
            cel_error_set(error, at, 1, "the expression is not UTF-8: byte 0x%02x", (unsigned char)text.at[at]);
            return NULL;
        }
        at += (size_t)len;
    }
    if (!cel_lexer_next(&p->lexer, &p->token))
        return NULL;
    struct tree *root = parse_expr(p);
    if (root && p->token.kind != TOKEN_END) {
        fail_behind(p);
        return NULL;
    }
    return root;
}
