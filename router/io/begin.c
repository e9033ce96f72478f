/* Where assigned partitions begin, and with which course: the group's committed offsets with their metadata, and where
 * each partition ends now.
 *
 *     assigned ──> ask brokers ──known──> put what was found on record ──> a queue, a worker, incremental_assign
 *         └────────── again ──unknown─┘
 *
 * Where to begin is stated, never assumed: the committed offset, or where there is none the routing's `start`. As long as
 * no broker says what is committed, a partition is held and not begun somewhere. `latest` is found once and committed
 * before the first event is read: found again after a restart or by the next owner it would skip what came meanwhile. It
 * is about the moment at which the fleet begins a topic: a partition that is added later begins at its beginning, or what
 * was written before it was noticed would be skipped. How many partitions there were at that moment stands in the
 * commits' metadata; a fleet that has commits without it began the topic at its beginning.
 *
 * A committed offset that retention has overtaken is no place to begin either: it is said, and `start` decides.
 *
 * The ends bound what an owner before can have decided: it has lost the partition by now, and it could not read what
 * was not there. They are asked from the leaders, not from a follower that may be behind, all in one request.
 *
 * Thread: the consumer's, between its polls. Others of its partitions may have to be given back meanwhile, so everything
 * here has a deadline. Invariant: a partition that is not begun is in no worker and not in librdkafka's assignment. */
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "router/io/consumer_private.h"

enum {
    COMMITTED_TIMEOUT_MS = 5000,
    ENDS_TIMEOUT_MS = 5000,
    COMMIT_TIMEOUT_MS = 5000,
    AGAIN_MS = 500,
};

/* Where a partition begins: its offset stands in the list of partitions. */
struct begin {
    struct course course;
    int32_t leader_epoch; /* of the event before; -1: unknown */
    bool found;           /* it begins at its end, as of now: to be committed before the first event is read */
    const char *unknown;  /* why it is not known yet (static); NULL: it is */
};

/* --- where ------------------------------------------------------------------------------------------------------- */

/* The ends, or the beginnings, of the partitions in `list`, in a new list; -1 where nobody says. */
static rd_kafka_topic_partition_list_t *find_offsets(struct consumer *c, const rd_kafka_topic_partition_list_t *list,
                                                     rd_kafka_OffsetSpec_t which)
{
    char text[256];
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++)
        rd_kafka_topic_partition_list_add(ends, list->elems[i].topic, list->elems[i].partition)->offset = which;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(c->rk, RD_KAFKA_ADMIN_OP_LISTOFFSETS);
    vx_assert(rd_kafka_AdminOptions_set_request_timeout(options, ENDS_TIMEOUT_MS, text, sizeof text) ==
              RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_ListOffsets(c->rk, ends, options, queue);
    for (int i = 0; i < ends->cnt; i++)
        ends->elems[i].offset = -1;
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ENDS_TIMEOUT_MS);
    const rd_kafka_ListOffsets_result_t *result = event ? rd_kafka_event_ListOffsets_result(event) : NULL;
    size_t count = 0;
    const rd_kafka_ListOffsetsResultInfo_t **infos = result ? rd_kafka_ListOffsets_result_infos(result, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *p = rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
        rd_kafka_topic_partition_t *end = rd_kafka_topic_partition_list_find(ends, p->topic, p->partition);
        if (end && !p->err)
            end->offset = p->offset;
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return ends;
}

/* What the group has committed in a topic that begins at its end. */
struct begun {
    int count;      /* partitions that the topic has now */
    uint32_t first; /* and had when the fleet began it; 0: unknown */
    bool any;       /* there are commits */
    bool known;     /* else nobody says */
};

/* 0: nobody says. */
static int count_partitions(struct consumer *c, const char *topic)
{
    const struct rd_kafka_metadata *md;
    int count = 0;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, topic, NULL);
    if (rkt && rd_kafka_metadata(c->rk, 0, rkt, &md, COMMITTED_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        count = md->topic_cnt == 1 ? md->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(md);
    }
    if (rkt)
        rd_kafka_topic_destroy(rkt);
    return count;
}

static struct begun find_begun(struct consumer *c, const char *topic)
{
    struct begun b = {.count = count_partitions(c, topic)};
    if (b.count == 0)
        return b;
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(b.count);
    rd_kafka_topic_partition_list_add_range(all, topic, 0, b.count - 1);
    b.known = rd_kafka_committed(c->rk, all, COMMITTED_TIMEOUT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < all->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &all->elems[i];
        struct course course;
        b.known &= p->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        if (p->offset < 0)
            continue;
        b.any = true;
        if (course_load(&course, p->metadata ? p->metadata : "", p->metadata_size, p->offset, -1) &&
            course.partitions > b.first)
            b.first = course.partitions;
    }
    rd_kafka_topic_partition_list_destroy(all);
    return b;
}

/* A partition without a commit, in a topic with `start: latest`, that ends at `end` (-1: unknown). */
static void begin_latest(const struct begun *begun, rd_kafka_topic_partition_t *p, int64_t end, struct begin *b)
{
    if (!begun->known || p->partition >= begun->count) {
        b->unknown = "no broker says how many partitions there are, and what the fleet has committed of them";
    } else if (begun->any && (uint32_t)p->partition >= begun->first) {
        p->offset = RD_KAFKA_OFFSET_BEGINNING;
    } else if (end >= 0) {
        p->offset = end;
        b->found = true;
        course_init(&b->course, end);
        b->course.partitions = begun->any ? begun->first : (uint32_t)begun->count;
    } else {
        b->unknown = "no broker says where it ends";
    }
}

/* What was committed lies before `first`, where the partition begins now. */
static void begin_expired(struct consumer *c, rd_kafka_topic_partition_t *p, int64_t first, int64_t end,
                          struct begin *b)
{
    bool latest = consumer_start_of(c, p->topic) == CONFIG_LATEST && end >= 0;
    uint32_t partitions = b->course.partitions;
    vx_log(VX_LOG_WARN, "offset.expired", "topic=%s partition=%d committed=%lld first=%lld start=%s", p->topic,
           p->partition, (long long)p->offset, (long long)first, latest ? "latest" : "earliest");
    p->offset = latest ? end : first;
    if (!latest)
        return;
    b->found = true;
    course_init(&b->course, end);
    b->course.partitions = partitions;
}

/* Fills in where each partition of `list` begins. */
static void find(struct consumer *c, rd_kafka_topic_partition_list_t *list, struct begin *begins)
{
    rd_kafka_resp_err_t err = rd_kafka_committed(c->rk, list, COMMITTED_TIMEOUT_MS);
    rd_kafka_topic_partition_list_t *ends = find_offsets(c, list, RD_KAFKA_OFFSET_SPEC_LATEST);
    rd_kafka_topic_partition_list_t *firsts = find_offsets(c, list, RD_KAFKA_OFFSET_SPEC_EARLIEST);
    struct begun begun = {0};
    const char *begun_topic = "";
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *p = &list->elems[i];
        struct begin *b = &begins[i];
        int64_t end = ends->elems[i].offset;
        *b = (struct begin){.leader_epoch = rd_kafka_topic_partition_get_leader_epoch(p)};
        course_init(&b->course, -1);
        if (err || p->err) {
            b->unknown = rd_kafka_err2str(err ? err : p->err);
        } else if (p->offset >= 0) {
            course_load(&b->course, p->metadata ? p->metadata : "", p->metadata_size, p->offset, end);
            if (p->offset < firsts->elems[i].offset)
                begin_expired(c, p, firsts->elems[i].offset, end, b);
        } else if (consumer_start_of(c, p->topic) == CONFIG_EARLIEST) {
            p->offset = RD_KAFKA_OFFSET_BEGINNING;
        } else {
            if (strcmp(begun_topic, p->topic) != 0)
                begun = find_begun(c, begun_topic = p->topic);
            begin_latest(&begun, p, end, b);
        }
    }
    rd_kafka_topic_partition_list_destroy(firsts);
    rd_kafka_topic_partition_list_destroy(ends);
}

/* --- begin ------------------------------------------------------------------------------------------------------- */

void consumer_expect(struct consumer *c, const char *topic, int32_t partition)
{
    struct assignment *a = calloc(1, sizeof *a);
    vx_assert(a != NULL);
    a->topic = strdup(topic);
    vx_assert(a->topic != NULL);
    a->partition = partition;
    a->closed = true; /* no worker has it */
    a->lag = -1;
    struct course none;
    course_init(&none, -1);
    ledger_init(&a->ledger, &none, -1, false, -1);
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_lock(&c->lock);
    a->next = c->assignments;
    c->assignments = a;
    pthread_mutex_unlock(&c->lock);
}

/* Says it once for each reason. */
static void hold(struct assignment *a, const char *why)
{
    char quoted[VX_LOG_QUOTE_SIZE];
    pthread_mutex_lock(&a->lock);
    bool said = a->hold != HOLD_NONE && strcmp(a->message, why) == 0;
    a->hold = HOLD_UNBEGUN;
    snprintf(a->message, sizeof a->message, "%s", why);
    pthread_mutex_unlock(&a->lock);
    if (!said)
        vx_log(VX_LOG_WARN, "partition.waiting", "topic=%s partition=%d reason=%s", a->topic, a->partition,
               vx_log_quote(why, quoted));
}

/* Those of `list` that begin where they were found go on record; those that do not are not known to begin there. */
static void record(struct consumer *c, const rd_kafka_topic_partition_list_t *list, struct begin *begins)
{
    rd_kafka_topic_partition_list_t *found = rd_kafka_topic_partition_list_new(list->cnt);
    for (int i = 0; i < list->cnt; i++)
        if (begins[i].found)
            rd_kafka_topic_partition_list_add(found, list->elems[i].topic, list->elems[i].partition);
    if (found->cnt > 0)
        consumer_commit_now(c, found, vx_clock_ms() + COMMIT_TIMEOUT_MS);
    rd_kafka_topic_partition_list_destroy(found);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        if (begins[i].found && consumer_find(c, p->topic, p->partition)->ledger.committed != p->offset)
            begins[i].unknown = "where it ends now could not be committed";
    }
}

static void open_partition(struct consumer *c, struct assignment *a, int64_t offset)
{
    size_t worker = consumer_choose_worker(c);
    pthread_mutex_lock(&a->lock);
    a->hold = HOLD_NONE;
    pthread_mutex_unlock(&a->lock);
    pthread_mutex_lock(&c->lock);
    a->closed = false;
    pthread_mutex_unlock(&c->lock);
    uint32_t release = course_release(&a->ledger.course, offset);
    worker_assign(c->setup.workers[worker], a);
    vx_log(VX_LOG_INFO, "partition.assigned", "topic=%s partition=%d offset=%lld release=%u worker=%zu", a->topic,
           a->partition, (long long)offset, release, worker);
}

/* The partitions that are not begun yet, by topic. */
static rd_kafka_topic_partition_list_t *unbegun(struct consumer *c)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (const struct assignment *a = c->assignments; a; a = a->next)
        if (!a->queue)
            rd_kafka_topic_partition_list_add(list, a->topic, a->partition);
    rd_kafka_topic_partition_list_sort(list, NULL, NULL);
    return list;
}

void consumer_begin(struct consumer *c)
{
    rd_kafka_topic_partition_list_t *list = unbegun(c);
    rd_kafka_topic_partition_list_t *known = rd_kafka_topic_partition_list_new(list->cnt);
    struct begin *begins = calloc((size_t)list->cnt + 1, sizeof *begins);
    vx_assert(begins != NULL);
    if (list->cnt > 0)
        find(c, list, begins);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct assignment *a = consumer_find(c, p->topic, p->partition);
        pthread_mutex_lock(&a->lock);
        ledger_init(&a->ledger, &begins[i].course, p->offset, begins[i].found, begins[i].leader_epoch);
        pthread_mutex_unlock(&a->lock);
    }
    record(c, list, begins);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        struct assignment *a = consumer_find(c, p->topic, p->partition);
        a->ledger.exact = consumer_is_exact(c, p->topic);
        if (begins[i].unknown) {
            hold(a, begins[i].unknown);
            continue;
        }
        a->queue = rd_kafka_queue_get_partition(c->rk, p->topic, p->partition);
        vx_assert(a->queue != NULL);
        rd_kafka_queue_forward(a->queue, NULL);
        rd_kafka_topic_partition_t *k = rd_kafka_topic_partition_list_add(known, p->topic, p->partition);
        k->offset = p->offset;
        rd_kafka_topic_partition_set_leader_epoch(k, rd_kafka_topic_partition_get_leader_epoch(p));
    }
    free(begins);
    if (known->cnt > 0)
        consumer_note_error(rd_kafka_incremental_assign(c->rk, known), "assign");
    for (int i = 0; i < known->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &known->elems[i];
        open_partition(c, consumer_find(c, p->topic, p->partition), p->offset);
    }
    bool waits = known->cnt < list->cnt;
    rd_kafka_topic_partition_list_destroy(known);
    rd_kafka_topic_partition_list_destroy(list);
    c->begin_ms = waits ? vx_clock_ms() + AGAIN_MS : INT64_MAX;
    if (!waits)
        atomic_store(&c->joined, true);
}
