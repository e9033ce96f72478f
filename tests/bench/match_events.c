/* The events of the match benchmark, one a line, the same on every machine:
 *
 *     match_events lots|lots9|game COUNT     made up, from a fixed seed
 *     match_events hooks < envelopes         the `value` of each envelope, as it stands
 *
 * `lots` are shaped like the city lots of Event Ruler's benchmark: GeoJSON features of about 850 bytes and 140 tokens,
 * coordinates with 15 decimals. `lots9` have 9 decimals, because Event Ruler reads no more digits of a number, and the
 * first point once more under a name of its own, because it cannot ask for an element by its place. `game` is what a
 * game server sends, 1,024 bytes. match_rules.py knows the names and shares. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/json/scan.h"

enum { GAME_BYTES = 1024 };

static uint64_t seed = 42;

/* D. E. Knuth's MMIX generator, its upper half: the lower bits repeat soon. */
static uint32_t draw(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 32) * below >> 32);
}

/* A number from `from` on in `width` digits. One at a time: of several arguments nobody knows which is drawn first. */
static void add_number(struct vx_buf *out, int width, uint32_t from, uint32_t count)
{
    vx_buf_printf(out, "%0*u", width, from + draw(count));
}

static void add_one_of(struct vx_buf *out, const char *const *names, uint32_t count)
{
    vx_buf_str(out, names[draw(count)]);
}

/* `whole` and a tenth of decimals, from `from` thousandths on. */
static void add_coordinate(struct vx_buf *out, const char *whole, uint32_t from, int decimals)
{
    vx_buf_printf(out, "%s.", whole);
    add_number(out, 3, from, 100);
    add_number(out, 6, 0, 1000000);
    if (decimals > 9)
        add_number(out, 6, 0, 1000000);
}

static void add_street(struct vx_buf *out)
{
    static const char *const names[] = {"JEFFERSON", "UNKNOWN", "MISSION", "BRODERICK", "SAINT CHARLES", "TAYLOR",
                                        "BAY",       "LOMBARD", "VALLEJO", "GREENWICH", "CAPRA KEY",     "FILBERT",
                                        "UNION",     "GREEN",   "ACADEMY", "FULTON",    "DRUMM",         "CLAY"};
    if (draw(20)) {
        add_one_of(out, names, sizeof names / sizeof names[0]);
    } else { /* one in twenty: of many names */
        add_number(out, 3, 1, 999);
        vx_buf_str(out, "TH");
    }
}

static void add_properties(struct vx_buf *out, uint32_t number)
{
    static const char *const types[] = {"ST", "ST", "ST", "ST", "AVE", "AVE", "DR", "WAY"};
    uint32_t block = number / 40 % 10000, lot = number % 40 + 1, from = draw(3000);
    vx_buf_printf(out, "\"properties\": { \"MAPBLKLOT\": \"%04u%03u\", ", block, lot);
    vx_buf_printf(out, "\"BLKLOT\": \"%04u%03u\", \"BLOCK_NUM\": \"%04u\", ", block, lot, block);
    vx_buf_printf(out, "\"LOT_NUM\": \"%03u\", \"FROM_ST\": \"%u\", \"TO_ST\": \"", lot, from);
    add_number(out, 1, from, 20);
    vx_buf_str(out, "\", \"STREET\": \"");
    add_street(out);
    vx_buf_str(out, "\", \"ST_TYPE\": ");
    if (draw(10)) {
        vx_buf_char(out, '"');
        add_one_of(out, types, sizeof types / sizeof types[0]);
        vx_buf_char(out, '"');
    } else {
        vx_buf_str(out, "null");
    }
    vx_buf_printf(out, ", \"ODD_EVEN\": \"%s\" }", draw(2) ? "E" : "O");
}

static void add_lot(struct vx_buf *out, uint32_t number, int decimals)
{
    vx_buf_str(out, "{ \"type\": \"Feature\", ");
    add_properties(out, number);
    vx_buf_str(out, ", \"geometry\": { \"type\": \"Polygon\", ");
    if (decimals == 9) {
        vx_buf_str(out, "\"firstCoordinates\": { \"x\": ");
        add_coordinate(out, "-122", 400, decimals);
        vx_buf_str(out, ", \"y\": ");
        add_coordinate(out, "37", 720, decimals);
        vx_buf_str(out, " }, ");
    }
    vx_buf_str(out, "\"coordinates\": [ [ ");
    for (uint32_t i = 0, points = (decimals == 9 ? 10 : 8) + draw(7); i < points; i++) {
        vx_buf_str(out, i ? ", [ " : "[ ");
        add_coordinate(out, "-122", 400, decimals);
        vx_buf_str(out, ", ");
        add_coordinate(out, "37", 720, decimals);
        vx_buf_str(out, ", 0.0 ]");
    }
    vx_buf_str(out, " ] ] } }\n");
}

static void add_player(struct vx_buf *out, uint32_t number)
{
    vx_buf_str(out, ",\"user\":{\"id\":\"user-");
    add_number(out, 5, 0, 20000);
    vx_buf_printf(out, "\",\"name\":\"player %u\",\"level\":", number);
    add_number(out, 1, 0, 100);
    vx_buf_printf(out, ",\"country\":\"%s\"},\"client\":\"", draw(2) ? "DE" : "FR");
    add_number(out, 1, 1, 5);
    vx_buf_char(out, '.');
    add_number(out, 1, 0, 100);
    vx_buf_char(out, '"');
}

static void add_items(struct vx_buf *out)
{
    vx_buf_str(out, ",\"items\":[");
    for (uint32_t i = 0, count = draw(5); i < count; i++) {
        vx_buf_str(out, i ? ",{\"sku\":\"sku-" : "{\"sku\":\"sku-");
        add_number(out, 3, 0, 1000);
        vx_buf_str(out, "\",\"count\":");
        add_number(out, 1, 1, 9);
        vx_buf_str(out, ",\"price\":");
        add_number(out, 1, 1, 99);
        vx_buf_str(out, ".5}");
    }
    vx_buf_char(out, ']');
}

static void add_game(struct vx_buf *out, uint32_t number)
{
    static const char *const types[] = {"move",   "move",  "move",     "chat",  "chat",
                                        "puzzle", "login", "purchase", "trade", "levelup"};
    static const char *const regions[] = {"eu-west", "eu-west", "eu-north", "us-east",
                                          "us-east", "us-west", "ap-south", "ap-east"};
    size_t begin = out->len;
    vx_buf_printf(out, "{\"id\":\"%08x\",\"type\":\"", draw(UINT32_MAX));
    add_one_of(out, types, sizeof types / sizeof types[0]);
    vx_buf_char(out, '.');
    add_number(out, 1, 0, 10);
    vx_buf_str(out, "\",\"region\":\"");
    add_one_of(out, regions, sizeof regions / sizeof regions[0]);
    vx_buf_char(out, '-');
    add_number(out, 1, 1, 2);
    vx_buf_str(out, "\",\"amount\":");
    add_number(out, 1, 0, 1000);
    vx_buf_char(out, '.');
    add_number(out, 2, 0, 100);
    add_player(out, number);
    vx_buf_printf(out, ",\"time\":%" PRIu64, UINT64_C(1700000000000) + number);
    add_items(out);
    vx_buf_printf(out, ",\"ok\":%s,\"session\":\"", draw(2) ? "true" : "false");
    while (out->len - begin < GAME_BYTES - 2)
        vx_buf_char(out, (char)('a' + draw(26)));
    vx_buf_str(out, "\"}\n");
}

static void add_hooks(struct vx_buf *out)
{
    static const struct json_step value = {.key = VX_SPAN_LITERAL("value")};
    struct json_paths *paths = json_paths_new();
    json_paths_add(paths, (struct json_path){&value, 1}, 0);
    json_paths_seal(paths);
    struct json_scanner *scanner = json_scanner_new();
    char *line = NULL;
    size_t room = 0;
    for (ssize_t len; (len = getline(&line, &room, stdin)) > 0;) {
        struct json_value found;
        vx_assert(json_scan(scanner, paths, vx_span(line, (size_t)len), &found, NULL) == VX_OK && found.at);
        vx_buf_span(out, json_text(found));
        vx_buf_char(out, '\n');
    }
    free(line);
    json_scanner_free(scanner);
    json_paths_free(paths);
}

int main(int argc, char **argv)
{
    struct vx_buf out = {0};
    const char *what = argc > 1 ? argv[1] : "";
    uint32_t count = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    bool game = strcmp(what, "game") == 0, lots9 = strcmp(what, "lots9") == 0;
    if (strcmp(what, "hooks") == 0) {
        add_hooks(&out);
    } else if (game || lots9 || strcmp(what, "lots") == 0) {
        for (uint32_t i = 0; i < count; i++) {
            if (game)
                add_game(&out, i);
            else
                add_lot(&out, i, lots9 ? 9 : 15);
        }
    } else {
        fprintf(stderr, "match_events: lots, lots9, game or hooks\n");
        return 2;
    }
    bool written = fwrite(out.at, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    vx_buf_done(&out);
    return !written;
}
