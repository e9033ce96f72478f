/* Placement: keys go where the other clients put them, keyless records where their event's place says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/io/placement.h"

enum { ALL = INT32_MAX }; /* so many partitions that the partition is the hash itself */

static int32_t choose(const char *partitioner, const char *key, int32_t count)
{
    const struct placement *p = placement_find(partitioner);
    assert_non_null(p);
    return placement_choose(p, key ? vx_span_str(key) : vx_span(NULL, 0), 3, 1000, count);
}

/* The hashes are those of Kafka's own test of Utils.murmur2; the Java partitioner clears their sign and divides. */
static void keys_go_where_the_java_clients_put_them(void **state)
{
    static const struct {
        const char *key;
        int32_t hash;
    } cases[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
        {"", 275646681}, /* an empty key is a key */
    };
    static const int32_t counts[] = {1, 2, 3, 12, 96, ALL};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
            assert_int_equal(choose(NULL, cases[i].key, counts[k]), (cases[i].hash & 0x7fffffff) % counts[k]);
}

/* CRC-32 of "123456789" is the check value of that algorithm; FNV-1a's comes from its authors' list. librdkafka takes both
 * as numbers with a sign, and makes them positive. */
static void keys_go_where_other_partitioners_put_them(void **state)
{
    (void)state;
    assert_int_equal(choose("consistent", "123456789", 1000), 0xcbf43926u % 1000);
    assert_int_equal(choose("consistent_random", "123456789", 1000), 0xcbf43926u % 1000);
    assert_int_equal(choose("fnv1a", "foobar", ALL), choose("fnv1a_random", "foobar", ALL));
    assert_int_equal(choose("murmur2", "foobar", ALL), choose("murmur2_random", "foobar", ALL));
    assert_int_not_equal(choose("fnv1a", "foobar", ALL), choose("murmur2", "foobar", ALL));
    assert_null(placement_find("random"));
    assert_null(placement_find("murmur3"));
    assert_null(placement_find(""));
}

static void a_keyless_record_goes_by_the_place_of_its_event(void **state)
{
    (void)state;
    const struct placement *p = placement_find(NULL);
    struct vx_span none = vx_span(NULL, 0);
    int64_t counts[2][12] = {{0}};
    for (int32_t partition = 0; partition < 8; partition++)
        for (int64_t offset = 0; offset < 96000; offset++) {
            int32_t at = placement_choose(p, none, partition, offset, 12);
            assert_in_range(at, 0, 11);
            assert_int_equal(at, placement_choose(p, none, partition, offset / PLACEMENT_RUN * PLACEMENT_RUN, 12));
            counts[0][at]++;
            counts[1][at] += partition == 5;
        }
    for (int i = 0; i < 12; i++) { /* 1,500 runs of each of 8 partitions */
        assert_in_range(counts[0][i], 64000 * 9 / 10, 64000 * 11 / 10);
        assert_in_range(counts[1][i], 8000 * 7 / 10, 8000 * 13 / 10);
    }
}

/* As librdkafka has it: what is not spread goes where an empty key goes. */
static void what_is_spread_follows_the_partitioner(void **state)
{
    static const struct {
        const char *name;
        bool keyless, empty;
    } cases[] = {
        {"murmur2_random", true, false}, {"murmur2", false, false},     {"consistent_random", true, true},
        {"consistent", false, false},    {"fnv1a_random", true, false}, {"fnv1a", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct placement *p = placement_find(cases[i].name);
        bool moves[2] = {false, false};
        for (int64_t offset = 0; offset < 64 * PLACEMENT_RUN; offset += PLACEMENT_RUN) {
            moves[0] |=
                placement_choose(p, vx_span(NULL, 0), 1, offset, 96) != placement_choose(p, vx_span(NULL, 0), 1, 0, 96);
            moves[1] |=
                placement_choose(p, vx_span("", 0), 1, offset, 96) != placement_choose(p, vx_span("", 0), 1, 0, 96);
        }
        assert_int_equal(moves[0], cases[i].keyless);
        assert_int_equal(moves[1], cases[i].empty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_go_where_the_java_clients_put_them),
        cmocka_unit_test(keys_go_where_other_partitioners_put_them),
        cmocka_unit_test(a_keyless_record_goes_by_the_place_of_its_event),
        cmocka_unit_test(what_is_spread_follows_the_partitioner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
