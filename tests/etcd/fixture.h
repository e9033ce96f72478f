/* What the tests of core/store share: a fleet, small releases in it, waiting, and what callbacks have told. */
#ifndef VX_TESTS_ETCD_FIXTURE_H
#define VX_TESTS_ETCD_FIXTURE_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "tests/etcd/cluster.h"

/* A fleet of its own on an etcd. */
struct fixture {
    struct etcd *etcd;
    struct store *store;
    char fleet[64];
    _Atomic int inside; /* threads that believe to hold the edit lock */
};

static inline void fixture_init(struct fixture *f)
{
    f->inside = 0;
    f->etcd = test_client();
    MUST(store_new(f->etcd, test_fleet(f->fleet), &f->store, &must_err));
}

static inline void fixture_done(struct fixture *f)
{
    store_free(f->store);
    etcd_free(f->etcd);
}

/* A release of one text of its own and one that all releases share. */
static inline struct store_manifest small_release(struct store_entry entries[2], const char *author, const char *text,
                                                  const char *request_id)
{
    entries[0] = (struct store_entry){
        .kind = "routing", .name = "main", .path = "main.yaml", .line = 1, .text = vx_span_str(text)};
    entries[1] = (struct store_entry){.kind = "processing",
                                      .name = "shared",
                                      .path = "shared.yaml",
                                      .line = 7,
                                      .text = VX_SPAN_LITERAL("kind: processing\nname: shared\n")};
    return (struct store_manifest){
        .author = author, .message = text, .request_id = request_id, .entries = entries, .entry_count = 2};
}

/* Takes the lock, publishes, gives it back. */
static inline enum vx_status publish_as(struct store *store, const char *author, const char *text,
                                        const char *request_id, int64_t expect_head, uint32_t *number,
                                        struct vx_err *err)
{
    struct store_entry entries[2];
    struct store_manifest manifest = small_release(entries, author, text, request_id);
    struct store_lock *lock = NULL;
    enum vx_status status = store_lock_acquire(store, author, "publish", 20000, &lock, err);
    if (!status)
        status = store_publish(store, lock, expect_head, &manifest, err);
    store_lock_release(lock);
    if (!status && number)
        *number = manifest.number;
    return status;
}

/* Waits for a condition for some seconds; false when it does not come true. */
#define EVENTUALLY(seconds, condition)                                                                                 \
    ({                                                                                                                 \
        int64_t until_ms_ = vx_clock_ms() + (seconds)*1000;                                                            \
        bool true_ = false;                                                                                            \
        while (!(true_ = (condition)) && vx_clock_ms() < until_ms_)                                                    \
            sleep_ms(10);                                                                                              \
        true_;                                                                                                         \
    })

/* What callbacks have told so far: an expression over `seen`, a struct with a mutex, under that mutex. */
#define SEEN(seen, expr)                                                                                               \
    ({                                                                                                                 \
        pthread_mutex_lock(&(seen)->mutex);                                                                            \
        __typeof__(expr) value_ = (expr);                                                                              \
        pthread_mutex_unlock(&(seen)->mutex);                                                                          \
        value_;                                                                                                        \
    })

#define assert_contains(text, part)                                                                                    \
    do {                                                                                                               \
        if (!strstr((text), (part)))                                                                                   \
            fail_msg("expected \"%s\" in: %s", (part), (text));                                                        \
    } while (0)

#endif
