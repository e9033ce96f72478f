/* Where assigned partitions begin, and with which course: the group's committed offsets with their metadata, and where
 * each partition ends now.
 *
 * Where to begin is stated, never assumed: the committed offset, or where there is none the routing's `start`. `latest`
 * is found once and committed before the first event is read: found again after a restart or by the next owner it would
 * skip what came meanwhile. It is about the moment at which the fleet begins a topic: a partition that is added later
 * begins at its beginning, or what was written before it was noticed would be skipped. How many partitions there were at
 * that moment stands in the commits' metadata; a fleet that has commits without it began the topic at its beginning.
 *
 * A committed offset that retention has overtaken is no place to begin either: it is said, and `start` decides.
 *
 * The ends bound what an owner before can have decided: it has lost the partition by now, and it could not read what
 * was not there. They are asked from the leaders, not from a follower that may be behind, all in one request.
 *
 * Thread: the consumer's, inside its poll. The group waits meanwhile, so everything here has a deadline. */
#include "core/base/log.h"
#include "router/io/consumer_private.h"

enum {
    COMMITTED_TIMEOUT_MS = 5000,
    COMMITTED_TRIES = 3,
    ENDS_TIMEOUT_MS = 5000,
};

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
    rd_kafka_resp_err_t err;
};

static int count_partitions(struct consumer *c, const char *topic, const rd_kafka_topic_partition_list_t *list)
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
    for (int i = 0; i < list->cnt; i++) /* those assigned exist, whatever the answer */
        if (strcmp(list->elems[i].topic, topic) == 0 && list->elems[i].partition >= count)
            count = list->elems[i].partition + 1;
    return count;
}

static struct begun find_begun(struct consumer *c, const char *topic, const rd_kafka_topic_partition_list_t *list)
{
    struct begun b = {.count = count_partitions(c, topic, list)};
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(b.count);
    rd_kafka_topic_partition_list_add_range(all, topic, 0, b.count - 1);
    b.err = RD_KAFKA_RESP_ERR__FAIL;
    for (int i = 0; i < COMMITTED_TRIES && b.err; i++)
        b.err = rd_kafka_committed(c->rk, all, COMMITTED_TIMEOUT_MS);
    for (int i = 0; i < all->cnt && !b.err; i++) {
        const rd_kafka_topic_partition_t *p = &all->elems[i];
        struct course course;
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
static void begin_latest(const struct begun *begun, rd_kafka_topic_partition_t *p, int64_t end,
                         struct consumer_begin *b)
{
    if (begun->err) {
        p->offset = RD_KAFKA_OFFSET_STORED;
    } else if (begun->any && (uint32_t)p->partition >= begun->first) {
        p->offset = RD_KAFKA_OFFSET_BEGINNING;
    } else if (end >= 0) {
        p->offset = end;
        b->found = true;
        course_init(&b->course, end);
        b->course.partitions = begun->any ? begun->first : (uint32_t)begun->count;
    } else {
        p->offset = RD_KAFKA_OFFSET_END;
    }
}

/* What was committed lies before `first`, where the partition begins now. */
static void begin_expired(struct consumer *c, rd_kafka_topic_partition_t *p, int64_t first, int64_t end,
                          struct consumer_begin *b)
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

void consumer_find_begin(struct consumer *c, rd_kafka_topic_partition_list_t *list, struct consumer_begin *begins)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    for (int i = 0; i < COMMITTED_TRIES && err; i++)
        err = rd_kafka_committed(c->rk, list, COMMITTED_TIMEOUT_MS);
    if (err)
        vx_log(VX_LOG_WARN, "offsets.unknown", "partitions=%d error=%s", list->cnt, rd_kafka_err2name(err));
    rd_kafka_topic_partition_list_t *ends = find_offsets(c, list, RD_KAFKA_OFFSET_SPEC_LATEST);
    rd_kafka_topic_partition_list_t *firsts = find_offsets(c, list, RD_KAFKA_OFFSET_SPEC_EARLIEST);
    struct begun begun = {.err = RD_KAFKA_RESP_ERR_NO_ERROR};
    const char *begun_topic = "";
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *p = &list->elems[i];
        struct consumer_begin *b = &begins[i];
        int64_t end = ends->elems[i].offset;
        *b = (struct consumer_begin){.leader_epoch = rd_kafka_topic_partition_get_leader_epoch(p)};
        course_init(&b->course, -1);
        if (err || p->err) { /* librdkafka asks again by itself, and falls back to the topic's own `start` */
            p->offset = RD_KAFKA_OFFSET_STORED;
        } else if (p->offset >= 0) {
            course_load(&b->course, p->metadata ? p->metadata : "", p->metadata_size, p->offset, end);
            if (p->offset < firsts->elems[i].offset)
                begin_expired(c, p, firsts->elems[i].offset, end, b);
        } else if (consumer_start_of(c, p->topic) == CONFIG_EARLIEST) {
            p->offset = RD_KAFKA_OFFSET_BEGINNING;
        } else {
            if (strcmp(begun_topic, p->topic) != 0) /* assigned lists stand by topic */
                begun = find_begun(c, begun_topic = p->topic, list);
            begin_latest(&begun, p, end, b);
        }
    }
    rd_kafka_topic_partition_list_destroy(firsts);
    rd_kafka_topic_partition_list_destroy(ends);
}
