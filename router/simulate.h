/* `veltrix-router --simulate DIR`: what this router would do with events, without Kafka and etcd. One thread. */
#ifndef VX_ROUTER_SIMULATE_H
#define VX_ROUTER_SIMULATE_H

#include <stdbool.h>

struct simulate_request {
    const char *folder;
    const char *topic; /* NULL: the only one there is */
    bool envelope, counts;
};

/* Decides standard input by the configs of a folder, as core/plan/simulate.h says. Returns the exit code: 0 done, 1 the
 * folder is not valid or a line could not be read, 2 something cannot be read or written. */
int simulate_folder(const struct simulate_request *rq);

#endif
