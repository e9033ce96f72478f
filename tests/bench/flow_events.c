/* Makes the events of flow_events.h. An event is its fixed members, then objects while there is room for them, then a note
 * of a few words that fills what is left. */
#include "flow_events.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENT_DIGITS = 19, TAIL = sizeof ",\"sent\":}" - 1 + SENT_DIGITS, PIECE_MAX = 200 };

struct writer {
    char *at;
    size_t len, room; /* room: all but the tail and the note around nothing */
    uint64_t seed;
};

/* D. E. Knuth's MMIX generator, its upper half: the lower bits repeat soon. */
static uint32_t draw(struct writer *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((w->seed >> 32) * below >> 32);
}

static const char *one_of(struct writer *w, const char *const *names, uint32_t count)
{
    return names[draw(w, count)];
}

/* Adds a piece if it fits, whole. */
__attribute__((format(printf, 2, 3))) static int add(struct writer *w, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (len < 0 || len >= PIECE_MAX || w->len + (size_t)len > w->room)
        return 0;
    memcpy(w->at + w->len, piece, (size_t)len);
    w->len += (size_t)len;
    return 1;
}

/* What every event has: at most 161 bytes, so that FLOW_EVENT_MIN holds it. */
static void add_head(struct writer *w, uint64_t number, const char *user)
{
    static const char *const types[] = {"move",  "chat",    "puzzle", "login", "purchase",
                                        "trade", "levelup", "match",  "gift",  "report"};
    static const char *const regions[] = {"eu-west", "eu-north", "us-east", "us-west", "ap-south"};
    uint32_t id = draw(w, UINT32_MAX);
    const char *type = one_of(w, types, sizeof types / sizeof types[0]);
    const char *region = one_of(w, regions, sizeof regions / sizeof regions[0]);
    add(w, "{\"id\":\"%08" PRIx32 "\",\"type\":\"%s\",\"region\":\"%s\",\"time\":%" PRIu64, id, type, region,
        UINT64_C(1700000000000) + number);
    add(w, ",\"user\":{\"id\":\"%s\",\"level\":%" PRIu32 "}", user, draw(w, 100));
}

static void add_body(struct writer *w)
{
    static const char *const systems[] = {"android", "ios", "windows", "linux"};
    static const char *const maps[] = {"harbour", "old-town", "ridge", "catacombs", "observatory"};
    uint32_t major = 1 + draw(w, 5), minor = draw(w, 100), wide = 720 + 120 * draw(w, 8);
    const char *system = one_of(w, systems, 4);
    add(w, ",\"client\":{\"os\":\"%s\",\"version\":\"%" PRIu32 ".%" PRIu32 "\",\"screen\":[%" PRIu32 ",%" PRIu32 "]}",
        system, major, minor, wide, wide * 2);
    const char *map = one_of(w, maps, 5);
    uint32_t x = draw(w, 4096), y = draw(w, 4096), centi = draw(w, 100);
    add(w, ",\"place\":{\"map\":\"%s\",\"x\":%" PRIu32 ".%02" PRIu32 ",\"y\":-%" PRIu32 ".5,\"indoors\":%s}", map, x,
        centi, y, draw(w, 2) ? "true" : "false");
    uint32_t wins = draw(w, 500), losses = draw(w, 500);
    add(w, ",\"score\":{\"wins\":%" PRIu32 ",\"losses\":%" PRIu32 ",\"streak\":null}", wins, losses);
}

static void add_items(struct writer *w)
{
    static const char *const tags[] = {"rare", "blue", "bound", "season-3", "crafted", "gift"};
    if (w->room - w->len < 2 * PIECE_MAX / 3 || !add(w, ",\"items\":["))
        return;
    w->room -= 2; /* the bracket that closes the list, and a comma */
    for (int more = 1, count = 0; more; count++) {
        uint32_t sku = draw(w, 1000), number = 1 + draw(w, 9), price = 1 + draw(w, 9999);
        const char *one = one_of(w, tags, 6), *two = one_of(w, tags, 6);
        more = add(
            w, "%s{\"sku\":\"sku-%03" PRIu32 "\",\"count\":%" PRIu32 ",\"price\":%" PRIu32 ",\"tags\":[\"%s\",\"%s\"]}",
            count ? "," : "", sku, number, price, one, two);
    }
    w->room += 2;
    add(w, "]");
}

/* Words until the event is as long as it must be. */
static void add_note(struct writer *w)
{
    static const char words[] = "found the hidden door behind the waterfall and left a lantern for whoever comes next ";
    memcpy(w->at + w->len, ",\"note\":\"", 9);
    w->len += 9;
    for (size_t i = 0; w->len < w->room + 9; i++)
        w->at[w->len++] = words[i % (sizeof words - 1)];
    w->at[w->len++] = '"';
}

size_t flow_event(uint64_t number, size_t size, int64_t sent_ns, char *out, char key[FLOW_KEY_MAX])
{
    if (size < FLOW_EVENT_MIN || size > FLOW_EVENT_MAX || sent_ns < 0)
        abort();
    struct writer w = {.at = out, .room = size - TAIL - 10, .seed = number * 2654435761u + 42};
    draw(&w, 1);
    int key_len = snprintf(key, FLOW_KEY_MAX, "user-%05" PRIu32, draw(&w, FLOW_USERS));
    add_head(&w, number, key);
    if (size > 2 * FLOW_EVENT_MIN)
        add_body(&w);
    add(&w, ",\"amount\":%" PRIu32, draw(&w, 100000));
    add_items(&w);
    add_note(&w);
    char tail[TAIL + 1];
    snprintf(tail, sizeof tail, ",\"sent\":%0*" PRId64 "}", SENT_DIGITS,
             sent_ns ? sent_ns : INT64_C(1000000000000000000));
    memcpy(out + w.len, tail, TAIL);
    return (size_t)key_len;
}

int64_t flow_event_sent(const char *event, size_t size)
{
    if (size < TAIL || memcmp(event + size - TAIL, ",\"sent\":", 8) != 0)
        return -1;
    int64_t ns = 0;
    for (const char *c = event + size - TAIL + 8; *c != '}'; c++)
        ns = ns * 10 + (*c - '0');
    return ns;
}
