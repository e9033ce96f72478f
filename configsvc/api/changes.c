/* Moving the pointer, and taking the edit lock away. Correctness is in the store's transactions; here is only who asks,
 * what for, and the audit entry. One request, one thread.
 *
 * The audit entries of activations and rollbacks have one form, "release 42 (was 41)", because rollback reads them back to
 * find what ran before. That of an accepted restore has its own: the release stays, only its generation moves. */
#include "configsvc/api/routes.h"

#include <stdio.h>
#include <stdlib.h>

enum { AUDIT_SEARCHED = 1000 };
#define GENERATION_MAX ((int64_t)1 << 53) /* what a report may claim: beyond, nobody could count on from it */

/* The pointer as it is; VX_ECONFLICT when the caller has seen another generation. */
static enum vx_status read_pointer(struct request *rq, struct store_pointer *seen, struct vx_err *err)
{
    enum vx_status status = store_pointer_read(rq->store, seen, err);
    int64_t expected = wire_get_int(rq->body, "expect_generation", -1);
    if (status != VX_OK || expected < 0 || (uint64_t)expected == seen->generation)
        return status;
    return vx_err_set(err, VX_ECONFLICT,
                      "the pointer is at generation %llu, not %lld: %s has made release %u the running one meanwhile",
                      (unsigned long long)seen->generation, (long long)expected, seen->by, seen->stable);
}

static void reply_moved(struct request *rq, struct reply *re, const char *action, const struct store_pointer *was,
                        const struct store_pointer *now)
{
    request_audit(rq, action, "release %u (was %u)", now->stable, was->stable);
    wire_open(&re->body, NULL, '{');
    status_write_pointer(&re->body, "pointer", now);
    wire_int(&re->body, "was", was->stable);
    wire_close(&re->body, '}');
}

/* The body's `release`; 0 when there is none, UINT32_MAX when it is not a release number. */
static uint32_t body_release(const struct request *rq)
{
    struct json_value v = wire_get(rq->body, "release");
    int64_t n = wire_get_int(rq->body, "release", -1);
    if (v.kind == JSON_KIND_MISSING)
        return 0;
    return n > 0 && n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

void changes_activate(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_pointer seen, now;
    struct store_lock *lock;
    uint32_t release = body_release(rq);
    const char *who = vx_arena_printf(&rq->arena, "%s via %s", rq->author, rq->replica);
    if (release == 0 || release == UINT32_MAX) {
        reply_error(re, 400, "bad_request", NULL, "`release` must be the number of a release");
        return;
    }
    if (store_lock_acquire(rq->store, who, "activate", API_LOCK_WAIT_MS, &lock, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    enum vx_status status = read_pointer(rq, &seen, &err);
    if (status == VX_OK)
        status = store_activate(rq->store, lock, &seen, release, rq->author, &now, &err);
    store_lock_release(lock);
    if (status == VX_OK)
        reply_moved(rq, re, "activate", &seen, &now);
    else
        reply_failure(re, &err);
}

/* The release that ran before `running` was activated, from the newest audit entry that tells of that; 0 when none does. */
static enum vx_status release_before(struct request *rq, uint32_t running, uint32_t *before, struct vx_err *err)
{
    struct store_audit *list;
    size_t count;
    enum vx_status status = store_audit_list(rq->store, &rq->arena, AUDIT_SEARCHED, &list, &count, err);
    if (status != VX_OK)
        return status;
    *before = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned release, was;
        if (strcmp(list[i].action, "activate") == 0 &&
            sscanf(list[i].detail, "release %u (was %u)", &release, &was) == 2 && release == running &&
            was != running) {
            *before = was;
            return VX_OK;
        }
    }
    return VX_OK;
}

void changes_rollback(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_pointer seen, now;
    uint32_t release = body_release(rq);
    if (release == UINT32_MAX) {
        reply_error(re, 400, "bad_request", NULL, "`release` must be the number of a release");
        return;
    }
    if (read_pointer(rq, &seen, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    if (seen.generation == 0) {
        reply_error(re, 409, "conflict", NULL, "fleet %s runs nothing yet: there is nothing to go back from",
                    store_fleet(rq->store));
        return;
    }
    if (release == 0 && release_before(rq, seen.stable, &release, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    if (release == 0) {
        reply_error(re, 409, "conflict", NULL,
                    "nothing is known to have run before release %u: name the release to go to", seen.stable);
        return;
    }
    if (store_rollback(rq->store, &seen, release, rq->author, &now, &err) == VX_OK)
        reply_moved(rq, re, "rollback", &seen, &now);
    else
        reply_failure(re, &err);
}

/* What the live routers have obeyed last, and how many of them do not obey what etcd shows now. */
struct obeyed {
    uint64_t generation; /* the highest */
    uint64_t clusters[STORE_FORMER_MAX];
    size_t cluster_count;
    size_t refusing;
};

static void add_obeyed(struct request *rq, const char *text, struct obeyed *out)
{
    struct json_value report, known;
    if (wire_parse(vx_span_str(text), &report, NULL) != VX_OK)
        return; /* a router of another version may write anything */
    known = wire_get(report, "known");
    int64_t generation = wire_get_int(known, "generation", 0);
    uint64_t cluster = strtoull(wire_get_str(known, "cluster", &rq->arena, "0"), NULL, 10);
    const char *alarm = wire_get_str(report, "alarm", &rq->arena, "");
    out->refusing += strcmp(alarm, "generation_fell") == 0 || strcmp(alarm, "another_cluster") == 0;
    if (generation > 0 && generation < GENERATION_MAX && (uint64_t)generation > out->generation)
        out->generation = (uint64_t)generation;
    size_t i = 0;
    while (i < out->cluster_count && out->clusters[i] != cluster)
        i++;
    if (cluster && i == out->cluster_count && i < STORE_FORMER_MAX)
        out->clusters[out->cluster_count++] = cluster;
}

/* Writes the pointer again, ahead of what every live router has obeyed and naming the clusters that they know: that is
 * the operator's word they wait for. */
void changes_accept_restore(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_pointer seen, now;
    struct store_router *routers;
    struct obeyed obeyed = {0};
    size_t count;
    if (read_pointer(rq, &seen, &err) != VX_OK ||
        store_routers(rq->store, &rq->arena, &routers, &count, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_obeyed(rq, routers[i].report, &obeyed);
    if (seen.generation == 0 || obeyed.refusing == 0) {
        reply_error(re, 409, "conflict", NULL,
                    seen.generation ? "every live router of fleet %s obeys etcd: there is nothing to accept"
                                    : "this etcd has no running release of fleet %s: apply one first",
                    store_fleet(rq->store));
        return;
    }
    if (store_accept_restore(rq->store, &seen, obeyed.generation, obeyed.clusters, obeyed.cluster_count, rq->author,
                             &now, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    request_audit(rq, "accept-restore", "release %u, generation %llu (was %llu): %zu routers had not obeyed",
                  now.stable, (unsigned long long)now.generation, (unsigned long long)seen.generation, obeyed.refusing);
    wire_open(&re->body, NULL, '{');
    status_write_pointer(&re->body, "pointer", &now);
    wire_int(&re->body, "was", seen.stable);
    wire_int(&re->body, "refusing", (int64_t)obeyed.refusing);
    wire_close(&re->body, '}');
}

void changes_break_lock(struct request *rq, struct reply *re)
{
    struct vx_err err = {0};
    struct store_lock_info info;
    const char *text = request_query(rq, "revision");
    int64_t revision = text ? strtoll(text, NULL, 10) : 0;
    if (text && (revision < 1 || text[strspn(text, "0123456789")])) {
        reply_error(re, 400, "bad_request", NULL, "`revision` must be the number that GET lock gives");
        return;
    }
    if (store_lock_info(rq->store, &rq->arena, &info, &err) != VX_OK ||
        store_lock_break(rq->store, revision, &err) != VX_OK) {
        reply_failure(re, &err);
        return;
    }
    request_audit(rq, "lock.break", "taken from %s (%s)", info.held ? info.holder : "nobody",
                  info.held ? info.purpose : "-");
    wire_open(&re->body, NULL, '{');
    wire_bool(&re->body, "broken", true);
    wire_str(&re->body, "holder", info.held ? info.holder : NULL);
    wire_close(&re->body, '}');
}
