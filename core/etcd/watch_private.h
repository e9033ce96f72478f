/* Inside a watch: shared by watch.c (the stream) and watch_canary.c (the proof that it is alive). Internal to core/etcd. */
#ifndef VX_ETCD_WATCH_PRIVATE_H
#define VX_ETCD_WATCH_PRIVATE_H

#include "core/etcd/client.h"

enum { WATCH_FAR_MS = 3600 * 1000 }; /* due_ms of a state that something else ends */

enum watch_state { WATCH_WAITING, WATCH_AUTHENTICATING, WATCH_OPENING, WATCH_LIVE, WATCH_SILENT, WATCH_CLOSED };

struct etcd_watch {
    /* Set once. */
    struct etcd *etcd;
    struct vx_buf key, end; /* `end` is empty for one key */
    struct etcd_watch_ops ops;
    void *ctx;
    struct etcd_watch *next;

    /* Guarded by the client's mutex. */
    bool closing; /* etcd_watch_free() waits */
    bool closed;
    int64_t resume_revision; /* 0: not asked for */

    /* The client's thread. */
    enum watch_state state;
    int64_t due_ms;        /* when the state has to be looked at again */
    unsigned failures;     /* since the last proof of health */
    size_t endpoint;       /* of the stream */
    int64_t next_revision; /* 0: from the moment of creation */
    uint64_t cluster_id;   /* 0: not seen yet */
    bool connected;
    char reason[256]; /* why it was lost, as last told */
    struct http stream;
    bool stream_ended;
    struct vx_buf stream_body;
    struct answer_lines lines;
    struct http probe; /* the canary, or the request for a token */
    bool probe_ended;
    struct vx_buf probe_body;
    int64_t canary_ms;       /* when the next canary is due */
    int64_t canary_floor;    /* next_revision when the canary was sent: what it reads is not older, in one history */
    int64_t behind_revision; /* the canary has seen this one, the stream not yet; 0: none */
    int64_t behind_ms;       /* until when the stream has to have told it */
    struct vx_arena arena;   /* the events of the revisions being put together */
    struct etcd_event *events;
    size_t event_count, event_room;
};

/* All on the client's thread. */

/* Drops the stream and the probe, leaves the endpoint, and tries again later; `reason` is for people. */
void watch_lose(struct etcd_watch *watch, const char *reason);
/* The stream cannot go on from where it stands; its owner reads everything again and says from where. */
void watch_fall_silent(struct etcd_watch *watch, int64_t compact_revision);
/* Sends probe_body to the stream's endpoint; `probe_ended` says when the answer is there. `path` is static, `token` (may be
 * NULL) is taken over. No probe may be active. */
void watch_probe(struct etcd_watch *watch, const char *path, bool needs_leader, char *token);

/* watch_canary.c */
/* What a LIVE watch does besides listening: sends canaries, judges their answers, and sets due_ms. The watch may be lost or
 * silent afterwards. */
void watch_canary_guard(struct etcd_watch *watch, int64_t now_ms);

#endif
