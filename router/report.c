/* The texts about a router. Read-only; any thread.
 *
 * The presence report is an interface: configsvc and `veltrix fleet` read it.
 *   host, version, pid, started_ms, workers, workers_hung, partitions, joined, running {release, generation, since_ms, source},
 *   releases [{release, state: running|loading|rejected, error}], etcd, alarm, known {generation, cluster: text},
 *   held [{topic, partition, reason, message}], counters {in, out, dead_letters, failures}
 */
#include "router/report.h"

#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/json/write.h"
#include "router/io/destinations.h"

enum { HELD_MAX = 20 }; /* listed in the presence report */

static void add_text(struct vx_buf *out, const char *name, const char *value)
{
    struct vx_span text = vx_span_str(value);
    vx_buf_printf(out, "\"%s\":", name);
    json_write_string(out, vx_utf8_valid(text) ? text : VX_SPAN_LITERAL("?"));
}

static const char *state_of(const struct follow *f)
{
    if (f->alarm == FOLLOW_FELL)
        return "generation_fell";
    if (f->alarm == FOLLOW_CLUSTER)
        return "another_cluster";
    return f->missing ? "no_pointer" : "";
}

static void add_releases(struct vx_buf *out, const struct follower_status *s)
{
    const struct follow *f = &s->follow;
    if (f->running)
        vx_buf_printf(out, "\"running\":{\"release\":%u,\"generation\":%llu,\"since_ms\":%lld,\"source\":\"%s\"},",
                      f->running, (unsigned long long)f->running_generation, (long long)s->running_since_ms,
                      f->from_copy ? "last_good_copy" : "etcd");
    vx_buf_str(out, "\"releases\":[");
    const char *comma = "";
    if (f->running) {
        vx_buf_printf(out, "{\"release\":%u,\"state\":\"running\"}", f->running);
        comma = ",";
    }
    if (f->seen && (f->known.release != f->running || f->other || f->unreadable)) {
        bool rejected = f->rejected == f->known.release;
        vx_buf_printf(out, "%s{\"release\":%u,\"state\":\"%s\"", comma, f->known.release,
                      rejected ? "rejected" : "loading");
        if (rejected) {
            vx_buf_char(out, ',');
            add_text(out, "error", f->rejected_why);
        }
        vx_buf_char(out, '}');
    }
    vx_buf_str(out, "],");
}

struct partitions {
    struct vx_buf *out; /* NULL: only count */
    bool all;           /* every partition; else those that are held */
    size_t listed, count, held, events, bytes;
};

static void add_partition(void *ctx, const struct consumer_partition *p)
{
    struct partitions *ps = ctx;
    ps->count++;
    ps->events += p->depth_events;
    ps->bytes += p->depth_bytes;
    ps->held += p->hold != HOLD_NONE;
    if (!ps->out || (!ps->all && (p->hold == HOLD_NONE || ps->listed >= HELD_MAX)))
        return;
    vx_buf_str(ps->out, ps->listed++ ? ",{" : "{");
    add_text(ps->out, "topic", p->topic);
    vx_buf_printf(ps->out, ",\"partition\":%d", p->partition);
    if (ps->all)
        vx_buf_printf(ps->out, ",\"committed\":%lld,\"lag\":%lld,\"window_events\":%zu,\"window_bytes\":%zu",
                      (long long)p->committed, (long long)p->lag, p->depth_events, p->depth_bytes);
    if (p->hold != HOLD_NONE) {
        vx_buf_printf(ps->out, ",\"reason\":\"%s\",", lane_hold_label(p->hold));
        add_text(ps->out, "message", p->message);
    }
    vx_buf_char(ps->out, '}');
}

static void add_missing(void *ctx, const char *name, bool forbidden)
{
    struct vx_buf *out = ctx;
    if (out->at[out->len - 1] != '[')
        vx_buf_char(out, ',');
    vx_buf_char(out, '{');
    add_text(out, "topic", name);
    vx_buf_printf(out, ",\"state\":\"%s\"}", forbidden ? "forbidden" : "missing");
}

static void add_all(const struct report *r, bool every_partition, struct vx_buf *out)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    vx_buf_char(out, '{');
    add_text(out, "host", host);
    vx_buf_printf(out, ",\"version\":\"%s\",\"pid\":%ld,\"started_ms\":%lld,\"workers\":%lld,\"joined\":%s,",
                  VELTRIX_VERSION, (long)getpid(), (long long)r->started_ms, (long long)r->settings->workers_count,
                  r->joined ? "true" : "false");
    add_releases(out, &r->follower);
    vx_buf_printf(out, "\"workers_release\":%u,\"workers_hung\":%zu,", r->workers_release, r->workers_hung);
    vx_buf_printf(out, "\"etcd\":\"%s\",", r->follower.connected ? "connected" : "lost");
    if (!r->follower.connected) {
        add_text(out, "etcd_error", r->follower.disconnected_why);
        vx_buf_char(out, ',');
    }
    if (state_of(&r->follower.follow)[0])
        vx_buf_printf(out, "\"alarm\":\"%s\",", state_of(&r->follower.follow));
    const struct follow_pointer *known = &r->follower.follow.known;
    if (known->generation) /* `cluster` is text: it takes all of 64 bits */
        vx_buf_printf(out, "\"known\":{\"generation\":%llu,\"cluster\":\"%llu\"},",
                      (unsigned long long)known->generation, (unsigned long long)known->cluster_id);
    struct partitions ps = {.out = out, .all = every_partition};
    vx_buf_str(out, every_partition ? "\"assignments\":[" : "\"held\":[");
    consumer_each(r->consumer, add_partition, &ps);
    vx_buf_printf(out, "],\"partitions\":%zu,\"held_partitions\":%zu,\"window_events\":%zu,\"window_bytes\":%zu,",
                  ps.count, ps.held, ps.events, ps.bytes);
    vx_buf_str(out, "\"missing_destinations\":[");
    destinations_missing(r->destinations, add_missing, out);
    vx_buf_printf(out, "],\"counters\":{\"in\":%llu,\"out\":%llu,\"dead_letters\":%llu,\"failures\":%llu}}",
                  (unsigned long long)metrics_total(r->metrics, METRIC_EVENTS),
                  (unsigned long long)metrics_total(r->metrics, METRIC_RECORDS),
                  (unsigned long long)metrics_total(r->metrics, METRIC_DEAD_LETTERS),
                  (unsigned long long)metrics_total(r->metrics, METRIC_FAILURES));
}

void report_presence(const struct report *r, struct vx_buf *out)
{
    add_all(r, false, out);
}

void report_status(const struct report *r, struct vx_buf *out)
{
    add_all(r, true, out);
    /* one more member than the presence report: who is speaking */
    out->at[--out->len] = '\0';
    vx_buf_char(out, ',');
    add_text(out, "fleet", r->settings->fleet);
    vx_buf_char(out, ',');
    add_text(out, "id", r->settings->id);
    vx_buf_char(out, ',');
    add_text(out, "instance", r->instance);
    vx_buf_str(out, "}\n");
}

/* --- metrics ----------------------------------------------------------------------------------------------------- */

static void gauge(struct vx_buf *out, const char *name, const char *help, double value)
{
    vx_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %.15g\n", name, help, name, name, value);
}

struct lag {
    struct vx_buf *out;
    const char *name;
    int64_t (*value)(const struct consumer_partition *p);
};

static int64_t lag_of(const struct consumer_partition *p)
{
    return p->lag;
}

static int64_t depth_of(const struct consumer_partition *p)
{
    return (int64_t)p->depth_events;
}

static void add_gauge(void *ctx, const struct consumer_partition *p)
{
    struct lag *lag = ctx;
    char partition[16];
    snprintf(partition, sizeof partition, "%d", p->partition);
    int64_t value = lag->value(p);
    if (value < 0)
        return;
    metrics_name(lag->out, lag->name, (const char *[]){"topic", p->topic, "partition", partition, NULL});
    vx_buf_printf(lag->out, "%lld\n", (long long)value);
}

static void per_partition(const struct report *r, struct vx_buf *out, const char *name, const char *help,
                          int64_t (*value)(const struct consumer_partition *p))
{
    struct lag lag = {.out = out, .name = name, .value = value};
    vx_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
    consumer_each(r->consumer, add_gauge, &lag);
}

void report_metrics(const struct report *r, struct vx_buf *out)
{
    const struct follow *f = &r->follower.follow;
    struct partitions ps = {0};
    consumer_each(r->consumer, add_partition, &ps);
    metrics_print(r->metrics, out);

    char release[16], generation[24];
    snprintf(release, sizeof release, "%u", f->running);
    snprintf(generation, sizeof generation, "%llu", (unsigned long long)f->running_generation);
    vx_buf_str(out, "# HELP veltrix_router_info The router and what it runs.\n# TYPE veltrix_router_info gauge\n");
    metrics_name(out, "veltrix_router_info",
                 (const char *[]){"version", VELTRIX_VERSION, "fleet", r->settings->fleet, "id", r->settings->id,
                                  "source", f->from_copy ? "last_good_copy" : "etcd", NULL});
    vx_buf_str(out, "1\n");
    gauge(out, "veltrix_release", "Number of the release in force; 0 without one.", f->running);
    gauge(out, "veltrix_generation", "Generation of the pointer that named it.", (double)f->running_generation);
    gauge(out, "veltrix_release_since_seconds", "When it came into force, Unix time.",
          (double)r->follower.running_since_ms / 1000);
    gauge(out, "veltrix_reload_seconds", "When a release was last loaded or failed to, Unix time.",
          (double)r->follower.reload_ms / 1000);
    gauge(out, "veltrix_reload_success", "1 when the last load went well.", r->follower.reload_ok);
    gauge(out, "veltrix_release_rejected", "Release that the fleet wants and this router refuses; 0: none.",
          f->rejected);
    gauge(out, "veltrix_pointer_alarm", "1 while etcd shows a pointer that is not obeyed.", f->alarm != FOLLOW_SAME);
    gauge(out, "veltrix_pointers_missed", "Pointers found by the periodic read and not by the watch.",
          (double)r->follower.missed_count);
    gauge(out, "veltrix_etcd_connected", "1 while the watch of the pointer stands.", r->follower.connected);
    gauge(out, "veltrix_ready", "1 when it has a release, has joined its group, and has begun its first partitions.",
          report_ready(r, NULL));
    gauge(out, "veltrix_workers_hung", "Workers that do not move.", (double)r->workers_hung);
    gauge(out, "veltrix_partitions", "Partitions assigned.", (double)ps.count);
    gauge(out, "veltrix_partitions_held", "Partitions that cannot go on.", (double)ps.held);
    gauge(out, "veltrix_window_bytes", "Bytes of events that are not done.", (double)ps.bytes);
    per_partition(r, out, "veltrix_window_events", "Events that are not done.", depth_of);
    per_partition(r, out, "veltrix_lag_events", "Events between what is done and the end of the partition.", lag_of);
}

bool report_ready(const struct report *r, struct vx_buf *out)
{
    const struct follow *f = &r->follower.follow;
    if (f->running && r->joined) {
        if (out)
            vx_buf_str(out, "ready\n");
        return true;
    }
    if (!out)
        return false;
    if (f->running)
        vx_buf_printf(out, "not ready: waiting for the consumer group %s, and for where its partitions begin\n",
                      r->settings->fleet);
    else if (f->missing)
        vx_buf_str(out, "not ready: the fleet has no release yet\n");
    else if (f->rejected)
        vx_buf_printf(out, "not ready: release %u is refused: %s\n", f->rejected, f->rejected_why);
    else
        vx_buf_printf(out, "not ready: no release yet%s%s\n", r->follower.connected ? "" : ", etcd does not answer: ",
                      r->follower.connected ? "" : r->follower.disconnected_why);
    return false;
}
