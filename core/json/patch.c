/* Patching JSON text. A worker's thread; nothing is kept between calls, and no memory is asked for unless there are
 * many edits.
 *
 *     edits ──> tree of steps ──┐
 *     text ──members, elements──┴──> those that an edit names, in order ──> out = what lies between + what the edits say
 *
 * The text is copied up to a cursor that only moves forward: `keep_until` copies, `skip_until` does not. Removing needs
 * no look ahead; a container in which something is set is surveyed first, because of a repeated key only the last one
 * counts. The recursion goes as deep as the paths of the edits, never as deep as the text.
 */
#include "core/json/patch.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json/scan.h"
#include "core/json/text.h"
#include "core/json/value.h"
#include "core/json/write.h"

enum { NODES_ON_STACK = 32 };

/* The edits as a tree: siblings are the different steps behind the same beginning. */
struct node {
    const struct json_step *step;
    const struct json_edit *edit; /* of a leaf */
    struct node *parent;
    struct node *child; /* first and last child, in the order of the edits */
    struct node *last_child;
    struct node *sibling;
    size_t last; /* by the survey: number + 1 of the last member or element that it names; 0 where there is none */
    bool sets;   /* it or one below it sets a value, so that it has to exist */
};

/* What has to be known of a container before anything in it is set. */
struct survey {
    size_t members;
    size_t first, behind; /* the members that edits name are in [first, behind), numbers from 0 */
    const char *from;     /* behind the value before the first of them, or behind the opening bracket */
    const char *end;      /* behind the last value, or behind the opening bracket */
};

struct patch {
    struct vx_buf *out;
    const char *cursor; /* what is before it has been copied or skipped */
    struct vx_err *err;
};

static void keep_until(struct patch *patch, const char *at)
{
    vx_buf_add(patch->out, patch->cursor, (size_t)(at - patch->cursor));
    patch->cursor = at;
}

static void skip_until(struct patch *patch, const char *at)
{
    patch->cursor = at;
}

static bool same_step(const struct json_step *a, const struct json_step *b)
{
    if (a->is_index != b->is_index)
        return false;
    return a->is_index ? a->index == b->index : vx_span_equal(a->key, b->key);
}

/* Builds the tree into `nodes`, which has room for a root and one per step. */
static void build_tree(struct node *nodes, const struct json_edit *edits, size_t count)
{
    size_t used = 1;
    nodes[0] = (struct node){0};
    for (size_t i = 0; i < count; i++) {
        struct node *node = nodes;
        bool sets = edits[i].value.at != NULL;
        node->sets |= sets;
        for (size_t depth = 0; depth < edits[i].path.count; depth++) {
            const struct json_step *step = &edits[i].path.steps[depth];
            struct node *child = node->child;
            while (child && !same_step(child->step, step))
                child = child->sibling;
            if (!child) {
                child = &nodes[used++];
                *child = (struct node){.step = step, .parent = node};
                *(node->last_child ? &node->last_child->sibling : &node->child) = child;
                node->last_child = child;
            }
            child->sets |= sets;
            node = child;
        }
        node->edit = &edits[i];
    }
}

/* Appends the place of a node as it is written behind the variable: `.a["x y"][0]`. */
static void write_place(struct vx_buf *out, const struct node *node)
{
    if (!node->parent)
        return;
    write_place(out, node->parent);
    const struct json_step *step = node->step;
    if (step->is_index) {
        vx_buf_printf(out, "[%u]", step->index);
        return;
    }
    bool plain = step->key.len > 0 && !(step->key.at[0] >= '0' && step->key.at[0] <= '9');
    for (size_t i = 0; plain && i < step->key.len; i++) {
        char c = step->key.at[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (plain) {
        vx_buf_char(out, '.');
        vx_buf_span(out, step->key);
    } else {
        vx_buf_char(out, '[');
        json_write_string(out, step->key);
        vx_buf_char(out, ']');
    }
}

/* Says of a node's place what is wrong: `.a is a number, not an object`. */
static enum vx_status refuse(struct patch *patch, const struct node *node, const char *what)
{
    struct vx_buf place = {0};
    write_place(&place, node);
    vx_err_set(patch->err, VX_EINVAL, "%s %s", vx_buf_text(&place), what);
    vx_buf_done(&place);
    return VX_EINVAL;
}

static const char *kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_KIND_MISSING] = "missing", [JSON_KIND_NULL] = "null",      [JSON_KIND_FALSE] = "a bool",
        [JSON_KIND_TRUE] = "a bool",     [JSON_KIND_INT] = "a number",   [JSON_KIND_DOUBLE] = "a number",
        [JSON_KIND_STRING] = "a string", [JSON_KIND_ARRAY] = "an array", [JSON_KIND_OBJECT] = "an object",
    };
    return names[kind];
}

/* Refuses when a child that has to exist cannot be in a value of this kind. */
static enum vx_status check_parent(struct patch *patch, const struct node *node, enum json_kind kind)
{
    for (const struct node *child = node->child; child; child = child->sibling) {
        if (!child->sets || kind == (child->step->is_index ? JSON_KIND_ARRAY : JSON_KIND_OBJECT))
            continue;
        char what[64];
        snprintf(what, sizeof what, "is %s, not %s", kind_name(kind), child->step->is_index ? "an array" : "an object");
        return refuse(patch, node, what);
    }
    return VX_OK;
}

static struct node *find_child(const struct node *node, const struct json_iter *it, size_t number)
{
    for (struct node *child = node->child; child; child = child->sibling) {
        if (it->object ? !child->step->is_index && json_string_equal(it->key, child->step->key)
                       : child->step->is_index && child->step->index == number)
            return child;
    }
    return NULL;
}

/* Finds the last member or element of `container` that each child of `node` names. */
static struct survey survey_container(struct node *node, struct json_value container)
{
    struct survey survey = {.from = container.at + 1, .end = container.at + 1};
    for (struct node *child = node->child; child; child = child->sibling)
        child->last = 0;
    struct json_iter it = json_iter(container);
    for (; json_next(&it); survey.members++, survey.end = it.at) {
        struct node *child = find_child(node, &it, survey.members);
        if (!child)
            continue;
        if (!survey.behind) {
            survey.first = survey.members;
            survey.from = survey.end;
        }
        survey.behind = child->last = survey.members + 1;
    }
    return survey;
}

/* Where the next member or element begins when one ends at `p`; `p` when that was the last. */
static const char *next_begin(const char *p, const char *end)
{
    const char *next = p;
    while (next < end && (json_class(*next) == JSON_BLANK || *next == ','))
        next++;
    return next < end ? next : p;
}

/* Writes the member that a node names and that is not there yet, with all that is to be set below it. */
static enum vx_status create_member(struct patch *patch, const struct node *node)
{
    if (node->step->is_index)
        return refuse(patch, node->parent, "is missing, and only objects are made");
    json_write_string(patch->out, node->step->key);
    vx_buf_char(patch->out, ':');
    if (node->edit) {
        vx_buf_span(patch->out, node->edit->value);
        return VX_OK;
    }
    bool any = false;
    vx_buf_char(patch->out, '{');
    for (const struct node *child = node->child; child; child = child->sibling) {
        if (!child->sets)
            continue;
        if (any)
            vx_buf_char(patch->out, ',');
        any = true;
        enum vx_status status = create_member(patch, child);
        if (status)
            return status;
    }
    vx_buf_char(patch->out, '}');
    return VX_OK;
}

/* What is set behind the last member. `left`: members that stay. */
static enum vx_status add_members(struct patch *patch, const struct node *node, const char *last_end, size_t left)
{
    for (const struct node *child = node->child; child; child = child->sibling) {
        if (!child->sets || child->last)
            continue;
        if (child->step->is_index)
            return refuse(patch, child, "is behind the end of the array");
        keep_until(patch, patch->cursor > last_end ? patch->cursor : last_end);
        if (left++)
            vx_buf_char(patch->out, ',');
        enum vx_status status = create_member(patch, child);
        if (status)
            return status;
    }
    return VX_OK;
}

static enum vx_status patch_value(struct patch *patch, struct node *node, struct json_value value, bool counts);

/* Appends the text up to the end of the last part of `container` that an edit touches. */
static enum vx_status patch_container(struct patch *patch, struct node *node, struct json_value container, bool sets)
{
    struct survey survey = {.behind = SIZE_MAX, .from = container.at + 1};
    if (sets)
        survey = survey_container(node, container);
    struct json_iter it = json_iter(container);
    it.at = survey.from;
    size_t removed = 0;
    for (size_t number = survey.first; number < survey.behind; number++) {
        const char *before = it.at;
        if (!json_next(&it))
            break;
        struct node *child = find_child(node, &it, number);
        if (!child)
            continue;
        const struct json_edit *edit = child->edit;
        bool counts = sets && child->last == number + 1;
        if (!edit) {
            enum vx_status status = patch_value(patch, child, it.value, counts);
            if (status)
                return status;
        } else if (!edit->value.at || (sets && !counts)) {
            bool alone = removed++ == number; /* none before it is left */
            keep_until(patch, alone ? next_begin(before, it.end) : before);
            skip_until(patch, alone ? next_begin(it.at, it.end) : it.at);
        } else if (counts) {
            keep_until(patch, json_text(it.value).at);
            vx_buf_span(patch->out, edit->value);
            skip_until(patch, it.at);
        }
    }
    return sets ? add_members(patch, node, survey.end, survey.members - removed) : VX_OK;
}

/* `counts`: no repeated key hides this value, so values are set in it; else it is only rid of what is to be removed. */
static enum vx_status patch_value(struct patch *patch, struct node *node, struct json_value value, bool counts)
{
    bool sets = counts && node->sets;
    enum vx_status status = sets ? check_parent(patch, node, value.kind) : VX_OK;
    if (status || (value.kind != JSON_KIND_OBJECT && value.kind != JSON_KIND_ARRAY))
        return status;
    return patch_container(patch, node, value, sets);
}

/* The root value of a text. */
static struct json_value root_value(struct vx_span text)
{
    /* As the only element of an array it is found by the same iterator. */
    struct json_iter it = {.at = text.at, .end = text.at + text.len};
    return json_next(&it) ? it.value : (struct json_value){.kind = JSON_KIND_MISSING};
}

enum vx_status json_patch(struct vx_buf *out, struct vx_span text, const struct json_edit *edits, size_t count,
                          struct vx_err *err)
{
    size_t node_count = 1, start = out->len;
    for (size_t i = 0; i < count; i++) {
        vx_assert(edits[i].path.count > 0);
        if (edits[i].path.count > JSON_DEPTH_MAX)
            return vx_err_set(err, VX_EINVAL, " has no place deeper than %d steps", JSON_DEPTH_MAX);
        node_count += edits[i].path.count;
    }
    struct node few[NODES_ON_STACK], *nodes = node_count <= NODES_ON_STACK ? few : malloc(node_count * sizeof *nodes);
    vx_assert(nodes != NULL);
    build_tree(nodes, edits, count);
    struct patch patch = {.out = out, .cursor = text.at, .err = err};
    enum vx_status status = patch_value(&patch, nodes, root_value(text), true);
    if (!status)
        keep_until(&patch, text.at + text.len);
    else if (out->at)
        out->at[out->len = start] = '\0';
    if (nodes != few)
        free(nodes);
    return status;
}
