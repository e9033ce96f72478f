/* Every event that the router logs. The names are an interface: operators alert on them. The README's table is made of
 * this list, and a test compares it with what the sources log.
 *
 *    name                    level   meaning */
#ifndef ROUTER_LOG_EVENTS_H
#define ROUTER_LOG_EVENTS_H

#define ROUTER_LOG_EVENTS(X)                                                                                           \
    X("commit.failed", "warn", "offsets could not be committed; the next commit has them again")                       \
    X("consumer.error", "warn", "the consumer group reports an error; librdkafka goes on by itself")                   \
    X("consumer.failed", "error", "the member is refused for good (a twin has its instance_id): nothing is read")      \
    X("consumer.renewed", "info", "after SIGHUP the client of a static member was replaced, without a rebalance")      \
    X("copy.failed", "error", "the last good copy could not be written (disk full, permissions)")                      \
    X("copy.useless", "error", "the last good copy is damaged or does not compile; it is not used")                    \
    X("etcd.connected", "info", "the watch of the pointer stands")                                                     \
    X("etcd.lost", "warn", "etcd does not answer; routing goes on, changes wait")                                      \
    X("kafka.bootstrap", "info", "a client that lost all brokers, and fell silent, is told where to begin again")      \
    X("kafka.log", "warn", "librdkafka's own words, each once in 30 s (level as librdkafka has it)")                   \
    X("offset.expired", "warn", "a committed offset is older than what is left of the partition; `start` decides")     \
    X("order.unsure", "warn", "uncommitted events are decided by another release than before: order is not certain")   \
    X("partition.assigned", "info", "a partition came; offset -2 is its beginning")                                    \
    X("partition.delivery", "info", "a drained partition is delivered otherwise from now on")                          \
    X("partition.error", "warn", "a partition could not be read for the moment")                                       \
    X("partition.held", "warn", "a destination is missing or forbidden, or the release does not route the topic")      \
    X("partition.moved", "info", "a drained partition goes from one worker to another, which has fewer")               \
    X("partition.resumed", "info", "a held or stuck partition goes on")                                                \
    X("partition.revoked", "info", "a partition went; lost=true: without notice")                                      \
    X("partition.stuck", "error", "an event is refused and has no dead-letter topic; until a release changes that")    \
    X("partition.undrained", "warn", "a partition went before all its records were acknowledged; they come again")     \
    X("partition.waiting", "warn", "no broker says where it begins, or takes that down; asked again and again")        \
    X("pointer.accepted", "info", "etcd's pointer goes on from what was obeyed before: the alarm is over")             \
    X("pointer.missed", "warn", "the periodic read found a pointer that the watch had not told")                       \
    X("pointer.missing", "warn", "the fleet has no release yet; the router waits for one")                             \
    X("pointer.refused", "error", "etcd was set back or is another one; what runs stays")                              \
    X("pointer.unreadable", "error", "the pointer in etcd is not one; what runs stays")                                \
    X("presence.lost", "warn", "the router's registration in etcd is gone; it registers again")                        \
    X("presence.refused", "error", "another router has this id; this one joins no group until that one is gone")       \
    X("presence.registered", "info", "the router is registered under its id")                                          \
    X("presence.troubled", "warn", "the router is still registered, but its registration cannot be renewed")           \
    X("producer.failed", "error", "no producer could be made; tried again")                                            \
    X("producer.recreated", "warn", "a producer failed for good; a new one starts at the first event not done")        \
    X("producer.renewed", "info", "after SIGHUP a worker's producers were made anew")                                  \
    X("rebalance.failed", "error", "librdkafka refused an assignment")                                                 \
    X("release.adopted", "info", "a release is in force (warn: from the last good copy)")                              \
    X("release.confirmed", "info", "the pointer moved but names the release that runs")                                \
    X("release.lost", "warn", "an older release, wanted for uncommitted events, is not to be had")                     \
    X("release.recalled", "info", "an older release was fetched for uncommitted events that it decided")               \
    X("release.rejected", "error", "a release does not compile or is corrupt; what runs stays")                        \
    X("release.replaced", "warn", "etcd has another release under the number of the one that runs; it is loaded")      \
    X("release.unavailable", "warn", "a release could not be read from etcd; tried again")                             \
    X("release.unconfirmed", "error",                                                                                  \
      "the release that runs cannot be read in etcd; it stays, and is looked at again")                                \
    X("renewal.failed", "error", "after SIGHUP a client refused the new secrets or certificates; the old ones stay")   \
    X("router.failed", "error", "the router could not start")                                                          \
    X("router.killed", "warn", "a second signal or the deadline ended the process at once")                            \
    X("router.ready", "info", "it has a release, has joined its group, and has begun its first partitions")            \
    X("router.started", "info", "it runs; version, fleet, id")                                                         \
    X("router.stopped", "info", "clean=false (warn): something was cut short; it is done again by whoever is next")    \
    X("router.stopping", "info", "a signal; what is under way is finished")                                            \
    X("router.unready", "info", "it lost its release or its group")                                                    \
    X("settings.refused", "error", "after SIGHUP router.conf has errors; what is in force stays")                      \
    X("settings.reloaded", "info", "after SIGHUP; at_restart names what has changed and waits for the next start")     \
    X("subscription.changed", "info", "a release added or dropped topics")                                             \
    X("topic.contested", "warn", "two routings' patterns take a topic; the first routing by name has it")              \
    X("topic.matched", "info", "a pattern takes a topic that it did not take before")                                  \
    X("topic.missing", "warn", "a source topic does not exist or may not be read; looked for again")                   \
    X("transaction.aborted", "warn", "its events are decided again; nobody has seen its records")                      \
    X("worker.hung", "error", "a worker does not move (/healthz is red), or did not let go of a partition in time")    \
    X("worker.moves", "warn", "a worker that hung moves again")

#endif
