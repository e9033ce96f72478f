/* Shared by the Kafka side's two files. */
#ifndef TESTS_E2E_CHECK_LOAD_H
#define TESTS_E2E_CHECK_LOAD_H

#include <librdkafka/rdkafka.h>

/* A client with pairs of properties, ended by NULL; a wrong one ends the process. */
rd_kafka_t *kafka_client(const char *brokers, rd_kafka_type_t type, const char *const *properties);

#endif
