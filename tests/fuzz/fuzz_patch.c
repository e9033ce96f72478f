/* Patching: the input is edits, one a line, an empty line, and the text. An edit is `path` (remove) or `path=value`
 * (set); the path's steps are keys, or `[number]`, with dots between them. The result is JSON, is what the same edits make of
 * jansson's tree, keeps what no edit names byte for byte, and is appended; a refusal appends nothing. */
#include "../unit/json/tree.h"

#include "core/base/utf8.h"
#include "core/json/scan.h"

enum { EDITS_MAX = 6, STEPS_MAX = 8, ARRAY_MAX = 64, DEPTH_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct edits {
    struct json_edit list[EDITS_MAX];
    struct json_step steps[EDITS_MAX][STEPS_MAX];
    size_t count;
};

static struct json_scanner *scanner;

static bool is_json(struct vx_span text)
{
    return json_scan(scanner, NULL, text, NULL, NULL) == VX_OK;
}

/* The root of a text, which must be JSON. */
static struct json_value root_of(struct vx_span text)
{
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, (struct json_path){0}, 0);
    json_paths_seal(paths);
    struct json_value root;
    enum vx_status status = json_scan(scanner, paths, text, &root, NULL);
    vx_assert(status == VX_OK);
    json_paths_free(paths);
    return root;
}

/* Reads a line, which is NUL-terminated and changed; keys point into it. */
static bool read_path(char *line, struct json_step *steps, struct json_path *path)
{
    size_t count = 0;
    for (char *step = line, *next; step; step = next) {
        if (count == STEPS_MAX)
            return false;
        next = strchr(step, '.');
        if (next)
            *next++ = 0;
        char *end;
        if (*step == '[') {
            unsigned long index = strtoul(step + 1, &end, 10);
            if (*end != ']' || index > ARRAY_MAX)
                return false;
            steps[count++] = (struct json_step){.index = (uint32_t)index, .is_index = true};
        } else {
            if (!vx_utf8_valid(vx_span_str(step)))
                return false;
            steps[count++] = (struct json_step){.key = vx_span_str(step)};
        }
    }
    *path = (struct json_path){steps, count};
    return true;
}

/* False where the config check would have refused the edits, or jansson has no value like that. */
static bool read_edit(struct edits *edits, char *line)
{
    if (edits->count == EDITS_MAX)
        return false;
    struct json_edit *edit = &edits->list[edits->count];
    char *value = strchr(line, '=');
    *edit = (struct json_edit){0};
    if (value) {
        json_error_t error;
        *value++ = 0;
        edit->value = vx_span_str(value);
        json_t *tree = is_json(edit->value) ? tree_load(edit->value, &error) : NULL;
        if (!tree)
            return false;
        json_decref(tree);
    }
    if (!read_path(line, edits->steps[edits->count], &edit->path))
        return false;
    for (size_t i = 0; i < edits->count; i++)
        if (tree_overlap(edits->list[i].path, edit->path))
            return false;
    edits->count++;
    return true;
}

/* The edit's step at `depth` is this member, or this element. */
static bool is_named(const struct json_edit *edit, size_t depth, struct json_value key, uint32_t index)
{
    const struct json_step *step = &edit->path.steps[depth];
    return step->is_index ? key.kind == JSON_KIND_MISSING && step->index == index
                          : key.kind == JSON_KIND_STRING && json_string_equal(key, step->key);
}

/* No member behind this one has the same key; a path that sets leads through the last one. */
static bool is_last(struct json_iter it)
{
    struct vx_arena arena = {0};
    bool last = true;
    struct vx_span key = it.object ? json_unescape(it.key, &arena) : vx_span("", 0);
    while (it.object && last && json_next(&it))
        last = !json_string_equal(it.key, key);
    vx_arena_done(&arena);
    return last;
}

/* What becomes of a place of the old text: the edits that end there, and those that lead on below it. */
struct fate {
    bool removed, set;
    unsigned below;
};

static struct fate fate_of(const struct edits *edits, unsigned some, size_t depth, struct json_iter it, uint32_t index)
{
    struct fate fate = {0};
    bool last = is_last(it);
    for (size_t i = 0; i < edits->count; i++) {
        const struct json_edit *edit = &edits->list[i];
        if (!(some >> i & 1) || !is_named(edit, depth, it.key, index))
            continue;
        if (edit->path.count > depth + 1)
            fate.below |= !edit->value.at || last ? 1u << i : 0;
        else if (edit->value.at)
            fate.set = true;
        else
            fate.removed = true;
    }
    return fate;
}

/* Below a place that only `some` of the edits (bits) lead through: what none of them names keeps its bytes and its order,
 * at every depth. */
static void check_untouched(struct json_value before, struct json_value after, const struct edits *edits, unsigned some,
                            size_t depth)
{
    bool inside = before.kind == JSON_KIND_OBJECT || before.kind == JSON_KIND_ARRAY;
    if (!some || !inside) {
        vx_assert(vx_span_equal(json_text(before), json_text(after)));
        return;
    }
    vx_assert(before.kind == after.kind);
    struct json_iter old = json_iter(before), new = json_iter(after);
    for (uint32_t i = 0; json_next(&old); i++) {
        struct fate fate = fate_of(edits, some, depth, old, i);
        if (fate.removed || (fate.set && old.object))
            continue;
        bool found = json_next(&new);
        while (found && old.object && !vx_span_equal(json_text(old.key), json_text(new.key)))
            found = json_next(&new);
        vx_assert(found);
        if (!fate.set)
            check_untouched(old.value, new.value, edits, fate.below, depth + 1);
    }
}

static void patch(const struct edits *edits, struct vx_span text, json_t *tree)
{
    struct vx_arena arena = {0};
    struct vx_buf out = {0};
    struct vx_err err = {0};
    vx_buf_str(&out, "before");
    bool good = json_patch(&out, text, edits->list, edits->count, &err) == VX_OK;
    vx_assert(vx_span_starts_with(vx_buf_view(&out), VX_SPAN_LITERAL("before")));
    vx_assert(good == tree_patch(tree, edits->list, edits->count));
    if (good) {
        struct vx_span result = vx_span(out.at + 6, out.len - 6);
        vx_assert(tree_same(root_of(result), tree, &arena));
        check_untouched(root_of(text), root_of(result), edits, (1u << edits->count) - 1, 0);
    } else {
        vx_assert(out.len == 6 && err.message[0]);
    }
    vx_buf_done(&out);
    vx_arena_done(&arena);
}

static size_t brackets(struct vx_span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '[' || text.at[i] == '{';
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct edits edits;
    char *input = strndup((const char *)data, size), *line = input, *end = NULL;
    bool good = input != NULL && strlen(input) == size;
    edits.count = 0;
    scanner = json_scanner_new();
    for (; good && (end = strchr(line, '\n')) && end != line; line = end + 1) {
        *end = 0;
        good = read_edit(&edits, line);
    }
    if (good && end && edits.count && brackets(vx_span(input, size)) < DEPTH_MAX) {
        json_error_t error;
        /* In memory of its own size, so that reading beyond it is seen. */
        struct vx_span text = vx_span_str(end + 1);
        char *exact = malloc(text.len + !text.len);
        vx_assert(exact != NULL);
        text = vx_span(memcpy(exact, text.at, text.len), text.len);
        json_t *tree = is_json(text) ? tree_load(text, &error) : NULL;
        if (tree)
            patch(&edits, text, tree);
        json_decref(tree);
        free(exact);
    }
    json_scanner_free(scanner);
    free(input);
    return 0;
}
