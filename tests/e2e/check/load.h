/* Shared by the Kafka side's two files. */
#ifndef TESTS_E2E_CHECK_LOAD_H
#define TESTS_E2E_CHECK_LOAD_H

#include <librdkafka/rdkafka.h>

/* A client with pairs of properties, ended by NULL, for lifeline_destroy(); a wrong one ends the process. */
rd_kafka_t *kafka_client(const char *brokers, rd_kafka_type_t type, const char *const *properties);
/* Serves callbacks for so long, and helps a client that lost all its brokers (router/io/lifeline.h). */
void kafka_serve(rd_kafka_t *rk, int timeout_ms);

#endif
