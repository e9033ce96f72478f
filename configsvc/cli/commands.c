/* The table of commands, in the order of the help. */
#include "configsvc/cli/cli.h"

static const struct cli_command *const commands[] = {
    &validate_command, &diff_command,     &apply_command,    &history_command, &show_command,
    &export_command,   &rollback_command, &fleet_command,    &lock_command,    &audit_command,
    &explain_command,  &eval_command,     &simulate_command, &test_command,    &schema_command,
    &dev_command,      &feed_command,     &help_command,     &version_command, &broker_command,
};

const struct cli_command *const *cli_commands(size_t *count)
{
    *count = sizeof commands / sizeof commands[0];
    return commands;
}
