/* jansson's trees as the model of what core/json finds and changes: for tests and fuzzers. Numbers and strings are
 * compared by value; a repeated key is there what its last one says. */
#ifndef JSON_TEST_TREE_H
#define JSON_TEST_TREE_H

#include <jansson.h>
#include <stdlib.h>

#include "core/json/patch.h"
#include "core/json/value.h"

static inline json_t *tree_load(struct vx_span text, json_error_t *error)
{
    return json_loadb(text.at ? text.at : "", text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, error);
}

/* The value equals the tree, deeply. */
static inline bool tree_same(struct json_value v, const json_t *tree, struct vx_arena *arena)
{
    int64_t integer;
    switch (v.kind) {
    case JSON_KIND_MISSING:
        return tree == NULL;
    case JSON_KIND_NULL:
        return json_is_null(tree);
    case JSON_KIND_TRUE:
        return json_is_true(tree);
    case JSON_KIND_FALSE:
        return json_is_false(tree);
    case JSON_KIND_INT:
        return json_is_integer(tree) && json_int64(v, &integer) && integer == json_integer_value(tree);
    case JSON_KIND_DOUBLE:
        return json_is_real(tree) && json_double(v) == json_real_value(tree);
    case JSON_KIND_STRING:
        return json_is_string(tree) &&
               vx_span_equal(json_unescape(v, arena), vx_span(json_string_value(tree), json_string_length(tree)));
    }
    if (v.kind == JSON_KIND_ARRAY) {
        if (!json_is_array(tree) || json_count(v, arena) != json_array_size(tree))
            return false;
        for (size_t i = 0; i < json_array_size(tree); i++)
            if (!tree_same(json_element(v, i), json_array_get(tree, i), arena))
                return false;
        return true;
    }
    const char *key;
    json_t *member;
    if (!json_is_object(tree) || json_count(v, arena) != json_object_size(tree))
        return false;
    json_object_foreach((json_t *)(uintptr_t)tree, key,
                        member) if (!tree_same(json_member(v, vx_span_str(key)), member, arena)) return false;
    return true;
}

/* What stands at a path, or NULL; keys are NUL-terminated. */
static inline json_t *tree_find(json_t *tree, const struct json_step *steps, size_t count)
{
    for (size_t i = 0; i < count && tree; i++)
        tree = steps[i].is_index ? json_array_get(tree, steps[i].index) : json_object_get(tree, steps[i].key.at);
    return tree;
}

/* True when jansson's answer says nothing about the grammar. */
static inline bool tree_says_nothing(bool refused, const json_error_t *error, struct vx_span text)
{
    if (!refused)
        return memchr(text.at, 0, text.len) != NULL;
    enum json_error_code code = json_error_code(error);
    if (code == json_error_numeric_overflow || code == json_error_null_byte_in_key)
        return true;
    for (size_t i = 0; i + 3 < text.len; i++) /* a surrogate in an escape */
        if (text.at[i] == '\\' && text.at[i + 1] == 'u' && (text.at[i + 2] | 0x20) == 'd' &&
            strchr("89abcdefABCDEF", text.at[i + 3]))
            return true;
    return false;
}

static inline bool tree_same_step(const struct json_step *a, const struct json_step *b)
{
    return a->is_index == b->is_index && (a->is_index ? a->index == b->index : vx_span_equal(a->key, b->key));
}

/* One holds the other. */
static inline bool tree_overlap(struct json_path a, struct json_path b)
{
    for (size_t i = 0; i < a.count && i < b.count; i++)
        if (!tree_same_step(&a.steps[i], &b.steps[i]))
            return false;
    return true;
}

/* Sets in the tree as json_patch() is said to; false where it is said to refuse. */
static inline bool tree_set(json_t *tree, const struct json_edit *edit)
{
    json_error_t error;
    const struct json_step *step = edit->path.steps;
    for (size_t left = edit->path.count; left > 0; left--, step++) {
        json_t *child = step->is_index ? json_array_get(tree, step->index) : json_object_get(tree, step->key.at);
        if (step->is_index ? !child : !json_is_object(tree))
            return false;
        if (left > 1 && child) {
            tree = child;
            continue;
        }
        child = left > 1 ? json_object() : tree_load(edit->value, &error);
        int failed = step->is_index ? json_array_set_new(tree, step->index, child)
                                    : json_object_set_new(tree, step->key.at, child);
        vx_assert(failed == 0);
        tree = child;
    }
    return true;
}

/* Higher indexes first, so that a removal does not move what the next one names. */
static inline int tree_compare_removals(const void *x, const void *y)
{
    const struct json_edit *a = *(const struct json_edit *const *)x, *b = *(const struct json_edit *const *)y;
    for (size_t i = 0; i < a->path.count && i < b->path.count; i++) {
        const struct json_step *p = &a->path.steps[i], *q = &b->path.steps[i];
        int c = p->is_index != q->is_index ? p->is_index - q->is_index
                : p->is_index              ? (p->index < q->index) - (p->index > q->index)
                                           : vx_span_compare(p->key, q->key);
        if (c)
            return c;
    }
    return 0;
}

/* Applies edits, of which no place holds another, as json_patch() is said to; false where it is said to refuse. */
static inline bool tree_patch(json_t *tree, const struct json_edit *edits, size_t edit_count)
{
    const struct json_edit **removals = calloc(edit_count + 1, sizeof *removals);
    vx_assert(removals != NULL);
    bool possible = true;
    size_t count = 0;
    for (size_t i = 0; i < edit_count && possible; i++) {
        if (!edits[i].value.at)
            removals[count++] = &edits[i];
        else
            possible = tree_set(tree, &edits[i]);
    }
    qsort(removals, count, sizeof removals[0], tree_compare_removals);
    for (size_t i = 0; i < count && possible; i++) {
        const struct json_step *last = &removals[i]->path.steps[removals[i]->path.count - 1];
        json_t *parent = tree_find(tree, removals[i]->path.steps, removals[i]->path.count - 1);
        if (last->is_index)
            json_array_remove(parent, last->index);
        else
            json_object_del(parent, last->key.at);
    }
    free(removals);
    return possible;
}

#endif
