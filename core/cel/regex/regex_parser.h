/* The parser of regular expressions from the inside: what regex_parse.c (structure) and regex_class.c (characters and
 * sets of them) share. */
#ifndef VX_CEL_REGEX_PARSER_H
#define VX_CEL_REGEX_PARSER_H

#include "core/base/utf8.h"
#include "core/cel/syntax/lexer.h"
#include "core/cel/regex/regex_tree.h"

enum regex_flags { REGEX_FOLD = 1, REGEX_LINES = 2, REGEX_DOT_ALL = 4, REGEX_UNGREEDY = 8 };

struct regex_parser {
    struct vx_arena *arena;
    struct vx_span text; /* well-formed UTF-8 */
    size_t at;           /* the next byte */
    uint32_t flags;      /* enum regex_flags, in force */
    uint32_t depth;      /* of groups */
    struct cel_error *error;
};

static inline bool regex_ended(const struct regex_parser *p)
{
    return p->at == p->text.len;
}

/* The byte `ahead` of the next one; 0 behind the end. */
static inline char regex_peek(const struct regex_parser *p, size_t ahead)
{
    return p->at + ahead < p->text.len ? p->text.at[p->at + ahead] : 0;
}

/* The next code point; not to be called at the end. */
static inline uint32_t regex_take_rune(struct regex_parser *p)
{
    int len;
    int32_t rune = vx_utf8_decode(p->text.at + p->at, p->text.at + p->text.len, &len);
    p->at += (size_t)len;
    return (uint32_t)rune;
}

static inline bool regex_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool regex_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Refuses what stands between `from` and the next byte to be read, quoting it; false. */
bool regex_refuse(struct regex_parser *p, size_t from, const char *what);

/* regex_class.c */
/* A node that takes one code point of `set`, which is tidy; none: one that never matches. */
struct regex_node *regex_set_node(struct regex_parser *p, struct regex_set set, size_t offset);
/* The node of one character, in the case or cases that are asked for. */
struct regex_node *regex_literal(struct regex_parser *p, uint32_t rune, size_t offset);
/* \d \s \w and their opposites, added to `set`; false when there is none. */
bool regex_take_perl(struct regex_parser *p, struct regex_set *set);
/* \pL, \p{Greek}, \P{^Greek}, added to `set`. 1: taken, 0: there is none, -1: refused. */
int regex_take_unicode(struct regex_parser *p, struct regex_set *set);
/* A backslash and what it makes of what follows: one code point. False when refused. */
bool regex_take_escape(struct regex_parser *p, uint32_t *rune);
/* From an opening bracket on; NULL when refused. */
struct regex_node *regex_take_class(struct regex_parser *p);

#endif
