/* The registry's questions. See inquiry.h. There are two kinds: for metadata, on which a broker that creates topics on
 * demand does so as it would for any producer; and for a description, as admin clients ask, which creates nothing and
 * tells the topic's id. */
#include "router/io/inquiry.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "core/base/err.h"

enum { ASK_TIMEOUT_MS = 5000 };

static enum destination_state state_of(rd_kafka_resp_err_t err, int partition_count)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return partition_count > 0 ? DESTINATION_THERE : DESTINATION_UNKNOWN;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return DESTINATION_MISSING;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return DESTINATION_FORBIDDEN;
    default:
        return DESTINATION_UNKNOWN;
    }
}

static void read_metadata(rd_kafka_t *rk, rd_kafka_topic_t *rkt, struct destination_answer *out)
{
    const rd_kafka_metadata_t *md;
    if (rd_kafka_metadata(rk, 0, rkt, &md, ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (md->topic_cnt == 1) {
        out->partition_count = md->topics[0].partition_cnt;
        out->state = state_of(md->topics[0].err, out->partition_count);
    }
    rd_kafka_metadata_destroy(md);
}

static void read_description(rd_kafka_event_t *event, struct destination_answer *out)
{
    size_t count, partition_count;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const rd_kafka_TopicDescription_t **topics =
        rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);
    if (count != 1)
        return;
    rd_kafka_TopicDescription_partitions(topics[0], &partition_count);
    out->partition_count = (int)partition_count;
    out->state = state_of(rd_kafka_error_code(rd_kafka_TopicDescription_error(topics[0])), out->partition_count);
    const rd_kafka_Uuid_t *id = rd_kafka_TopicDescription_topic_id(topics[0]);
    out->id.high = id ? (uint64_t)rd_kafka_Uuid_most_significant_bits(id) : 0;
    out->id.low = id ? (uint64_t)rd_kafka_Uuid_least_significant_bits(id) : 0;
}

/* False: the brokers are there, but do not describe topics. */
static bool describe(rd_kafka_t *rk, const char *name, struct destination_answer *out)
{
    char text[256];
    bool can = true;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
    rd_kafka_TopicCollection_t *topics = rd_kafka_TopicCollection_of_topic_names(&name, 1);
    vx_assert(rd_kafka_AdminOptions_set_request_timeout(options, ASK_TIMEOUT_MS, text, sizeof text) ==
              RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_DescribeTopics(rk, topics, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ASK_TIMEOUT_MS);
    if (event) {
        rd_kafka_resp_err_t err = rd_kafka_event_error(event);
        can = err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR__TIMED_OUT;
        read_description(event, out);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_TopicCollection_destroy(topics);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return can;
}

void inquiry_ask(struct rd_kafka_s *rk, const char *name, bool seen, struct destination_answer *out)
{
    rd_kafka_poll(rk, 0); /* nobody else does: errors and a token of OAUTHBEARER that is to be renewed wait for it */
    *out = (struct destination_answer){.state = DESTINATION_UNKNOWN};
    if (seen && describe(rk, name, out) && out->state != DESTINATION_MISSING)
        return;
    out->gone = out->state == DESTINATION_MISSING;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, name, NULL);
    if (!rkt) {
        out->state = DESTINATION_MISSING; /* not a legal name */
        return;
    }
    read_metadata(rk, rkt, out);
    rd_kafka_topic_destroy(rkt);
}

bool inquiry_reaches(struct rd_kafka_s *rk)
{
    const rd_kafka_metadata_t *md;
    rd_kafka_poll(rk, 0);
    if (rd_kafka_metadata(rk, 0, NULL, &md, ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    rd_kafka_metadata_destroy(md);
    return true;
}

void inquiry_list(struct rd_kafka_s *rk, void (*each)(void *ctx, const struct vx_strings *topics), void *ctx)
{
    const rd_kafka_metadata_t *md;
    rd_kafka_poll(rk, 0);
    if (rd_kafka_metadata(rk, 1, NULL, &md, ASK_TIMEOUT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return; /* the next time */
    struct vx_strings topics = {.at = calloc((size_t)md->topic_cnt + 1, sizeof *topics.at)};
    vx_assert(topics.at != NULL);
    for (int i = 0; i < md->topic_cnt; i++)
        if (md->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR)
            topics.at[topics.count++] = md->topics[i].topic;
    each(ctx, &topics);
    free(topics.at);
    rd_kafka_metadata_destroy(md);
}
