/* Producing numbered events: game events from a seed, or the lines of a file. One thread; order per key is the producer's
 * (idempotent, acks=all); returns when every record is acknowledged. */
#include "load.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "kafka.h"
#include "router/io/lifeline.h"

enum { FLUSH_MS = 120000, FLUSH_STEP_MS = 1000 };

static uint64_t failures;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk, (void)opaque;
    if (message->err && failures++ == 0)
        fprintf(stderr, "veltrix-check: delivery: %s\n", rd_kafka_err2str(message->err));
}

/* xorshift64* (Vigna 2016): the same events from the same seed everywhere. */
static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1Du;
}

static void put(rd_kafka_t *rk, const char *topic, uint64_t id, struct vx_span key, struct vx_span value,
                rd_kafka_headers_t *headers)
{
    char number[24];
    int n = snprintf(number, sizeof number, "%llu", (unsigned long long)id);
    rd_kafka_header_add(headers, CHECK_ID_HEADER, -1, number, n);
    for (;;) {
        rd_kafka_headers_t *copy = rd_kafka_headers_copy(headers);
        rd_kafka_resp_err_t err =
            rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key.at, key.len),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value.at, value.len), RD_KAFKA_V_HEADERS(copy),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (!err)
            break;
        rd_kafka_headers_destroy(copy);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            fail("produce: %s", rd_kafka_err2str(err));
        kafka_serve(rk, 10);
    }
    rd_kafka_headers_destroy(headers);
    rd_kafka_poll(rk, 0);
}

static void send_generated(rd_kafka_t *rk, const struct kafka_load *load, uint64_t id, uint64_t *state)
{
    static const char *const types[] = {"move", "move", "move", "puzzle", "purchase", "chat"};
    static const char *const regions[] = {"eu-west", "eu-north", "us-east", "ap-south"};
    uint64_t r = draw(state);
    char key[32], value[16384];
    int key_len = snprintf(key, sizeof key, "player-%llu", (unsigned long long)(r % (load->keys ? load->keys : 1000)));
    int n = snprintf(value, sizeof value,
                     "{\"id\":%llu,\"type\":\"%s\",\"region\":\"%s\",\"amount\":%llu,\"score\":%llu.5,"
                     "\"player\":{\"name\":\"%s\",\"level\":%llu},\"pad\":\"",
                     (unsigned long long)id, types[(r >> 20) % 6], regions[(r >> 24) % 4],
                     (unsigned long long)((r >> 28) % 2000), (unsigned long long)((r >> 40) % 100), key,
                     (unsigned long long)((r >> 48) % 60));
    while (n < (int)load->size - 2 && n < (int)sizeof value - 3)
        value[n++] = 'x';
    value[n++] = '"';
    value[n++] = '}';
    put(rk, load->topic, id, load->keys ? vx_span(key, (size_t)key_len) : vx_span(NULL, 0), vx_span(value, (size_t)n),
        rd_kafka_headers_new(2));
}

/* A line of a file: its value is sent as compact JSON text; bytes that differ from the file do not matter here. */
static void send_line(rd_kafka_t *rk, const struct kafka_load *load, uint64_t id, const char *line, size_t len)
{
    json_error_t error;
    json_t *row = json_loadb(line, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error), *item;
    if (!row)
        fail("event %llu: %s", (unsigned long long)id, error.text);
    const char *name, *key = json_string_value(json_object_get(row, "key"));
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    json_object_foreach(json_object_get(row, "headers"), name, item)
        rd_kafka_header_add(headers, name, -1, json_string_value(item), (ssize_t)json_string_length(item));
    char *value = json_dumps(json_object_get(row, "value"), JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    put(rk, load->topic, id, vx_span_str(key), vx_span_str(value), headers);
    free(value);
    json_decref(row);
}

static void send_file(rd_kafka_t *rk, const struct kafka_load *load)
{
    FILE *in = strcmp(load->file, "-") == 0 ? stdin : fopen(load->file, "r");
    char *line = NULL;
    size_t room = 0;
    if (!in)
        fail("%s: %s", load->file, strerror(errno));
    ssize_t len;
    for (uint64_t id = load->first_id; (len = getline(&line, &room, in)) > 0; id++)
        send_line(rk, load, id, line, (size_t)len);
    free(line);
    if (in != stdin)
        fclose(in);
}

void kafka_produce(const char *brokers, const struct kafka_load *load)
{
    static const char *const properties[] = {
        "enable.idempotence",           "true",   "linger.ms", "5", "partitioner", "murmur2_random",
        "queue.buffering.max.messages", "100000", NULL};
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof text);
    for (const char *const *p = properties; *p; p += 2)
        if (rd_kafka_conf_set(conf, p[0], p[1], text, sizeof text) != RD_KAFKA_CONF_OK)
            fail("%s", text);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = lifeline_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!rk)
        fail("%s", text);
    if (load->file) {
        send_file(rk, load);
    } else {
        uint64_t state = load->seed ? load->seed : 1;
        int64_t start_us = vx_clock_us();
        for (uint64_t i = 0; i < load->count; i++) {
            int64_t due_us = load->rate ? (int64_t)(i * 1000000 / load->rate) : 0;
            while (load->rate && vx_clock_us() - start_us < due_us)
                kafka_serve(rk, 1);
            send_generated(rk, load, load->first_id + i, &state);
        }
    }
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (int64_t end_ms = vx_clock_ms() + FLUSH_MS; err && vx_clock_ms() < end_ms; lifeline_tick(vx_clock_ms()))
        err = rd_kafka_flush(rk, FLUSH_STEP_MS);
    if (err || failures)
        fail("%llu events were not acknowledged: %s", (unsigned long long)failures, rd_kafka_err2str(err));
    lifeline_destroy(rk, 0);
}
