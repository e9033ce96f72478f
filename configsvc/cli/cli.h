/* What every command of `veltrix` is made of: its row in the table, its options, and how it speaks.
 *
 *     main.c ── args_load() ──> struct cli ── command->run() ── exit code
 *
 * Results go to standard output, progress and errors to standard error. With -o json, standard output is one JSON value,
 * also for an error: {"error": {"code", "message", "findings"}}. One thread.
 */
#ifndef VX_CLI_CLI_H
#define VX_CLI_CLI_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/diag.h"
#include "core/base/err.h"

/* Exit codes are an interface, frozen by tests/unit/configsvc/test_cli.c. */
enum {
    EXIT_DONE = 0,
    EXIT_NO = 1,    /* refused, rejected, not valid, not there; diff: there are differences */
    EXIT_USAGE = 2, /* called wrongly, a file cannot be read, the server cannot be reached; diff: any error */
    EXIT_LATE = 3,  /* apply, rollback, fleet accept-restore: timed out while waiting for the routers */
};

enum cli_option_kind {
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char * */
    CLI_NUMBER,   /* int64_t, from 0 */
    CLI_OPTIONAL, /* const char *: --name is "", --name=TEXT is TEXT */
    CLI_LIST,     /* struct cli_list: may be repeated */
};

struct cli_list {
    const char *at[64];
    size_t count;
};

/* One row is the whole truth of an option; rows end with a NULL name. */
struct cli_option {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum cli_option_kind kind;
    size_t offset;     /* in the command's options, or in struct cli for global ones */
    const char *value; /* what stands for its value in the help: "SECONDS" */
    const char *help;
};

struct cli;
struct cli_command {
    const char *name;
    const char *usage;                /* what follows the name: "DIR -m MESSAGE" */
    const char *summary;              /* one line */
    const char *help;                 /* what it does, its exit codes, examples */
    const struct cli_option *options; /* NULL: none */
    size_t options_size;              /* of the struct that the rows fill; zeroed first */
    int min_words, max_words;         /* words besides options */
    bool hidden;                      /* not in the list */
    bool takes_command;               /* words after `--` are a command to run, in cli->rest */
    bool signed_words; /* a word may begin with `-`: `-1` is one, `-x` is looked for as an option first */
    int (*run)(struct cli *cli, const void *options);
};

struct cli {
    const struct cli_command *command;
    const char *server;     /* --server, VELTRIX_SERVER, or the default */
    const char *fleet;      /* --fleet; NULL: found out by client_fleet() */
    const char *output;     /* -o: "text" or "json" */
    const char *color_when; /* --color */
    bool help;
    bool version;
    bool json;      /* output is json */
    bool color;     /* on standard output */
    bool color_err; /* on standard error */
    const char *words[8];
    int word_count;
    char **rest; /* after `--`; NULL-terminated, or NULL */
    struct vx_arena arena;
};

/* All commands, in the order of the help. */
const struct cli_command *const *cli_commands(size_t *count);

/* Reads the command line into `cli`; `*options` is the command's struct, in the arena. Returns EXIT_DONE to go on, or -1
 * when help was printed and everything is done, or EXIT_USAGE after a sentence on standard error. */
VX_MUSTCHECK int args_load(struct cli *cli, int argc, char **argv, void **options);
void args_print_overview(struct vx_buf *out);
void args_print_command(const struct cli_command *command, struct vx_buf *out);

/* Prints "veltrix: sentence" (and the error as JSON with -o json); returns `code`. */
int cli_fail(struct cli *cli, int code, const char *fmt, ...) VX_PRINTF(3, 4);
/* The same with a label and findings; `findings` may be NULL. */
int cli_fail_findings(struct cli *cli, int code, const char *label, const struct vx_diags *findings,
                      const char *message);
/* Prints findings to standard error, sorted. */
void cli_print_findings(const struct cli *cli, struct vx_diags *findings);
/* A sentence on standard error about what goes on; nothing more than that. */
void cli_progress(const struct cli *cli, const char *fmt, ...) VX_PRINTF(2, 3);
/* Writes all of `text` to standard output. */
void cli_out(const struct vx_buf *text);
/* Writes JSON and a newline to standard output. */
void cli_out_json(struct vx_buf *json);
/* Writes help to standard output, as {"help": TEXT} where JSON is wanted. */
void cli_out_help(const struct cli *cli, const struct vx_buf *text);

/* Who the operator is, for releases and the audit: "alice@laptop". */
const char *cli_author(struct cli *cli);
/* A copy without control characters: what others wrote must not steer the operator's terminal. */
const char *cli_printable(struct cli *cli, const char *text);
/* The milliseconds of a time as the API writes it; 0 when it is none. */
int64_t cli_time_load(const char *text);
/* "just now", "12 s ago", "3 min ago", "5 h ago", "2 days ago"; "-" for 0. */
const char *cli_ago(struct cli *cli, int64_t wall_ms);
/* The release that "@42" names; 0 when it is not of that form. */
uint32_t cli_release(const char *text);

/* A table for people: columns as wide as their widest cell. */
struct cli_table {
    const char **cells; /* row by row, the head first; in the arena */
    size_t columns, count, room;
};
void cli_table_row(struct cli *cli, struct cli_table *table, size_t columns, const char *const *cells);
void cli_table_print(const struct cli *cli, const struct cli_table *table, struct vx_buf *out);

/* The commands, each in the file of its name. */
extern const struct cli_command validate_command, diff_command, apply_command, history_command, show_command,
    export_command, rollback_command, fleet_command, lock_command, audit_command, schema_command, eval_command,
    explain_command, simulate_command, test_command, dev_command, feed_command, broker_command, version_command,
    help_command;

#endif
