/* A regular expression from the inside: the parsed form, and the steps from RE2's text to what libhs is given.
 *
 *     text ── regex_parse ──> tree ── regex_settle ──> tree ── regex_write ──> libhs pattern (bytes)
 *              RE2's syntax            anchors where            UTF-8 as bytes
 *                                      libhs takes them
 *                              └── regex_plain: prefix, suffix, …? Then no libhs at all
 *
 * Load time only; everything lives in one arena.
 */
#ifndef VX_CEL_REGEX_TREE_H
#define VX_CEL_REGEX_TREE_H

#include "core/cel/regex/regex.h"
#include "core/cel/regex/regex_set.h"

enum {
    REGEX_DEPTH_MAX = 128,   /* nesting of groups */
    REGEX_REPEAT_MAX = 1000, /* RE2's: of one count, and of the product of nested ones */
    REGEX_NODES_MAX = 65536, /* what settling anchors may grow a tree to */
};
#define REGEX_ENDLESS UINT32_MAX

enum regex_kind {
    REGEX_EMPTY,      /* the empty text */
    REGEX_NEVER,      /* nothing at all */
    REGEX_SET,        /* one code point of `set` */
    REGEX_CONCAT,     /* children one after another */
    REGEX_ALT,        /* one of the children */
    REGEX_REPEAT,     /* the child, `min` to `max` times */
    REGEX_TEXT_BEGIN, /* from here on: the empty text, at certain places */
    REGEX_TEXT_END,
    REGEX_LINE_BEGIN,
    REGEX_LINE_END,
    REGEX_WORD,     /* \b */
    REGEX_NOT_WORD, /* \B */
};

struct regex_node {
    enum regex_kind kind;
    uint32_t offset; /* in the pattern, for messages */
    uint32_t min, max;
    struct regex_set set;
    struct regex_node **children;
    uint32_t count;
};

static inline bool regex_is_place(const struct regex_node *node)
{
    return node->kind >= REGEX_TEXT_BEGIN;
}

/* Reads RE2's syntax (github.com/google/re2/wiki/Syntax). NULL with `error` filled. */
struct regex_node *regex_parse(struct vx_arena *arena, struct vx_span text, struct cel_error *error);

/* Makers that simplify: what is empty disappears from sequences, what can never match takes its sequence along. */
struct regex_node *regex_leaf(struct vx_arena *arena, enum regex_kind kind, uint32_t offset);
struct regex_node *regex_concat(struct vx_arena *arena, struct regex_node *const *children, uint32_t count);
struct regex_node *regex_alt(struct vx_arena *arena, struct regex_node *const *children, uint32_t count);
struct regex_node *regex_repeat(struct vx_arena *arena, struct regex_node *child, uint32_t min, uint32_t max);

/* The same tree through the makers. */
struct regex_node *regex_simplified(struct vx_arena *arena, struct regex_node *node);

/* True when it may take a character. */
bool regex_consumes(const struct regex_node *node);
/* True when it matches the empty text somewhere. */
bool regex_nullable(const struct regex_node *node);
/* True when it finds something in the empty text. */
bool regex_matches_empty(const struct regex_node *node);
/* True when a node of that kind is somewhere in it. */
bool regex_holds(const struct regex_node *node, enum regex_kind kind);

/* Without what makes no difference to a search: `.*abc.*` is `abc`. Takes a simplified tree. */
struct regex_node *regex_trimmed(struct vx_arena *arena, struct regex_node *node);
/* What plain test a trimmed tree is; `literal` lives in the arena. */
enum cel_regex_plain regex_plain(struct vx_arena *arena, const struct regex_node *node, struct vx_span *literal);

/* Moves anchors to where libhs takes them: an equivalent tree in which nothing is before the beginning and nothing
 * behind the end. NULL with `error` filled where that is not possible. */
struct regex_node *regex_settle(struct vx_arena *arena, struct regex_node *node, struct cel_error *error);

/* Appends what libhs is given for a settled tree. Its bytes are those of UTF-8; its flags are those of regex.c. */
void regex_write(const struct regex_node *node, struct vx_buf *out);

#endif
