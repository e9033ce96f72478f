/* Shared by the Kafka side's two files. */
#ifndef TESTS_E2E_CHECK_LOAD_H
#define TESTS_E2E_CHECK_LOAD_H

#include <librdkafka/rdkafka.h>

/* A client with pairs of properties, ended by NULL; a wrong one ends the process. */
rd_kafka_t *kafka_client(const char *brokers, rd_kafka_type_t type, const char *const *properties);
/* Ends one, which lifeline_add() knows. */
void kafka_client_free(rd_kafka_t *rk);
/* Serves callbacks for so long, and helps a client that lost all its brokers (router/io/lifeline.h). */
void kafka_serve(rd_kafka_t *rk, int timeout_ms);

#endif
