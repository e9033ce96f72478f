/* Text → tokens with their places. Literals come out decoded. Load time only. */
#ifndef VX_CEL_LEXER_H
#define VX_CEL_LEXER_H

#include "core/cel/cel.h"

enum cel_token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* an identifier; `name` */
    TOKEN_QUOTED, /* `a-b` in backquotes, legal behind a dot; `name` */
    TOKEN_INT,    /* `value.u` is the magnitude: the sign is the parser's */
    TOKEN_VALUE,  /* uint, double, string, bytes; `value` */
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_NOT,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_QUESTION,
    TOKEN_COLON,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OPEN_LIST,
    TOKEN_CLOSE_LIST,
    TOKEN_OPEN_MAP,
    TOKEN_CLOSE_MAP,
};

struct cel_token {
    enum cel_token_kind kind;
    size_t offset, len; /* bytes of the source */
    struct vx_span name;
    struct cel_value value;
};

struct cel_lexer {
    struct vx_arena *arena;  /* for literals that must be decoded */
    struct vx_span text;     /* well-formed UTF-8; literals borrow from it */
    size_t at;               /* the next byte */
    struct cel_error *error; /* never NULL */
};

/* Reads one token; at the end TOKEN_END for ever. False with `error` filled where there is no token. */
VX_MUSTCHECK bool cel_lexer_next(struct cel_lexer *lexer, struct cel_token *token);

/* Fills `error` and returns false. The message is cut at the field's size, never inside a character. */
bool cel_error_set(struct cel_error *error, size_t offset, size_t len, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* For "`%.*s`": the text, cut to what fits a message. */
#define CEL_QUOTE(s) (int)cel_quote_len(s), ((s).at ? (s).at : "")
size_t cel_quote_len(struct vx_span s);

#endif
