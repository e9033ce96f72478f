/* The scanner: first pass (index.h) for the tokens, then a walk over them that checks the grammar, the numbers and the
 * literals, and carries the trie node (paths.h) of where it is. A worker's thread; the scanner owns its scratch memory.
 *
 *     text ──index──> tokens ──walk──> slots
 *                                │  node: what is wanted here, NULL inside what nobody wants (no key is compared there)
 *
 * Invariant of the walk: it reads only token positions and what follows them up to a byte that ends it. Where the last
 * token is a closing bracket, that byte is always inside the text, and only behind a closing bracket can the tokens run
 * out. Any other text (a bare scalar, a broken one) is walked in a copy with a space behind it, where reading on is
 * harmless and the space fits no state.
 */
#include "core/json/scan.h"

#include <stdlib.h>

#include "core/json/index.h"
#include "core/json/paths.h"
#include "core/json/text.h"

/* An open array or object. */
struct frame {
    const struct json_node *self;   /* wants the whole of it when it closes, or NULL */
    const struct json_node *inside; /* wants what is in it, or NULL */
    uint32_t at;                    /* of its opening bracket; only with `self` */
    uint32_t element;               /* of an array: the next one; only with `inside` */
    uint32_t wanted;                /* of an array: which child of `inside` comes next; only with `inside` */
    bool object;
};

struct json_scanner {
    uint32_t *tokens;
    size_t token_room;
    struct vx_buf copy;                      /* of a text that cannot be walked in place */
    struct vx_buf key;                       /* a key without its escapes */
    struct frame frames[1 + JSON_DEPTH_MAX]; /* the first stands for what is around the root */
};

struct walk {
    struct json_scanner *scanner;
    const struct json_paths *paths;
    const char *text;       /* to read from */
    const char *origin;     /* the caller's text, which slots point into */
    const uint32_t *tokens; /* the one at [count] is the end of what may be read */
    size_t count;
    struct json_value *slots;
    bool escapes;
};

struct json_scanner *json_scanner_new(void)
{
    struct json_scanner *scanner = calloc(1, sizeof *scanner);
    vx_assert(scanner != NULL);
    return scanner;
}

void json_scanner_free(struct json_scanner *scanner)
{
    if (!scanner)
        return;
    free(scanner->tokens);
    vx_buf_done(&scanner->copy);
    vx_buf_done(&scanner->key);
    free(scanner);
}

size_t json_scanner_held_bytes(const struct json_scanner *scanner)
{
    return scanner->token_room * sizeof *scanner->tokens + scanner->copy.size + scanner->key.size;
}

/* Room for one token per byte and the one behind the last. */
static void reserve_tokens(struct json_scanner *scanner, size_t text_len)
{
    enum { TOKENS_MIN = 1024, TOKENS_KEPT = JSON_SCANNER_KEEP_BYTES / sizeof(uint32_t) };
    if (scanner->token_room > text_len)
        return;
    size_t room = TOKENS_MIN;
    while (room <= text_len && room < TOKENS_KEPT)
        room *= 2;
    if (room <= text_len) /* for this scan only */
        room = text_len + 1;
    free(scanner->tokens);
    scanner->tokens = malloc(room * sizeof *scanner->tokens);
    vx_assert(scanner->tokens != NULL);
    scanner->token_room = room;
}

/* One large text must not cost its worker memory for ever. */
static void give_back(struct json_scanner *scanner)
{
    if (scanner->token_room * sizeof *scanner->tokens > JSON_SCANNER_KEEP_BYTES) {
        free(scanner->tokens);
        scanner->tokens = NULL;
        scanner->token_room = 0;
    }
    if (scanner->copy.size > JSON_SCANNER_KEEP_BYTES)
        vx_buf_done(&scanner->copy);
    if (scanner->key.size > JSON_SCANNER_KEEP_BYTES)
        vx_buf_done(&scanner->key);
}

/* True when eight bytes at `p` are all digits: their high half is 3, and adding 6 does not carry out of the low
 * half. */
static inline bool eight_digits(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return ((v & 0xf0f0f0f0f0f0f0f0) | (((v + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) == 0x3333333333333333;
}

static inline const char *skip_digits(const char *p, const char *end)
{
    while (end - p >= 8 && eight_digits(p))
        p += 8;
    while (json_is_digit(*p))
        p++;
    return p;
}

/* Checks the number at `p`. Sets *stop behind it and returns its kind, or JSON_KIND_MISSING and *stop at the fault. */
static inline enum json_kind check_number(const char *p, const char *end, const char **stop)
{
    enum json_kind kind = JSON_KIND_INT;
    if (*p == '-')
        p++;
    *stop = p;
    if (!json_is_digit(*p))
        return JSON_KIND_MISSING;
    if (*p == '0')
        p++;
    else
        while (json_is_digit(*p))
            p++;
    if (*p == '.') {
        kind = JSON_KIND_DOUBLE;
        *stop = ++p;
        if (!json_is_digit(*p))
            return JSON_KIND_MISSING;
        p = skip_digits(p, end);
    }
    if (*p == 'e' || *p == 'E') {
        kind = JSON_KIND_DOUBLE;
        p++;
        if (*p == '+' || *p == '-')
            p++;
        *stop = p;
        if (!json_is_digit(*p))
            return JSON_KIND_MISSING;
        p = skip_digits(p, end);
    }
    *stop = p;
    return json_ends_scalar(*p) ? kind : JSON_KIND_MISSING;
}

/* The same for a number or a literal. */
static inline enum json_kind check_scalar(const char *p, const char *end, const char **stop)
{
    enum json_kind kind;
    size_t len = 4;
    switch (*p) {
    case 'n':
        kind = JSON_KIND_NULL;
        break;
    case 't':
        kind = JSON_KIND_TRUE;
        break;
    case 'f':
        kind = JSON_KIND_FALSE;
        len = 5;
        break;
    default:
        return check_number(p, end, stop);
    }
    static const char *const names[] = {
        [JSON_KIND_NULL] = "null", [JSON_KIND_TRUE] = "true", [JSON_KIND_FALSE] = "false"};
    *stop = p;
    if ((size_t)(end - p) < len || memcmp(p, names[kind], len) != 0 || !json_ends_scalar(p[len]))
        return JSON_KIND_MISSING;
    *stop = p + len;
    return kind;
}

/* The closing quote of the string before the token at `next`: between the two is only white space. */
static inline uint32_t string_end(const char *text, uint32_t next)
{
    do
        next--;
    while (text[next] != '"');
    return next;
}

static void fill(const struct walk *w, const struct json_node *node, enum json_kind kind, uint32_t at, uint32_t end)
{
    struct json_value v = {.at = w->origin + at, .len = end - at, .kind = (uint8_t)kind};
    if (kind == JSON_KIND_STRING && w->escapes)
        v.escaped = memchr(w->text + at, '\\', end - at) != NULL;
    for (uint32_t i = node->slots_at; i < node->slots_below; i++)
        w->slots[w->paths->slots[i]] = v;
}

static void forget(const struct walk *w, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        w->slots[w->paths->slots[i]] = (struct json_value){.kind = JSON_KIND_MISSING};
}

/* The child of `node` for the key text[at..end). */
static const struct json_node *find_member(const struct walk *w, const struct json_node *node, uint32_t at,
                                           uint32_t end)
{
    const char *p = w->text + at;
    size_t len = end - at;
    if (w->escapes && memchr(p, '\\', len)) {
        struct vx_buf *key = &w->scanner->key;
        vx_buf_clear(key);
        len = json_decode_all(p, p + len, vx_buf_reserve(key, len));
        return json_node_find(node, vx_span(key->at, len));
    }
    if (!(node->filter & json_key_bit(p, len)))
        return NULL;
    return json_node_find(node, vx_span(p, len));
}

/* The child of the array's node for its next element. */
static const struct json_node *next_element(struct frame *f)
{
    if (!f->inside)
        return NULL;
    uint32_t element = f->element++;
    if (f->wanted == f->inside->elem_count || f->inside->elems[f->wanted].index != element)
        return NULL;
    return f->inside->elems[f->wanted++].node;
}

static inline void open_frame(struct frame *f, const struct json_node *node, bool object, uint32_t at)
{
    f->object = object;
    f->self = f->inside = NULL;
    if (!node)
        return;
    f->self = node->slots_at < node->slots_below ? node : NULL;
    f->inside = (object ? node->key_count : node->elem_count) ? node : NULL;
    f->at = at;
    f->element = f->wanted = 0;
}

/* Walks the tokens of one value and what is in it. Returns the offset of the first fault, or JSON_NO_FAULT. */
static size_t walk(const struct walk *w)
{
    const char *text = w->text, *end = text + w->tokens[w->count];
    const uint32_t *token = w->tokens, *token_end = token + w->count;
    struct frame *outside = w->scanner->frames, *f = outside; /* f: the innermost open one */
    const struct json_node *node = w->paths ? w->paths->root : NULL;
    for (;;) {
        /* *token begins a value that `node` wants. */
        uint32_t at = *token++;
        enum json_class class = json_class(text[at]);
        if (class == JSON_OPEN) {
            if (f - outside == JSON_DEPTH_MAX)
                return at;
            open_frame(++f, node, text[at] == '{', at);
            if (json_class(text[*token]) != JSON_CLOSE)
                goto inside;
        } else if (class == JSON_QUOTE) {
            if (node)
                fill(w, node, JSON_KIND_STRING, at + 1, string_end(text, *token));
        } else {
            const char *stop;
            enum json_kind kind = check_scalar(text + at, end, &stop);
            if (kind == JSON_KIND_MISSING)
                return (size_t)(stop - text);
            if (node)
                fill(w, node, kind, at, (uint32_t)(stop - text));
        }
        /* A value ended; close what ends with it. */
        for (;;) {
            if (f == outside)
                return token == token_end ? JSON_NO_FAULT : *token;
            at = *token;
            if (text[at] == ',')
                break;
            if (text[at] != (f->object ? '}' : ']'))
                return at;
            if (f->self)
                fill(w, f->self, f->object ? JSON_KIND_OBJECT : JSON_KIND_ARRAY, f->at, at + 1);
            token++;
            f--;
            if (token == token_end && f != outside)
                return *token;
        }
        token++;
    inside:
        if (!f->object) {
            node = next_element(f);
            continue;
        }
        at = *token;
        if (text[at] != '"')
            return at;
        uint32_t colon = token[1];
        if (text[colon] != ':')
            return colon;
        token += 2;
        node = NULL;
        if (f->inside) {
            node = find_member(w, f->inside, at + 1, string_end(text, colon));
            if (node) /* a repeated key takes back what was below the earlier one */
                forget(w, node->slots_below, node->slots_end);
        }
    }
}

enum vx_status json_scan(struct json_scanner *scanner, const struct json_paths *paths, struct vx_span text,
                         struct json_value *slots, size_t *error_at)
{
    if (text.len > JSON_TEXT_MAX_BYTES) {
        if (error_at)
            *error_at = JSON_TEXT_MAX_BYTES;
        return VX_EINVAL;
    }
    reserve_tokens(scanner, text.len);
    struct json_index index = {.tokens = scanner->tokens};
    json_index_get()(&index, text);
    struct walk w = {
        .scanner = scanner,
        .paths = paths && paths->wanted_count ? paths : NULL,
        .text = text.at,
        .origin = text.at,
        .tokens = index.tokens,
        .count = index.count,
        .slots = slots,
        .escapes = index.escapes,
    };
    if (w.paths)
        forget(&w, 0, paths->wanted_count);
    size_t readable = index.tokens[index.count];
    if (index.fault != JSON_NO_FAULT || !index.count ||
        json_class(text.at[index.tokens[index.count - 1]]) != JSON_CLOSE) {
        vx_buf_clear(&scanner->copy);
        vx_buf_add(&scanner->copy, text.at, readable);
        vx_buf_char(&scanner->copy, ' ');
        w.text = scanner->copy.at;
    }
    if (index.fault != JSON_NO_FAULT)
        w.paths = NULL; /* the walk may find an earlier fault, but the last string has no end to look for */
    size_t fault = walk(&w);
    give_back(scanner);
    if (fault == JSON_NO_FAULT)
        fault = index.fault;
    if (fault == JSON_NO_FAULT)
        return VX_OK;
    if (error_at)
        *error_at = fault;
    return VX_EINVAL;
}
