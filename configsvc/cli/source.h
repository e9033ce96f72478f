/* What a command is pointed at: a folder, a release "@42", or "@running". One thread. */
#ifndef VX_CLI_SOURCE_H
#define VX_CLI_SOURCE_H

#include "configsvc/cli/client.h"
#include "core/config/config.h"

struct source {
    const char *label;      /* "configs/github", "@42", "@running (42)", "nothing" */
    struct config_set *set; /* owned; NULL: an empty release (nothing runs yet) */
    uint32_t release;       /* 0 for a folder and for nothing */
    size_t warnings;        /* findings that were no errors */
};

/* True for "@…". */
bool source_is_release(const char *text);
/* Loads a folder, compiles it as a router would, and prints what is wrong with it. EXIT_DONE; EXIT_NO when it has errors;
 * EXIT_USAGE when it cannot be read. */
VX_MUSTCHECK int source_load_folder(struct cli *cli, const char *folder, struct source *out);
/* The same, but hands the findings over (sorted) instead of printing them. */
VX_MUSTCHECK int source_check_folder(struct cli *cli, const char *folder, struct source *out, struct vx_diags *diags);
/* Loads "@42" or "@running" of `fleet` from configsvc. EXIT_NO when there is no such release, or when it does not load in
 * this version of veltrix; with `any`, the latter is only said, and `set` stays NULL: what an older version published must
 * not keep anybody from publishing something better. */
VX_MUSTCHECK int source_load_release(struct cli *cli, const char *fleet, const char *text, bool any,
                                     struct source *out);
/* A folder or, of the fleet that is meant, a release that is not empty: one of the two above. */
VX_MUSTCHECK int source_load(struct cli *cli, const char *text, struct source *out);
void source_done(struct source *source);

/* The name of the release for a path of the API: "42" or "running"; NULL after a sentence when `text` is neither. */
const char *source_release_name(struct cli *cli, const char *text);

#endif
