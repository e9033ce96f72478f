/* What the registry asks the brokers. The calls wait for an answer; from the registry's thread. */
#ifndef ROUTER_IO_INQUIRY_H
#define ROUTER_IO_INQUIRY_H

#include "core/config/field.h"
#include "router/io/destination.h"

struct rd_kafka_s;

/* Asks about a topic. `seen`: it was there the last time; only then its id is asked for, too. */
void inquiry_ask(struct rd_kafka_s *rk, const char *name, bool seen, struct destination_answer *out);
/* Does any broker answer? A description that is wanted while none does makes librdkafka connect thousands of times a second:
 * it asks for the controller at every change of a broker's state, and each asking cancels the wait before the next try. */
bool inquiry_reaches(struct rd_kafka_s *rk);
/* Lists every topic of the cluster; `topics` lives as long as the call of `each`, which is not made when nobody answers. */
void inquiry_list(struct rd_kafka_s *rk, void (*each)(void *ctx, const struct vx_strings *topics), void *ctx);

#endif
