/* librdkafka's words are said once in a while, whatever numbers they carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "router/io/kafka_log.h"

static void a_sentence_is_said_once_and_again_later_with_the_count(void **state)
{
    (void)state;
    struct kafka_log_memory m = {0};
    unsigned unsaid = 7;
    assert_true(kafka_log_says(&m, "1/1 brokers are down", 5, &unsaid));
    assert_int_equal(unsaid, 0);
    for (int i = 0; i < 100; i++)
        assert_false(kafka_log_says(&m, i % 2 ? "0/1 brokers are down" : "1/1 brokers are down", 6 + i, &unsaid));
    assert_false(kafka_log_says(&m, "1/1 brokers are down", 5 + KAFKA_LOG_AGAIN_MS - 1, &unsaid));
    assert_true(kafka_log_says(&m, "1/1 brokers are down", 5 + KAFKA_LOG_AGAIN_MS, &unsaid));
    assert_int_equal(unsaid, 101);
}

static void another_sentence_is_said_at_once(void **state)
{
    (void)state;
    struct kafka_log_memory m = {0};
    unsigned unsaid;
    assert_true(kafka_log_says(&m, "Connect to broker failed", 1, &unsaid));
    assert_true(kafka_log_says(&m, "authentication failed", 1, &unsaid));
}

static void memory_is_bounded_and_the_oldest_makes_room(void **state)
{
    (void)state;
    struct kafka_log_memory m = {0};
    unsigned unsaid;
    char text[8];
    for (int i = 0; i <= KAFKA_LOG_KEPT; i++) {
        snprintf(text, sizeof text, "t%c", 'A' + i);
        assert_true(kafka_log_says(&m, text, 10 + i, &unsaid));
    }
    assert_true(kafka_log_says(&m, "tA", 100, &unsaid));
    assert_false(kafka_log_says(&m, "tC", 100, &unsaid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_is_said_once_and_again_later_with_the_count),
        cmocka_unit_test(another_sentence_is_said_at_once),
        cmocka_unit_test(memory_is_bounded_and_the_oldest_makes_room),
    };
    return cmocka_run_group_tests_name("kafka_log", tests, NULL, NULL);
}
