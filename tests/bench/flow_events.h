/* The events of the benchmarks over Kafka: what a game server sends, nested, of an exact size, the same on every machine.
 *
 * Fields that rules look at: `type` (10 names), `region` (5 names), `amount` (an integer below 100,000: rsyslog knows no
 * other numbers); flow_lib.py knows the same names. The last member, `sent`, is a time in 19 digits: latency.c reads it
 * without parsing the event. */
#ifndef BENCH_FLOW_EVENTS_H
#define BENCH_FLOW_EVENTS_H

#include <stddef.h>
#include <stdint.h>

enum { FLOW_EVENT_MIN = 200, FLOW_EVENT_MAX = 65536, FLOW_KEY_MAX = 16, FLOW_USERS = 100000 };

/* Writes event `number` of exactly `size` bytes (within the limits above) into `out`, and its key, `user-` and five
 * digits, into `key`; returns the key's length. Pure. */
size_t flow_event(uint64_t number, size_t size, int64_t sent_ns, char *out, char key[FLOW_KEY_MAX]);
/* The time in an event that somebody has routed; -1 when its end is not as it was made. */
int64_t flow_event_sent(const char *event, size_t size);

#endif
