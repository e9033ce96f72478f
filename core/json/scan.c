/* The scanner: first pass (index.h) for the tokens, then a walk over them that checks the grammar, the numbers and the
 * literals, and carries the trie node (paths.h) of where it is. A worker's thread; the scanner owns its scratch memory.
 *
 *     text ──index──> tokens ──walk──> slots     node: what is wanted here
 *                                └──skip         what is inside containers that nobody wants anything of: only checked
 *
 * Invariant of both: they read only token positions and what follows them up to a byte that ends it. Where the last
 * token is a closing bracket, that byte is always inside the text, and only behind a closing bracket can the tokens run
 * out. Any other text (a bare scalar, a broken one) is walked in a copy with a space behind it, where reading on is
 * harmless and the space fits no state.
 */
#include "core/json/scan.h"

#include <stdlib.h>

#include "core/json/index.h"
#include "core/json/paths.h"
#include "core/json/scalar.h"
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

/* Where the key of a node stood last; of another scan, where `scan` is not its number. */
struct seen {
    uint32_t scan;
    uint32_t at;
};

struct json_scanner {
    uint32_t *tokens;
    size_t token_room;
    struct seen *seen; /* by json_node.number */
    size_t seen_room;
    uint32_t scans;                          /* number of the one under way, from 1 */
    struct vx_buf copy;                      /* of a text that cannot be walked in place */
    struct vx_buf key;                       /* a key without its escapes */
    struct frame frames[1 + JSON_DEPTH_MAX]; /* the first stands for what is around the root */
    char closers[JSON_DEPTH_MAX];            /* of containers inside one that nobody wants anything of */
};

struct walk {
    struct json_scanner *scanner;
    const struct json_paths *paths;
    const char *text;   /* to read from */
    const char *end;    /* of what may be read of it, but for one more byte */
    const char *origin; /* the caller's text, which slots point into */
    const uint32_t *tokens;
    const uint32_t *token_end; /* what it points to is the end of what may be read */
    struct json_value *slots;
    bool escapes;
    bool repeats; /* a wanted key with others below it came more than once */
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
    free(scanner->seen);
    vx_buf_done(&scanner->copy);
    vx_buf_done(&scanner->key);
    free(scanner);
}

size_t json_scanner_held_bytes(const struct json_scanner *scanner)
{
    return scanner->token_room * sizeof *scanner->tokens + scanner->copy.size + scanner->key.size;
}

/* Room for one token per byte and what the first pass wants beyond. */
static void reserve_tokens(struct json_scanner *scanner, size_t text_len)
{
    enum { TOKENS_MIN = 1024, TOKENS_KEPT = JSON_SCANNER_KEEP_BYTES / sizeof(uint32_t) };
    size_t need = text_len + JSON_INDEX_SLACK, room = TOKENS_MIN;
    if (scanner->token_room >= need)
        return;
    while (room < need && room < TOKENS_KEPT)
        room *= 2;
    if (room < need) /* for this scan only */
        room = need;
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

/* The closing quote of the string before the token at `next`: between the two is only white space. */
static inline uint32_t string_end(const char *text, uint32_t next)
{
    do
        next--;
    while (text[next] != '"');
    return next;
}

static inline void fill(const struct walk *w, const struct json_node *node, enum json_kind kind, uint32_t at,
                        uint32_t end)
{
    struct json_value v = {.at = w->origin + at, .len = end - at, .kind = (uint8_t)kind};
    if (kind == JSON_KIND_STRING && w->escapes)
        v.escaped = memchr(w->text + at, '\\', end - at) != NULL;
    for (uint32_t i = node->slots_at; i < node->slots_below; i++)
        w->slots[w->paths->slots[i]] = v;
}

static inline void forget(const struct walk *w, uint32_t slot)
{
    w->slots[slot] = (struct json_value){.kind = JSON_KIND_MISSING};
}

/* Of a repeated key the last one counts, also for what is below an earlier one: notes where it stands. */
static inline void note_key(struct walk *w, const struct json_node *node, uint32_t at)
{
    struct seen *seen = &w->scanner->seen[node->number];
    w->repeats |= seen->scan == w->scanner->scans;
    *seen = (struct seen){w->scanner->scans, at};
}

/* Forgets what was found below keys that came again later, all at once: so that a text of a thousand repeats costs no
 * more than one. What counts stands behind every key on its path, `from` is the last of them. Recurses once per step of
 * a path. */
static void forget_repeated(const struct walk *w, const struct json_node *node, uint32_t from)
{
    const struct seen *seen = &w->scanner->seen[node->number];
    if (seen->scan == w->scanner->scans && seen->at > from)
        from = seen->at;
    for (uint32_t i = node->slots_at; i < node->slots_below; i++) {
        uint32_t slot = w->paths->slots[i];
        if (w->slots[slot].at && w->slots[slot].at < w->origin + from)
            forget(w, slot);
    }
    for (uint32_t i = 0; i < node->key_count + node->elem_count; i++)
        forget_repeated(w, node->keys[i].node, from);
}

/* The child of `node` for the key text[at..end). */
static inline const struct json_node *find_member(struct walk *w, const struct json_node *node, uint32_t at,
                                                  uint32_t end)
{
    struct vx_span key = vx_span(w->text + at, end - at);
    const struct json_node *child = NULL;
    uint32_t candidate;
    if (w->escapes && memchr(key.at, '\\', key.len)) {
        struct vx_buf *plain = &w->scanner->key;
        vx_buf_clear(plain);
        size_t len = json_decode_all(key.at, key.at + key.len, vx_buf_reserve(plain, key.len));
        child = json_node_find(node, vx_span(plain->at, len), plain->at + len);
    } else if ((candidate = node->sums[json_key_sum(key.at, key.len, node->sum_factor)]) == JSON_KEYS_SEVERAL) {
        child = json_node_find(node, key, w->end);
    } else if (candidate && json_child_is(&node->keys[candidate - 1], key, w->end)) {
        child = node->keys[candidate - 1].node;
    }
    if (child && child->slots_below < child->slots_end)
        note_key(w, child, at);
    return child;
}

/* The child of the array's node for its next element. */
static inline const struct json_node *next_element(struct frame *f)
{
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

/* Checks the string, number or literal whose token is at `at`, for `node`. Returns JSON_NO_FAULT or the fault. */
static inline size_t walk_scalar(const struct walk *w, const struct json_node *node, uint32_t at, uint32_t next)
{
    const char *p = w->text + at, *stop;
    if (*p == '"') {
        if (node)
            fill(w, node, JSON_KIND_STRING, at + 1, string_end(w->text, next));
        return JSON_NO_FAULT;
    }
    enum json_kind kind = json_check_scalar(p, w->end, &stop);
    if (kind == JSON_KIND_MISSING)
        return (size_t)(stop - w->text);
    if (node)
        fill(w, node, kind, at, (uint32_t)(stop - w->text));
    return JSON_NO_FAULT;
}

/* Nothing found, no key seen. */
static void begin_slots(const struct walk *w)
{
    struct json_scanner *scanner = w->scanner;
    if (scanner->seen_room < w->paths->node_count || ++scanner->scans == 0) {
        free(scanner->seen);
        scanner->seen_room = w->paths->node_count;
        scanner->seen = calloc(scanner->seen_room, sizeof *scanner->seen);
        vx_assert(scanner->seen != NULL);
        scanner->scans = 1;
    }
    for (uint32_t i = 0; i < w->paths->wanted_count; i++)
        forget(w, w->paths->slots[i]);
}

static inline const uint32_t *stop_at(size_t *fault, size_t at)
{
    *fault = at;
    return NULL;
}

/* Checks a container that nobody wants anything of, `depth` others around it. Its opening bracket stands before
 * `token`. Returns the token behind its closing bracket, or NULL and the fault. */
static const uint32_t *skip(const struct walk *w, const uint32_t *token, size_t depth, size_t *fault)
{
    const char *text = w->text, *stop;
    char *bottom = w->scanner->closers, *top = bottom; /* the brackets that close what is around the innermost one */
    char c, closer = text[token[-1]] + 2;
    uint32_t at;
    if (json_class(text[*token]) != JSON_CLOSE)
        goto inside;
    for (;;) {
        while ((c = text[at = *token++]) != ',') {
            if (c != closer)
                return stop_at(fault, at);
            if (top == bottom)
                return token;
            closer = *--top;
            if (token == w->token_end)
                return stop_at(fault, *token);
        }
    inside:
        if (closer == '}') {
            if (text[token[0]] != '"')
                return stop_at(fault, token[0]);
            if (text[token[1]] != ':')
                return stop_at(fault, token[1]);
            token += 2;
        }
        c = text[at = *token++];
        if (c == '"')
            continue;
        if (json_class(c) == JSON_OPEN) {
            if (depth + (size_t)(top - bottom) + 1 == JSON_DEPTH_MAX)
                return stop_at(fault, at);
            *top++ = closer;
            closer = c + 2; /* in ASCII both closing brackets stand two behind the opening one */
            if (json_class(text[*token]) != JSON_CLOSE)
                goto inside;
        } else if (json_check_scalar(text + at, w->end, &stop) == JSON_KIND_MISSING) {
            return stop_at(fault, (size_t)(stop - text));
        }
    }
}

/* Walks the tokens of one value and what is in it. Returns the offset of the first fault, or JSON_NO_FAULT. */
static size_t walk(struct walk *w)
{
    const char *text = w->text;
    const uint32_t *token = w->tokens;
    struct frame *outside = w->scanner->frames, *f = outside; /* f: the innermost open one */
    const struct json_node *node = w->paths ? w->paths->root : NULL;
    size_t fault;
    for (;;) {
        /* *token begins a value that `node` wants. */
        uint32_t at = *token++;
        if (json_class(text[at]) != JSON_OPEN) {
            fault = walk_scalar(w, node, at, *token);
            if (fault != JSON_NO_FAULT)
                return fault;
        } else if (f - outside == JSON_DEPTH_MAX) {
            return at;
        } else if (node) {
            open_frame(++f, node, text[at] == '{', at);
            if (json_class(text[*token]) != JSON_CLOSE)
                goto inside;
        } else {
            token = skip(w, token, (size_t)(f - outside), &fault);
            if (!token)
                return fault;
            if (token == w->token_end && f != outside)
                return *token;
        }
        /* A value ended; close what ends with it. */
        for (;;) {
            if (f == outside)
                return token == w->token_end ? JSON_NO_FAULT : *token;
            at = *token++;
            if (text[at] == ',')
                break;
            if (text[at] != (f->object ? '}' : ']'))
                return at;
            if (f->self)
                fill(w, f->self, f->object ? JSON_KIND_OBJECT : JSON_KIND_ARRAY, f->at, at + 1);
            f--;
            if (token == w->token_end && f != outside)
                return *token;
        }
    inside:
        if (!f->object) {
            node = f->inside ? next_element(f) : NULL;
            continue;
        }
        at = *token;
        if (text[at] != '"')
            return at;
        uint32_t colon = token[1];
        if (text[colon] != ':')
            return colon;
        token += 2;
        node = f->inside ? find_member(w, f->inside, at + 1, string_end(text, colon)) : NULL;
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
        .token_end = index.tokens + index.count,
        .slots = slots,
        .escapes = index.escapes,
    };
    if (w.paths)
        begin_slots(&w);
    size_t readable = index.tokens[index.count];
    if (index.fault != JSON_NO_FAULT || !index.count ||
        json_class(text.at[index.tokens[index.count - 1]]) != JSON_CLOSE) {
        vx_buf_clear(&scanner->copy);
        vx_buf_add(&scanner->copy, text.at, readable);
        vx_buf_char(&scanner->copy, ' ');
        w.text = scanner->copy.at;
    }
    w.end = w.text + readable;
    if (index.fault != JSON_NO_FAULT)
        w.paths = NULL; /* the walk may find an earlier fault, but the last string has no end to look for */
    size_t fault = walk(&w);
    if (w.repeats && w.paths)
        forget_repeated(&w, paths->root, 0);
    give_back(scanner);
    if (fault == JSON_NO_FAULT)
        fault = index.fault;
    if (fault == JSON_NO_FAULT)
        return VX_OK;
    if (error_at)
        *error_at = fault;
    return VX_EINVAL;
}

bool json_is_too_deep(struct vx_span text, size_t at)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < at && i < text.len; i++) {
        char c = text.at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (size_t)(c == '{' || c == '[') - (size_t)(c == '}' || c == ']');
    }
    return depth == JSON_DEPTH_MAX && at < text.len && (text.at[at] == '{' || text.at[at] == '[');
}
