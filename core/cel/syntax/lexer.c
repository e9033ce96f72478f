/* The lexer of cel-spec's grammar: identifiers, numbers, strings and bytes in all their spellings, comments, operators.
 *
 * Load time, any one thread. The text is checked to be UTF-8 before it gets here; a NUL is an unexpected character like
 * any other outside a literal, and a character like any other inside. Literals without escapes borrow from the text.
 */
#include "core/cel/syntax/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/utf8.h"

enum { QUOTE_MAX_BYTES = 60 };

size_t cel_quote_len(struct vx_span s)
{
    if (s.len <= QUOTE_MAX_BYTES)
        return s.len;
    size_t n = QUOTE_MAX_BYTES;
    while (n > 0 && ((unsigned char)s.at[n] & 0xc0) == 0x80)
        n--;
    return n;
}

bool cel_error_set(struct cel_error *error, size_t offset, size_t len, const char *fmt, ...)
{
    error->offset = offset;
    error->len = len ? len : 1;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(error->message, sizeof error->message, fmt, args);
    va_end(args);
    if (n >= (int)sizeof error->message) {
        size_t end = sizeof error->message - 1;
        while (end > 0 && ((unsigned char)error->message[end - 1] & 0xc0) == 0x80)
            end--;
        if (end > 0 && ((unsigned char)error->message[end - 1] & 0xc0) == 0xc0)
            error->message[end - 1] = '\0';
    }
    return false;
}

static bool fail(struct cel_lexer *lexer, size_t from, const char *message)
{
    return cel_error_set(lexer->error, from, lexer->at > from ? lexer->at - from : 1, "%s", message);
}

/* The byte `ahead` of the next one; -1 at the end. */
static int peek(const struct cel_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? (unsigned char)lexer->text.at[at] : -1;
}

static bool is_name(int c)
{
    return c == '_' || (c < 0x80 && c > 0 && isalnum(c));
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct cel_lexer *lexer)
{
    for (;;) {
        int c = peek(lexer, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            lexer->at++;
        } else if (c == '/' && peek(lexer, 1) == '/') {
            while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
                lexer->at++;
        } else {
            return;
        }
    }
}

static bool lex_integer(struct cel_lexer *lexer, struct cel_token *token, const char *digits, int base)
{
    size_t from = token->offset;
    char *end;
    char copy[32];
    size_t n = (size_t)(lexer->text.at + lexer->at - digits);
    if (n >= sizeof copy)
        return fail(lexer, from, "the number does not fit 64 bits");
    memcpy(copy, digits, n);
    copy[n] = '\0';
    errno = 0;
    token->value.u = strtoull(copy, &end, base);
    if (errno == ERANGE)
        return fail(lexer, from, "the number does not fit 64 bits");
    token->kind = TOKEN_INT;
    if (peek(lexer, 0) == 'u' || peek(lexer, 0) == 'U') {
        lexer->at++;
        token->kind = TOKEN_VALUE;
        token->value.type = CEL_UINT;
    }
    return true;
}

static bool lex_double(struct cel_lexer *lexer, struct cel_token *token)
{
    struct json_value number = {
        .at = lexer->text.at + token->offset,
        .len = (uint32_t)(lexer->at - token->offset),
        .kind = JSON_KIND_DOUBLE,
    };
    token->kind = TOKEN_VALUE;
    token->value.type = CEL_DOUBLE;
    token->value.d = json_double(number);
    if (isinf(token->value.d))
        return fail(lexer, token->offset, "the number is too large for a double");
    return true;
}

static bool lex_number(struct cel_lexer *lexer, struct cel_token *token)
{
    bool whole = true, good = true;
    const char *from = lexer->text.at + lexer->at;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
        lexer->at += 2;
        while (peek(lexer, 0) > 0 && isxdigit(peek(lexer, 0)))
            lexer->at++;
        good = lexer->text.at + lexer->at > from + 2 && lex_integer(lexer, token, from + 2, 16);
        if (!good && lexer->text.at + lexer->at > from + 2)
            return false;
    } else {
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
        if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
            whole = false;
            for (lexer->at++; is_digit(peek(lexer, 0));)
                lexer->at++;
        }
        int sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
        if ((peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') && is_digit(peek(lexer, 1 + (size_t)sign))) {
            whole = false;
            for (lexer->at += 1 + (size_t)sign; is_digit(peek(lexer, 0));)
                lexer->at++;
        }
        if (!(whole ? lex_integer(lexer, token, from, 10) : lex_double(lexer, token)))
            return false;
    }
    if (is_name(peek(lexer, 0)) || !good) {
        while (is_name(peek(lexer, 0)))
            lexer->at++;
        struct vx_span text = vx_span(from, (size_t)(lexer->text.at + lexer->at - from));
        return cel_error_set(lexer->error, token->offset, text.len, "`%.*s` is not a number", CEL_QUOTE(text));
    }
    return true;
}

/* Reads `count` hex digits behind the escape letter at `at`; -1 when they are not there. */
static int64_t hex_digits(struct vx_span s, size_t at, size_t count)
{
    int64_t code = 0;
    if (s.len - at < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        int c = (unsigned char)s.at[at + i];
        if (c >= 0x80 || !isxdigit(c))
            return -1;
        code = code * 16 + (is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
}

/* Decodes the escape at s.at[i] (a backslash). Returns its length and sets *code, or 0. */
static size_t decode_escape(struct vx_span s, size_t i, bool bytes, int64_t *code)
{
    static const char letters[] = "abfnrtv\\?\"'`", meanings[] = "\a\b\f\n\r\t\v\\?\"'`";
    char c = i + 1 < s.len ? s.at[i + 1] : '\0';
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter) {
        *code = meanings[letter - letters];
        return 2;
    }
    if (c == 'x' || c == 'X') {
        *code = hex_digits(s, i + 2, 2);
        return *code < 0 ? 0 : 4;
    }
    if ((c == 'u' || c == 'U') && !bytes) {
        size_t count = c == 'u' ? 4 : 8;
        *code = hex_digits(s, i + 2, count);
        bool good = *code >= 0 && *code <= 0x10ffff && (*code < 0xd800 || *code > 0xdfff);
        return good ? 2 + count : 0;
    }
    if (c >= '0' && c <= '3' && s.len - i >= 4 && s.at[i + 2] >= '0' && s.at[i + 2] <= '7' && s.at[i + 3] >= '0' &&
        s.at[i + 3] <= '7') {
        *code = (c - '0') * 64 + (s.at[i + 2] - '0') * 8 + (s.at[i + 3] - '0');
        return 4;
    }
    return 0;
}

static bool decode_string(struct cel_lexer *lexer, struct cel_token *token, struct vx_span raw, bool bytes)
{
    char *to = vx_arena_bytes(lexer->arena, raw.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < raw.len;) {
        if (raw.at[i] != '\\') {
            to[len++] = raw.at[i++];
            continue;
        }
        int64_t code = 0;
        size_t n = decode_escape(raw, i, bytes, &code);
        if (n == 0) {
            struct vx_span escape = vx_span(raw.at + i, raw.len - i > 1 ? 2 : 1);
            if (escape.len == 2 && (unsigned char)escape.at[1] >= 0x80)
                escape.len = 1;
            return cel_error_set(lexer->error, (size_t)(escape.at - lexer->text.at), escape.len,
                                 "`%.*s` is not an escape of a %s", VX_SPAN_ARG(escape), bytes ? "bytes" : "string");
        }
        i += n;
        if (bytes)
            to[len++] = (char)code;
        else
            len += (size_t)vx_utf8_encode((uint32_t)code, to + len); /* never longer than its escape */
    }
    token->value.s = vx_span(to, len);
    return true;
}

/* `lexer->at` stands on the opening quote. */
static bool lex_string(struct cel_lexer *lexer, struct cel_token *token, bool raw, bool bytes)
{
    int quote = peek(lexer, 0);
    bool triple = peek(lexer, 1) == quote && peek(lexer, 2) == quote, escapes = false;
    size_t width = triple ? 3 : 1;
    lexer->at += width;
    size_t from = lexer->at;
    for (;; lexer->at++) {
        int c = peek(lexer, 0);
        if (c < 0 || (!triple && (c == '\n' || c == '\r'))) {
            return cel_error_set(lexer->error, token->offset, from - token->offset, "unterminated %s",
                                 bytes ? "bytes" : "string");
        } else if (c == '\\' && !raw) {
            escapes = true;
            lexer->at += peek(lexer, 1) >= 0;
        } else if (c == quote && (!triple || (peek(lexer, 1) == quote && peek(lexer, 2) == quote))) {
            break;
        }
    }
    struct vx_span content = vx_span(lexer->text.at + from, lexer->at - from);
    lexer->at += width;
    token->kind = TOKEN_VALUE;
    token->value.type = bytes ? CEL_BYTES : CEL_STRING;
    token->value.s = content;
    return !escapes || decode_string(lexer, token, content, bytes);
}

/* How many letters of a string prefix (r, b, rb, br in any case) stand before a quote here; -1: none. */
static int string_prefix(const struct cel_lexer *lexer, bool *raw, bool *bytes)
{
    *raw = *bytes = false;
    for (int i = 0; i < 3; i++) {
        int c = peek(lexer, (size_t)i);
        if (c == '"' || c == '\'')
            return i;
        bool r = c == 'r' || c == 'R', b = c == 'b' || c == 'B';
        if ((!r && !b) || (r && *raw) || (b && *bytes))
            return -1;
        *raw |= r;
        *bytes |= b;
    }
    return -1;
}

static bool lex_quoted_name(struct cel_lexer *lexer, struct cel_token *token)
{
    size_t from = ++lexer->at;
    int c;
    while (is_name(c = peek(lexer, 0)) || c == '.' || c == '-' || c == '/' || c == ' ')
        lexer->at++;
    if (c != '`' || lexer->at == from)
        return fail(lexer, token->offset, "unterminated name in backquotes");
    token->kind = TOKEN_QUOTED;
    token->name = vx_span(lexer->text.at + from, lexer->at - from);
    lexer->at++;
    return true;
}

static const struct {
    char text[3];
    enum cel_token_kind kind;
} operators[] = {
    /* the longer ones first */
    {"&&", TOKEN_AND},      {"||", TOKEN_OR},        {"==", TOKEN_EQ},      {"!=", TOKEN_NE},
    {"<=", TOKEN_LE},       {">=", TOKEN_GE},        {"<", TOKEN_LT},       {">", TOKEN_GT},
    {"+", TOKEN_PLUS},      {"-", TOKEN_MINUS},      {"*", TOKEN_STAR},     {"/", TOKEN_SLASH},
    {"%", TOKEN_PERCENT},   {"!", TOKEN_NOT},        {"?", TOKEN_QUESTION}, {":", TOKEN_COLON},
    {",", TOKEN_COMMA},     {".", TOKEN_DOT},        {"(", TOKEN_OPEN},     {")", TOKEN_CLOSE},
    {"[", TOKEN_OPEN_LIST}, {"]", TOKEN_CLOSE_LIST}, {"{", TOKEN_OPEN_MAP}, {"}", TOKEN_CLOSE_MAP},
};

static bool unexpected(struct cel_lexer *lexer)
{
    const char *from = lexer->text.at + lexer->at;
    int len, c = peek(lexer, 0);
    vx_utf8_decode(from, lexer->text.at + lexer->text.len, &len);
    if (c == '=')
        return cel_error_set(lexer->error, lexer->at, 1, "`=` is not an operator; equality is `==`");
    if (c == '&' || c == '|')
        return cel_error_set(lexer->error, lexer->at, 1, "`%c` is not an operator; did you mean `%c%c`?", c, c, c);
    if (c < 0x20 || c == 0x7f)
        return cel_error_set(lexer->error, lexer->at, 1, "unexpected byte 0x%02x", (unsigned)c);
    return cel_error_set(lexer->error, lexer->at, (size_t)len, "unexpected character `%.*s`", len, from);
}

bool cel_lexer_next(struct cel_lexer *lexer, struct cel_token *token)
{
    bool raw, bytes, good = true;
    skip_blanks(lexer);
    *token = (struct cel_token){.kind = TOKEN_END, .offset = lexer->at};
    int c = peek(lexer, 0), prefix = string_prefix(lexer, &raw, &bytes);
    if (c < 0) {
        return true;
    } else if (prefix >= 0) {
        lexer->at += (size_t)prefix;
        good = lex_string(lexer, token, raw, bytes);
    } else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        good = lex_number(lexer, token);
    } else if (is_name(c)) {
        while (is_name(peek(lexer, 0)))
            lexer->at++;
        token->kind = TOKEN_NAME;
        token->name = vx_span(lexer->text.at + token->offset, lexer->at - token->offset);
    } else if (c == '`') {
        good = lex_quoted_name(lexer, token);
    } else {
        for (size_t i = 0; i < sizeof operators / sizeof *operators && token->kind == TOKEN_END; i++) {
            struct vx_span symbol = vx_span_str(operators[i].text);
            if (vx_span_starts_with(vx_span(lexer->text.at + lexer->at, lexer->text.len - lexer->at), symbol)) {
                token->kind = operators[i].kind;
                lexer->at += symbol.len;
            }
        }
        good = token->kind != TOKEN_END || unexpected(lexer);
    }
    token->len = lexer->at - token->offset;
    return good;
}
