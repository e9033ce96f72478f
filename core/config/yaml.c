/* libyaml's events → nodes with places. The one file that knows yaml.h. Load-time only; any one thread.
 *
 *     text ── libyaml ──> events (marks in code points) ── cursor ──> nodes (bytes, line, column) in the arena
 *
 * libyaml speaks YAML 1.1 but leaves plain scalars alone; scalar.c decides by 1.2 what they are. Aliases, anchors and
 * tags are refused: a named pipeline does that job, and a tag is mostly a `!` that somebody forgot to quote.
 */
#include "core/config/yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "core/base/hash.h"
#include "core/base/utf8.h"

/* A place in the text in all three countings; moves to where the next mark points. */
struct cursor {
    size_t index; /* code points from the start */
    size_t byte;
    size_t line_index; /* `index` where the line begins */
    int line;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    struct vx_arena *arena;
    struct vx_diags *diags;
    struct config_file *file;
    size_t base; /* bytes of a byte order mark before the text that libyaml sees */
    struct cursor cursor;
    struct config_node *stack; /* nodes of collections that are not closed yet */
    size_t stack_count, stack_room;
    size_t errors_before;
    bool failed;
};

static void cursor_move(struct reader *r, size_t index)
{
    struct cursor *c = &r->cursor;
    const char *text = r->file->text.at;
    while (c->index < index && c->byte < r->file->text.len) {
        if (text[c->byte] == '\n') {
            c->line++;
            c->line_index = c->index + 1;
        }
        do
            c->byte++;
        while (c->byte < r->file->text.len && ((unsigned char)text[c->byte] & 0xc0) == 0x80);
        c->index++;
    }
    while (c->index > index) {
        do
            c->byte--;
        while (((unsigned char)text[c->byte] & 0xc0) == 0x80);
        c->index--;
        if (text[c->byte] == '\n') {
            size_t begin = c->byte;
            while (begin > r->base && text[begin - 1] != '\n')
                begin--;
            c->line--;
            c->line_index = c->index - vx_utf8_count(vx_span(text + begin, c->byte - begin));
        }
    }
}

static size_t byte_at(struct reader *r, size_t index)
{
    cursor_move(r, index);
    return r->cursor.byte;
}

static struct config_node node_at(struct reader *r, enum config_node_kind kind)
{
    struct config_node node = {.kind = kind, .file = r->file};
    node.end = byte_at(r, r->event.end_mark.index);
    node.begin = byte_at(r, r->event.start_mark.index);
    node.line = r->cursor.line;
    node.column = (int)(r->cursor.index - r->cursor.line_index) + 1;
    return node;
}

/* A file that is wrong throughout is said to be so by its first findings. */
static bool enough(const struct reader *r)
{
    return r->diags->error_count - r->errors_before >= CONFIG_FINDINGS_MAX;
}

static void report(struct reader *r, const struct config_node *node, const char *message)
{
    if (enough(r))
        return;
    struct vx_diag at = {.severity = VX_ERROR};
    config_node_place(node, &at);
    vx_diags_add(r->diags, &at, "%s", message);
}

/* Reports bytes begin..begin+len of the file, which no node covers. */
static void report_bytes(struct reader *r, size_t begin, size_t len, const char *message)
{
    struct config_node node = {.kind = CONFIG_SCALAR, .file = r->file, .line = r->file->first_line};
    struct vx_diag at = {.severity = VX_ERROR};
    if (begin > r->file->text.len)
        begin = r->file->text.len;
    for (size_t i = 0; i < begin; i++)
        node.line += r->file->text.at[i] == '\n';
    node.begin = begin;
    node.end = begin + len <= r->file->text.len ? begin + len : r->file->text.len;
    config_node_place(&node, &at);
    vx_diags_add(r->diags, &at, "%s", message);
}

/* Refuses what ends a line for some readers only: a bare CR, and U+0085, U+2028, U+2029, which YAML 1.1 (libyaml) takes
 * for line breaks and YAML 1.2 does not. Behind one, what an editor shows as a comment could be configuration. */
static bool check_breaks(struct reader *r)
{
    static const struct {
        const char *bytes, *name, *escape;
    } odd[] = {{"\r", "a carriage return without a line feed", "\\r"},
               {"\xc2\x85", "U+0085", "\\N"},
               {"\xe2\x80\xa8", "U+2028", "\\L"},
               {"\xe2\x80\xa9", "U+2029", "\\P"}};
    struct vx_span text = r->file->text;
    for (size_t at = 0; at < text.len; at++) {
        struct vx_span rest = vx_span(text.at + at, text.len - at);
        if (rest.at[0] != '\r' && (unsigned char)rest.at[0] < 0xc2)
            continue;
        for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
            bool pair = i == 0 && rest.len > 1 && rest.at[1] == '\n';
            if (pair || !vx_span_starts_with(rest, vx_span_str(odd[i].bytes)))
                continue;
            char message[200];
            snprintf(message, sizeof message,
                     "%s ends a line for some readers and not for others; remove it, or write it as an escape in "
                     "double quotes: \"%s\"",
                     odd[i].name, odd[i].escape);
            report_bytes(r, at, strlen(odd[i].bytes), message);
            return false;
        }
    }
    return true;
}

static void report_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    struct vx_buf message = {0};
    size_t offset = p->error == YAML_READER_ERROR ? r->base + p->problem_offset : byte_at(r, p->problem_mark.index);
    size_t len = 1;
    int context_line = p->context ? r->file->first_line + (int)p->context_mark.line : 0;
    yaml_explain(r->file->text, p->problem ? p->problem : "unreadable", p->context, context_line, &offset, &len,
                 &message);
    report_bytes(r, offset, len, vx_buf_text(&message));
    vx_buf_done(&message);
    r->failed = true;
}

/* The next event, in r->event; false when the text is not YAML. */
static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return true;
    report_syntax(r);
    return false;
}

static void push(struct reader *r, const struct config_node *node)
{
    if (r->stack_count == r->stack_room) {
        r->stack_room = r->stack_room ? r->stack_room * 2 : 64;
        r->stack = realloc(r->stack, r->stack_room * sizeof *r->stack);
        vx_assert(r->stack != NULL);
    }
    r->stack[r->stack_count++] = *node;
}

static enum config_style style_of(yaml_scalar_style_t style)
{
    switch (style) {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return CONFIG_SINGLE_QUOTED;
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return CONFIG_DOUBLE_QUOTED;
    case YAML_LITERAL_SCALAR_STYLE:
        return CONFIG_LITERAL;
    case YAML_FOLDED_SCALAR_STYLE:
        return CONFIG_FOLDED;
    default:
        return CONFIG_PLAIN;
    }
}

/* Refuses anchors and tags of the current event; a tagged node holds no value that could be used. */
static void check_properties(struct reader *r, struct config_node *node, const yaml_char_t *anchor,
                             const yaml_char_t *tag)
{
    if (anchor)
        report(r, node,
               "anchors (`&`) are not supported; a named pipeline does that job. A text that begins with `&` "
               "needs quotes");
    if (!tag)
        return;
    struct vx_buf message = {0};
    const char *begin = r->file->text.at + node->begin;
    const char *end = begin;
    while (end < r->file->text.at + r->file->text.len && end - begin < YAML_HINT_MAX_BYTES && *end != '\n' &&
           *end != '\r')
        end++;
    while (end > begin && ((unsigned char)*end & 0xc0) == 0x80)
        end--;
    vx_buf_str(&message, "a plain value that begins with `!` is a YAML tag; ");
    yaml_quote(vx_span(begin, (size_t)(end - begin)), &message);
    struct config_node place = *node;
    place.kind = CONFIG_SCALAR;
    place.style = CONFIG_PLAIN;
    place.end = (size_t)(end - r->file->text.at);
    report(r, &place, vx_buf_text(&message));
    vx_buf_done(&message);
    node->refused = true;
}

static struct config_node scalar(struct reader *r)
{
    struct config_node node = node_at(r, CONFIG_SCALAR);
    node.style = style_of(r->event.data.scalar.style);
    node.text = vx_arena_span(r->arena, vx_span((const char *)r->event.data.scalar.value, r->event.data.scalar.length));
    /* an empty value has its mark behind the key's colon, on a line that may be the next one */
    check_properties(r, &node, r->event.data.scalar.anchor, r->event.data.scalar.tag);
    yaml_resolve(&node);
    return node;
}

static void check_duplicates(struct reader *r, const struct config_node *mapping, struct config_node *keys)
{
    size_t room = 16;
    while (room < mapping->count * 2)
        room *= 2;
    uint32_t *table = calloc(room, sizeof *table);
    vx_assert(table != NULL);
    for (size_t i = 0; i < mapping->count; i++) {
        struct config_node *key = &keys[i];
        if (key->refused)
            continue;
        size_t at = vx_hash64(key->text) & (room - 1);
        while (table[at] && !vx_span_equal(mapping->keys[table[at] - 1].text, key->text))
            at = (at + 1) & (room - 1);
        if (!table[at]) {
            table[at] = (uint32_t)i + 1;
            continue;
        }
        struct vx_buf message = {0};
        vx_buf_printf(&message, "key `%.*s` is written twice; first on line %d", VX_SPAN_ARG(key->text),
                      mapping->keys[table[at] - 1].line);
        report(r, key, vx_buf_text(&message));
        vx_buf_done(&message);
        key->refused = true;
    }
    free(table);
}

static bool read_node(struct reader *r, int depth, struct config_node *out);

/* A key that can be none stays in its mapping, refused, so that its value is passed over. */
static void check_key(struct reader *r, struct config_node *key)
{
    const char *message = NULL;
    if (key->refused)
        return;
    if (key->kind != CONFIG_SCALAR)
        message = "a key must be a text; is a text that begins with `{` or `[` missing its quotes?";
    else if (key->style == CONFIG_PLAIN && vx_span_is(key->text, "<<"))
        message = "merge keys (`<<`) are not supported; a named pipeline does that job";
    else if (key->text.len > 0 && memchr(key->text.at, 0, key->text.len))
        message = "a key cannot hold a NUL character";
    if (!message)
        return;
    report(r, key, message);
    key->kind = CONFIG_SCALAR;
    key->text = vx_span("", 0);
    key->refused = true;
}

/* The collection whose start is the current event, up to its end. */
static bool collection(struct reader *r, int depth, struct config_node *out)
{
    bool mapping = r->event.type == YAML_MAPPING_START_EVENT;
    struct config_node node = node_at(r, mapping ? CONFIG_MAPPING : CONFIG_SEQUENCE);
    if (mapping)
        check_properties(r, &node, r->event.data.mapping_start.anchor, r->event.data.mapping_start.tag);
    else
        check_properties(r, &node, r->event.data.sequence_start.anchor, r->event.data.sequence_start.tag);
    yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    size_t first = r->stack_count;
    struct config_node child;
    for (;;) {
        if (!next(r))
            return false;
        if (r->event.type == end)
            break;
        if (!read_node(r, depth + 1, &child))
            return false;
        if (!mapping) {
            push(r, &child);
            continue;
        }
        check_key(r, &child);
        push(r, &child);
        if (!next(r) || !read_node(r, depth + 1, &child))
            return false;
        push(r, &child);
    }
    node.end = byte_at(r, r->event.end_mark.index);
    node.count = (r->stack_count - first) / (mapping ? 2 : 1);
    struct config_node *items = VX_ARENA_ARRAY(r->arena, struct config_node, node.count);
    struct config_node *keys = mapping ? VX_ARENA_ARRAY(r->arena, struct config_node, node.count) : NULL;
    for (size_t i = 0; i < node.count; i++) {
        if (mapping)
            keys[i] = r->stack[first + 2 * i];
        items[i] = r->stack[mapping ? first + 2 * i + 1 : first + i];
    }
    r->stack_count = first;
    node.items = items;
    node.keys = keys;
    if (mapping)
        check_duplicates(r, &node, keys);
    *out = node;
    return true;
}

/* The node whose first event is the current one. */
static bool read_node(struct reader *r, int depth, struct config_node *out)
{
    if (depth > YAML_DEPTH_MAX) {
        struct config_node node = node_at(r, CONFIG_SCALAR);
        struct vx_buf message = {0};
        vx_buf_printf(&message, "nested more than %d deep", YAML_DEPTH_MAX);
        report(r, &node, vx_buf_text(&message));
        vx_buf_done(&message);
        r->failed = true;
        return false;
    }
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        *out = scalar(r);
        return true;
    case YAML_ALIAS_EVENT:
        *out = node_at(r, CONFIG_SCALAR);
        out->text = vx_span("", 0);
        out->refused = true;
        report(r, out,
               "aliases (`*`) are not supported; a named pipeline does that job. A text that begins with `*` "
               "needs quotes");
        return true;
    default:
        return collection(r, depth, out);
    }
}

/* Where the text of a document begins: behind its `---`, on the next line when nothing else stands on that one. */
static void document_begin(struct reader *r, struct yaml_document *doc, bool first)
{
    size_t at = byte_at(r, first ? 0 : r->event.start_mark.index); /* comments before the first belong to it */
    struct vx_span text = r->file->text;
    if (!r->event.data.document_start.implicit) {
        at = byte_at(r, r->event.end_mark.index); /* leaves the cursor there */
        size_t eol = at;
        while (eol < text.len && (text.at[eol] == ' ' || text.at[eol] == '\t' || text.at[eol] == '\r'))
            eol++;
        if (eol < text.len && text.at[eol] == '\n')
            at = eol + 1;
    }
    doc->begin = at;
    doc->line = r->cursor.line + (at > r->cursor.byte);
}

static void document_add(struct yaml_stream *out, struct vx_arena *arena, struct yaml_document doc, size_t *room)
{
    if (out->count == *room) {
        struct yaml_document *old = out->documents;
        *room = *room ? *room * 2 : 4;
        out->documents = VX_ARENA_ARRAY(arena, struct yaml_document, *room);
        if (out->count)
            memcpy(out->documents, old, out->count * sizeof *old);
    }
    out->documents[out->count++] = doc;
}

static bool read_documents(struct reader *r, struct yaml_stream *out)
{
    size_t room = 0;
    struct yaml_document doc = {0};
    bool first = true;
    bool open = false; /* the end of `doc` is where the next one starts */
    while (next(r) && r->event.type != YAML_STREAM_END_EVENT) {
        if (r->event.type == YAML_DOCUMENT_END_EVENT && !r->event.data.document_end.implicit && open) {
            doc.end = byte_at(r, r->event.start_mark.index);
            document_add(out, r->arena, doc, &room);
            open = false;
        }
        if (r->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        if (open) {
            doc.end = byte_at(r, r->event.start_mark.index);
            document_add(out, r->arena, doc, &room);
        }
        document_begin(r, &doc, first);
        first = false;
        struct config_node *root = VX_ARENA_NEW(r->arena, struct config_node);
        if (!next(r) || !read_node(r, 0, root))
            break;
        doc.root = root;
        open = root->kind != CONFIG_SCALAR || root->scalar != CONFIG_NULL || root->refused;
    }
    doc.end = r->file->text.len;
    if (open && !r->failed)
        document_add(out, r->arena, doc, &room);
    return !r->failed;
}

bool yaml_load(const struct config_source *source, struct vx_arena *arena, struct yaml_stream *out,
               struct vx_diags *diags)
{
    struct config_file *file = VX_ARENA_NEW(arena, struct config_file);
    bool sane = source->first_line > 0 && source->first_line <= CONFIG_LINE_MAX; /* a manifest may say anything */
    *file = (struct config_file){vx_arena_str(arena, source->path), vx_arena_span(arena, source->text),
                                 sane ? source->first_line : 1};
    struct reader r = {.arena = arena, .diags = diags, .file = file, .errors_before = diags->error_count};
    *out = (struct yaml_stream){.file = file};
    if (!vx_utf8_valid(file->text)) {
        const char *p = file->text.at, *end = p + file->text.len;
        for (int len; p < end && vx_utf8_decode(p, end, &len) >= 0;)
            p += len;
        /* the line cannot be shown: it is not text */
        struct vx_diag at = {.severity = VX_ERROR, .file = file->path, .line = file->first_line, .column = 1};
        for (const char *q = file->text.at; q < p; q++)
            at.line += *q == '\n';
        vx_diags_add(diags, &at, "byte %zu of the file is not UTF-8", (size_t)(p - file->text.at) + 1);
        return false;
    }
    if (!check_breaks(&r))
        return false;
    r.base = vx_span_starts_with(file->text, VX_SPAN_LITERAL("\xef\xbb\xbf")) ? 3 : 0;
    r.cursor = (struct cursor){.byte = r.base, .line = file->first_line};
    vx_assert(yaml_parser_initialize(&r.parser));
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)file->text.at + r.base, file->text.len - r.base);
    bool ok = read_documents(&r, out);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    free(r.stack);
    return ok;
}
