/* Values and how to look inside them, whatever holds them: JSON text, headers, or cells in an arena.
 *
 * Any thread; nothing here allocates but cel_string() and the copies, into the arena given. Invariant: a STRING with
 * is_json has at least one backslash, so a STRING without it is its own text.
 */
#include "core/cel/value.h"

#include "core/base/utf8.h"
#include "core/cel/cel.h"
#include "core/cel/values.h"

struct cel_value cel_from_json(struct json_value json)
{
    struct cel_value v = {0};
    switch (json.kind) {
    case JSON_KIND_FALSE:
    case JSON_KIND_TRUE:
        v.type = CEL_BOOL;
        v.boolean = json.kind == JSON_KIND_TRUE;
        break;
    case JSON_KIND_INT:
        v.type = CEL_INT;
        if (json_int64(json, &v.i))
            break;
        /* fallthrough */
    case JSON_KIND_DOUBLE:
        v.type = CEL_DOUBLE;
        v.d = json_double(json);
        break;
    case JSON_KIND_STRING:
        v.type = CEL_STRING;
        v.is_json = json.escaped;
        if (json.escaped)
            v.json = json;
        else
            v.s = vx_span(json.at, json.len);
        break;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        v.type = json.kind == JSON_KIND_ARRAY ? CEL_LIST : CEL_MAP;
        v.is_json = true;
        v.json = json;
        break;
    default:
        vx_assert(json.kind == JSON_KIND_NULL);
        v.type = CEL_NULL;
    }
    return v;
}

struct vx_span cel_string(struct cel_value v, struct vx_arena *arena)
{
    return v.is_json ? json_unescape(v.json, arena) : v.s;
}

struct cel_list_iter cel_list_iter(struct cel_value list)
{
    struct cel_list_iter it = {.list = list};
    if (list.is_json)
        it.json = json_iter(list.json);
    return it;
}

bool cel_list_next(struct cel_list_iter *it, struct cel_value *element)
{
    if (it->list.is_json) {
        if (!json_next(&it->json))
            return false;
        *element = cel_from_json(it->json.value);
        return true;
    }
    if (it->at == it->list.list.count)
        return false;
    *element = it->list.list.at[it->at++];
    return true;
}

size_t cel_list_count(struct cel_value list)
{
    return list.is_json ? json_count(list.json, NULL) : list.list.count;
}

bool cel_list_get(struct cel_value list, uint64_t index, struct cel_value *element)
{
    if (list.is_json) {
        struct json_value json = json_element(list.json, index);
        if (json.kind == JSON_KIND_MISSING)
            return false;
        *element = cel_from_json(json);
        return true;
    }
    if (index >= list.list.count)
        return false;
    *element = list.list.at[index];
    return true;
}

const struct cel_header *cel_header_find(const struct cel_header *headers, size_t count, struct vx_span name)
{
    while (count-- > 0) {
        if (vx_span_equal(headers[count].name, name))
            return &headers[count];
    }
    return NULL;
}

bool cel_header_value(const struct cel_header *header, struct cel_value *value)
{
    if (!header->value.at) {
        *value = (struct cel_value){.type = CEL_NULL};
        return true;
    }
    *value = cel_string_value(header->value);
    return vx_utf8_valid(header->value);
}

struct cel_map_iter cel_map_iter(struct cel_value map, struct vx_arena *arena)
{
    struct cel_map_iter it = {.map = map, .arena = arena};
    if (map.is_json)
        it.json = json_iter(map.json);
    return it;
}

/* Members of a JSON object, repeated ones counted as often as they come. */
static size_t count_members(struct json_value object)
{
    struct json_iter it = json_iter(object);
    size_t count = 0;
    while (json_next(&it))
        count++;
    return count;
}

size_t cel_map_room(struct cel_call *call, struct cel_value map)
{
    return map.is_json ? count_members(map.json) : cel_map_count(call, map);
}

bool cel_map_walk(struct cel_call *call, struct cel_value map, struct cel_map_iter *it)
{
    *it = cel_map_iter(map, call->arena);
    if (map.is_headers)
        it->key_cost = map.headers.count / 4;
    if (!map.is_json)
        return true;
    if (!cel_charge(call, 2 * cel_length_cost(map)))
        return false;
    it->distinct = json_count(map.json, call->arena) == count_members(map.json);
    if (!it->distinct)
        it->last = json_last_keys(map.json, call->arena);
    return true;
}

static bool next_member(struct cel_map_iter *it, struct cel_value *key, struct cel_value *value)
{
    while (json_next(&it->json)) {
        if (it->last && !json_is_last_key(it->last, it->map.json, it->json.key))
            continue; /* a later one of that name counts */
        struct vx_span name = json_unescape(it->json.key, it->arena);
        if (!it->distinct && !it->last && json_member(it->map.json, name).at != it->json.value.at)
            continue; /* a later one of that name counts */
        *key = cel_string_value(name);
        *value = cel_from_json(it->json.value);
        return true;
    }
    return false;
}

static bool next_header(struct cel_map_iter *it, struct cel_value *key, struct cel_value *value)
{
    const struct cel_header *headers = it->map.headers.at;
    while (it->at < it->map.headers.count) {
        const struct cel_header *header = &headers[it->at++];
        if (cel_header_find(header + 1, it->map.headers.count - it->at, header->name))
            continue;
        *key = cel_string_value(header->name);
        cel_header_value(header, value);
        return true;
    }
    return false;
}

bool cel_map_next(struct cel_map_iter *it, struct cel_value *key, struct cel_value *value)
{
    if (it->map.is_json)
        return next_member(it, key, value);
    if (it->map.is_headers)
        return next_header(it, key, value);
    if (it->at == it->map.map.count)
        return false;
    *key = it->map.map.at[it->at].key;
    *value = it->map.map.at[it->at].value;
    it->at++;
    return true;
}

size_t cel_map_count(struct cel_call *call, struct cel_value map)
{
    if (map.is_json)
        return json_count(map.json, call->arena);
    if (!map.is_headers)
        return map.map.count;
    struct cel_map_iter it = cel_map_iter(map, NULL);
    struct cel_value key, value;
    size_t count = 0;
    while (cel_map_next(&it, &key, &value))
        count++;
    return count;
}

static bool get_header(struct cel_call *call, struct cel_value map, struct cel_value key, bool *found,
                       struct cel_value *value)
{
    struct vx_span name = cel_decoded(call, key);
    cel_spend(call, map.headers.count / 4);
    const struct cel_header *header = cel_header_find(map.headers.at, map.headers.count, name);
    *found = header != NULL;
    if (!header || !value || cel_header_value(header, value))
        return true;
    return cel_fail_about(call, FAIL_HEADER, NULL, cel_string_value(name));
}

bool cel_map_get(struct cel_call *call, struct cel_value map, struct cel_value key, bool *found,
                 struct cel_value *value)
{
    *found = false;
    if ((map.is_json || map.is_headers) && key.type != CEL_STRING)
        return true;
    if (map.is_headers)
        return get_header(call, map, key, found, value);
    if (map.is_json) {
        struct json_value json = json_member(map.json, cel_decoded(call, key));
        *found = json.kind != JSON_KIND_MISSING;
        if (*found && value)
            *value = cel_from_json(json);
        return cel_charge(call, cel_length_cost(map));
    }
    for (size_t i = 0; i < map.map.count && !*found; i++) {
        if (!cel_charge(call, 1) || !cel_equal_within(call, map.map.at[i].key, key, found))
            return false;
        if (*found && value)
            *value = map.map.at[i].value;
    }
    return true;
}

struct cel_value cel_copy(struct cel_value v, struct vx_arena *arena)
{
    if (v.type == CEL_STRING || v.type == CEL_BYTES) {
        v.s = vx_arena_span(arena, v.s);
    } else if (v.type == CEL_LIST) {
        struct cel_value *cells = VX_ARENA_ARRAY(arena, struct cel_value, v.list.count);
        for (size_t i = 0; i < v.list.count; i++)
            cells[i] = cel_copy(v.list.at[i], arena);
        v.list.at = cells;
    } else if (v.type == CEL_OPTIONAL && v.some) {
        struct cel_value *some = VX_ARENA_NEW(arena, struct cel_value);
        *some = cel_copy(*v.some, arena);
        v.some = some;
    } else if (v.type == CEL_IP || v.type == CEL_CIDR) {
        struct cel_net *net = VX_ARENA_NEW(arena, struct cel_net);
        *net = *v.net;
        v.net = net;
    } else if (v.type == CEL_MAP) {
        struct cel_entry *entries = VX_ARENA_ARRAY(arena, struct cel_entry, v.map.count);
        for (size_t i = 0; i < v.map.count; i++) {
            entries[i].key = cel_copy(v.map.at[i].key, arena);
            entries[i].value = cel_copy(v.map.at[i].value, arena);
        }
        v.map.at = entries;
    }
    return v;
}
