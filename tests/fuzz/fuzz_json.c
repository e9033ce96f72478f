/* The scanner: the input is a text. Every instruction set says the same of it, with the same fault and the same values
 * under some paths; jansson accepts and refuses the same and finds the same values. */
#include "../unit/json/tree.h"

#include "core/json/scan.h"

enum { SLOTS = 6, STEPS_MAX = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seed;

static size_t draw(size_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % below;
}

/* A path to something that is there, or nearly. */
static struct json_path draw_path(struct json_step *steps, const json_t *tree)
{
    size_t count = 0;
    while (count < STEPS_MAX && draw(8) > 0) {
        struct json_step *step = &steps[count++];
        if (json_is_object(tree) && json_object_size(tree)) {
            void *it = json_object_iter((json_t *)(uintptr_t)tree);
            for (size_t i = draw(json_object_size(tree)); i > 0; i--)
                it = json_object_iter_next((json_t *)(uintptr_t)tree, it);
            *step = (struct json_step){.key = vx_span_str(json_object_iter_key(it))};
            tree = json_object_iter_value(it);
        } else if (json_is_array(tree)) {
            *step = (struct json_step){.index = (uint32_t)draw(json_array_size(tree) + 1), .is_index = true};
            tree = json_array_get(tree, step->index);
        } else {
            *step = (struct json_step){.key = VX_SPAN_LITERAL("a")};
            tree = NULL;
        }
    }
    return (struct json_path){steps, count};
}

/* Containers inside one another, as far as the text goes. */
static size_t nesting(struct vx_span text)
{
    size_t depth = 0, deepest = 0;
    for (const char *p = text.at, *end = p + text.len; p < end; p++) {
        if (*p == '"')
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\';
        else if (*p == '[' || *p == '{')
            deepest = ++depth > deepest ? depth : deepest;
        else if (*p == ']' || *p == '}')
            depth--;
    }
    return deepest;
}

/* Scans on every instruction set; they must agree. */
static enum vx_status scan_everywhere(const struct json_paths *paths, struct vx_span text, struct json_value *slots)
{
    static const char *const isas[] = {"portable", "sse2", "avx2", "avx512"};
    struct json_scanner *scanner = json_scanner_new();
    enum vx_status status = VX_OK;
    size_t fault = 0;
    for (size_t isa = 0; isa < sizeof isas / sizeof isas[0]; isa++) {
        struct json_value mine[SLOTS] = {{0}};
        size_t my_fault = 0;
        if (!json_scan_force(isas[isa]))
            continue;
        enum vx_status my_status = json_scan(scanner, paths, text, mine, &my_fault);
        vx_assert(my_fault <= text.len);
        if (isa > 0)
            vx_assert(my_status == status && my_fault == fault);
        for (size_t i = 0; i < SLOTS && isa > 0 && !status; i++)
            vx_assert(mine[i].at == slots[i].at && mine[i].len == slots[i].len && mine[i].kind == slots[i].kind &&
                      mine[i].escaped == slots[i].escaped);
        status = my_status;
        fault = my_fault;
        memcpy(slots, mine, sizeof mine);
    }
    json_scanner_free(scanner);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vx_span text = vx_span(size ? (const char *)data : "", size);
    struct json_step steps[SLOTS][STEPS_MAX];
    struct json_path path[SLOTS] = {{0}};
    struct json_value slots[SLOTS];
    struct vx_arena arena = {0};
    json_error_t error;
    json_t *tree = tree_load(text, &error);
    struct json_paths *paths = json_paths_new();
    seed = size;
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (i > 0)
            path[i] = draw_path(steps[i], tree);
        json_paths_add(paths, path[i], i);
    }
    json_paths_seal(paths);
    bool good = scan_everywhere(paths, text, slots) == VX_OK;
    if (good != (tree != NULL))
        vx_assert(tree_says_nothing(!tree, &error, text) || (!tree && nesting(text) >= JSON_PARSER_MAX_DEPTH) ||
                  (tree && nesting(text) > JSON_DEPTH_MAX));
    for (uint32_t i = 0; i < SLOTS && tree && good; i++)
        vx_assert(tree_same(slots[i], tree_find(tree, path[i].steps, path[i].count), &arena));
    json_paths_free(paths);
    json_decref(tree);
    vx_arena_done(&arena);
    return 0;
}
