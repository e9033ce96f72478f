/* The CLI's HTTP client: one request, one answer, with deadlines. The only file of the CLI that knows libcurl. One thread. */
#ifndef VX_CLI_CLIENT_H
#define VX_CLI_CLIENT_H

#include "configsvc/cli/cli.h"
#include "core/json/value.h"

enum { CLIENT_CONNECT_MS = 3000, CLIENT_TOTAL_MS = 60000, CLIENT_ANSWER_MAX_BYTES = 512 * 1024 * 1024 };

struct client_answer {
    int status;             /* of HTTP; 0: configsvc was not reached, or its answer was lost */
    bool sent;              /* status 0: the request may have been carried out */
    struct vx_span text;    /* the body, in the arena */
    struct json_value json; /* the same, parsed; JSON_KIND_MISSING when it is not JSON */
    const char *code;       /* of an error: "conflict" */
    const char *message;    /* of an error: a sentence */
    struct json_value findings;
};

/* Asks `method` of "/v1/fleets/<fleet>" + path (of `path` alone when `fleet` is NULL); `body` is JSON, or empty for none.
 * True for an answer of 2xx. Everything in `answer` lives in the cli's arena. */
VX_MUSTCHECK bool client_call(struct cli *cli, const char *method, const char *fleet, const char *path,
                              struct vx_span body, struct client_answer *answer);
/* Is there a `member` of `kind` in `object`, a part of a good answer, as configsvc always has it? If not, the answer
 * becomes an unsuccessful one: something else listens there, and nothing may be concluded from what it said. */
VX_MUSTCHECK bool client_has(struct cli *cli, struct client_answer *answer, struct json_value object,
                             const char *member, enum json_kind kind);
/* Says what an unsuccessful call means: findings (files below `folder` when not NULL), then the sentence. Returns
 * EXIT_USAGE when configsvc, or etcd behind it, was not reached, else EXIT_NO. */
int client_fail(struct cli *cli, const struct client_answer *answer, const char *folder);

/* The fleet to talk about: --fleet; else VELTRIX_FLEET and `folder_fleet` (may be NULL), which must not disagree; else the
 * only one there is. On failure returns NULL after a sentence, with the exit code in `*code`. */
const char *client_fleet(struct cli *cli, const char *folder_fleet, int *code);

#endif
